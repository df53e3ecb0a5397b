"""File drop: an audience as CSV or Parquet files in a folder of any fsspec URL, for whoever fetches them.

One folder an audience. A reader goes by its ``manifest.json``, which names each file with rows, bytes and SHA-256 in
the order they count in; a file that is not in it was never announced. Option ``mode``: ``delta`` (without it) drops a
file a batch, who was added, updated or removed; ``snapshot`` drops a file a sync with everybody. What appears is whole:
written beside its place, then renamed. A batch that comes again is not announced twice. See docs/file-drop.md.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.destinations.carried_fields import COLUMNS, names_of
from include.destinations.file_drop_folder import Folder, Root
from include.destinations.file_drop_format import FORMATS, as_bytes, is_formula
from include.destinations.file_drop_people import IDENTIFIERS
from include.destinations.file_drop_snapshot import begin, keep, knows_everybody, publish
from include.errors import ConfigError
from include.limits import Limiter

MAX_ROWS = 50_000  # people a file
VERBS = {"add": "added", "update": "updated", "remove": "removed"}


class FileDropDestination:
    """Folders below one URL.

    :param url: ``file:///data/audiences``, ``s3://bucket/audiences``: whatever fsspec opens.
    :param storage_options: what that file system needs besides, as fsspec takes it.
    """

    name = "file_drop"
    purpose: Literal["email", "ads"] = "email"
    identifiers = IDENTIFIERS
    fields = COLUMNS
    identifier_version = 1
    field_version = 1
    batch_size = MAX_ROWS
    connections = 1  # a manifest has one writer
    acknowledgement: Literal["row", "batch", "job", "none"] = "batch"

    def __init__(
        self,
        url: str,
        storage_options: Mapping[str, Any] | None = None,
        *,
        tries: int = 5,
        limiter: Limiter | None = None,
    ) -> None:
        self._root = Root(url, storage_options or {}, tries=tries, limiter=limiter)

    def open_audience(self, audience: Audience) -> str:
        """Find or make the folder with its manifest; the folder's name is the id."""
        kind, form = option(audience, "mode", ("delta", "snapshot")), option(audience, "format", tuple(FORMATS))
        folder = self._root.folder(slug(audience.key))
        manifest = folder.found()
        if manifest is None:
            folder.announce({"audience": audience.key, "mode": kind, "format": form, "files": []})
        elif not _goes_on(folder, manifest, kind):
            begin(folder)
            folder.announce({**manifest, "mode": kind, "format": form})
        return folder.name

    def has_audience(self, audience: Audience) -> bool:
        """Whether the manifest is there, and in this mode. What a broken sync wrote and never announced goes away.

        After a change of the mode everybody is told anew: a snapshot needs to know them, a delta has a new beginning.
        """
        folder, kind = self._folder(audience), option(audience, "mode", ("delta", "snapshot"))
        manifest = folder.found()
        if manifest is None or (audience.active and not _goes_on(folder, manifest, kind)):
            return False
        folder.clear_unannounced()
        return True

    def check(self) -> Checked:
        """Whether a file can be written and taken away again."""
        self._root.probe()
        return Checked(self._root.shown, limits={"people a file": MAX_ROWS})

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """Address and number as the golden record has them, in the clear."""
        return {column: person[column] for column in IDENTIFIERS if person[column]} or None

    def names(self, audience: Audience) -> dict[str, str]:
        """What option ``fields`` chooses."""
        return names_of(audience)

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Drop who came in, with all that is mapped."""
        return self._drop("add", audience, members)

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Drop what changed: all that is mapped, anew."""
        return self._drop("update", audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Drop who left, by the identifiers that were dropped before."""
        return self._drop("remove", audience, members)

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """Publish the snapshot of everything kept so far; a sync's first call does it for all its batches."""
        publish(self._folder(audience), audience, self._columns(audience, "snapshot"), form_of(audience), job_id)
        return Answer()

    def _folder(self, audience: Audience) -> Folder:
        return self._root.folder(str(audience.remote_id))

    def _drop(self, operation: str, audience: Audience, members: Sequence[Member]) -> Answer:
        names, form = names_of(audience), form_of(audience)
        bad = [one for one in members if form == "csv" and any(map(is_formula, one.identifiers.values()))]
        rows = [_row(one, names) for one in members if one not in bad]
        if rows and option(audience, "mode", ("delta", "snapshot")) == "snapshot":
            keep(self._folder(audience), operation, rows)
            job_id = str(audience.sync_id)
        else:
            self._announce(operation, audience, rows, form)
            job_id = None
        text = "the identifier would be a formula in a spreadsheet"
        return Answer(tuple(Exceptional(one.row, "rejected", "formula", text) for one in bad), job_id=job_id)

    def _announce(self, operation: str, audience: Audience, rows: Sequence[Mapping[str, Any]], form: str) -> None:
        if not rows:
            return
        content = as_bytes(form, self._columns(audience, operation), rows)
        digest = hashlib.sha256(content).hexdigest()
        entry = {
            "name": f"{audience.remote_id}_{audience.sync_id or 0:08d}_{VERBS[operation]}_{digest[:12]}.{form}",
            "operation": VERBS[operation],
            "sync_id": audience.sync_id,
            "rows": len(rows),
            "bytes": len(content),
            "sha256": digest,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            **({"quiet": True} if audience.quiet else {}),
        }
        self._folder(audience).drop(entry, content)

    def _columns(self, audience: Audience, operation: str) -> list[str]:
        """Always these, in this order, whether anybody has a value or not."""
        if operation == "remove":
            return [*IDENTIFIERS]
        return [*IDENTIFIERS, *names_of(audience).values(), *(["cleared"] if operation != "snapshot" else [])]


def _goes_on(folder: Folder, manifest: Mapping[str, Any], kind: str) -> bool:
    """Whether what comes next can be told as a difference to what the folder holds."""
    if manifest["mode"] != kind:
        return False
    return kind == "delta" or not manifest["files"] or knows_everybody(folder)


def slug(key: str) -> str:
    """A folder's name from an audience's: letters and digits stay, and a few hex digits keep two names apart."""
    plain = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:60] or "audience"
    return plain if plain == key else f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def option(audience: Audience, name: str, known: tuple[str, ...]) -> str:
    """An option of the audience, the first of ``known`` without it.

    :raises ConfigError: it is none of them.
    """
    value = audience.options.get(name, known[0])
    if value not in known:
        raise ConfigError(
            f"{audience.segment}: {name} of file_drop audience {audience.key!r} is {value!r}; use {' or '.join(known)}."
        )
    return value


def form_of(audience: Audience) -> str:
    """``csv`` or ``parquet``."""
    return option(audience, "format", tuple(FORMATS))


def _row(member: Member, names: Mapping[str, str]) -> dict[str, Any]:
    fields = {name: member.fields[column] for column, name in names.items() if column in member.fields}
    cleared = " ".join(names[column] for column in member.cleared if column in names)
    return {**member.identifiers, **fields, **({"cleared": cleared} if cleared else {})}

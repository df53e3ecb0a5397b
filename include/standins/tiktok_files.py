"""TikTok: files of hashed identifiers, and what becomes of an audience when one is worked off.

Sources: help page "How to create a Custom Audience with a customer file" (September 2025), the endpoints' pages. A file
is CSV or TXT, signed with its MD5, one identifier a line, or with ``MULTIPLE_TYPES`` a header that names the columns.
An audience holds identifiers, each by itself: APPEND adds those it does not hold, REMOVE takes those out that it holds.
A line that is no hash is counted in the history's ``msg``, not named. While one change of an audience is worked off,
every further one is refused (BUSY: the code is our guess). A change that would leave fewer entries than the platform's
1,000 fails. Settings, for tests: ``tiktok.minimum_size``, ``tiktok.update_seconds`` (how long a change takes),
``tiktok.fail_updates`` and ``tiktok.refuse_removals`` (changes that end from now on fail).
"""

import csv
import hashlib
import io
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from include.standins.kit import EVERYTHING, Context, Document, Store
from include.standins.tiktok_core import FILE_TYPE, PLATFORM, Call, TikTokError, invalid

TYPES = {"EMAIL_SHA256": "EMAIL", "PHONE_SHA256": "PHONE"}
MULTIPLE = "MULTIPLE_TYPES"
HEADERS = {"email_sha256": "EMAIL", "phone_sha256": "PHONE"}
MOST_BYTES = 1024**3
MINIMUM_SIZE = 1000
# An address under .invalid can be nobody's (RFC 2606), so its hash never matches a user.
NOBODY = hashlib.sha256(b"nobody@example.invalid").hexdigest()
BUSY = 40913
HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()
_HASH = re.compile(r"[0-9a-f]{64}")


def upload(call: Call) -> dict[str, str]:
    """``POST …/file/upload/``: the path by which the file is named later, by the same advertiser."""
    call.known(("advertiser_id", "calculate_type", "file_signature"), ("file_name",))
    if call.file is None:
        raise invalid("file: Missing data for required field.")
    name, content = call.file
    if not name.lower().endswith((".csv", ".txt")):
        raise TikTokError(FILE_TYPE, "Unsupported file type; only csv and txt are supported")
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != call.params["file_signature"]:
        raise invalid("file_signature: The MD5 of the file does not match.")
    if not content.strip() or len(content) > MOST_BYTES:
        raise invalid("file: The file must not be empty or larger than 1 GB.")
    entries, bad = read_file(content, call.params["calculate_type"])
    path = f"{call.params['advertiser_id']}/{secrets.token_hex(16)}.csv"
    body = {"type": call.params["calculate_type"], "entries": entries, "bad": bad}
    call.store.put(PLATFORM, "file", path, body, changed_at=call.context.now_ms())
    return {"file_path": path}


def read_file(content: bytes, kind: str) -> tuple[list[str], int]:
    """The identifiers of a file as ``EMAIL:<hash>``, and how many lines could not be read.

    :raises TikTokError: the type does not exist, or the file is of another.
    """
    rows = list(csv.reader(io.StringIO(content.decode("utf-8", errors="replace"))))
    first = [one.strip().lower().replace(" ", "") for one in rows[0]]
    if kind in TYPES:
        columns = [TYPES[kind]]
        if first[0] in HEADERS and HEADERS[first[0]] != columns[0]:
            raise invalid("calculate_type: It is not the type of the file's data.")
        rows = rows[1:] if first[0] in HEADERS else rows
    elif kind == MULTIPLE:
        if not first or any(one not in HEADERS for one in first) or any(first.count(one) > 3 for one in first):
            raise invalid("file: The header must name the type of each column.")
        columns, rows = [HEADERS[one] for one in first], rows[1:]
    else:
        raise invalid("calculate_type: The stand-in takes EMAIL_SHA256, PHONE_SHA256 and MULTIPLE_TYPES.")
    read = [_entries(columns, row) for row in rows if row]
    return list(dict.fromkeys(one for entries in read if entries for one in entries)), sum(not one for one in read)


def _entries(columns: list[str], row: list[str]) -> list[str] | None:
    """The row's identifiers; None when a cell is no hash or all are empty."""
    cells = [(column, cell.strip()) for column, cell in zip(columns, row, strict=False) if cell.strip()]
    if len(row) > len(columns) or any(not _HASH.fullmatch(cell) or cell == HASH_OF_NOTHING for _, cell in cells):
        return None
    return [f"{column}:{cell}" for column, cell in cells] or None


def entries_kind(audience_id: str) -> str:
    """The kind of document that says what an audience holds; its ids are identifiers."""
    return f"entry:{audience_id}"


def held(store: Store, audience_id: str) -> list[str]:
    """The identifiers an audience holds, but for one that can be nobody's."""
    every = store.page(PLATFORM, entries_kind(audience_id), EVERYTHING, order="id", limit=-1)
    return [one.id for one in every if not one.id.endswith(NOBODY)]


def begin(call: Call, audience: dict[str, Any], action: str, paths: list[str]) -> None:
    """Take a change of the audience, to be worked off later.

    :raises TikTokError: a path is no file of this advertiser, the files are of several types, or another than the
        audience's; or an earlier change is being worked off.
    """
    if audience.get("_doing"):
        raise TikTokError(BUSY, "The audience is being calculated. Please retry later.")
    files = [call.store.get(PLATFORM, "file", path) for path in paths]
    if any(one is None for one in files):
        raise invalid("file_paths: The file does not exist, or another advertiser uploaded it.")
    if {one.body["type"] for one in files if one} != {audience["calculate_type"]}:
        raise invalid("file_paths: All files must be of the audience's calculate_type.")
    audience["_doing"] = {"action": action, "paths": paths, "since": call.context.now_ms()}


def work_off(context: Context) -> None:
    """Finish every change whose time has come."""
    store, now = context.store, context.now_ms()
    seconds = {"CREATE": 0.3}
    update_seconds = store.get_setting("tiktok.update_seconds", 0.3)
    for one in store.page(PLATFORM, "audience", EVERYTHING, order="id", limit=-1):
        doing = one.body.get("_doing")
        if doing and doing["since"] + 1000 * seconds.get(doing["action"], update_seconds) <= now:
            body = {**one.body, "_doing": None}
            body["_error"], msg = _apply(store, one.id, doing, now)
            msg = msg or body["_error"]
            entry = {"action": ACTIONS[doing["action"]], "msg": msg, "opt_time": shown_time(now), "editor": "open_api"}
            body["_history"] = [*body["_history"], {**entry, "action_detail": doing["action"].lower()}]
            store.put(PLATFORM, "audience", one.id, body, changed_at=now, created_at=one.created_at)


ACTIONS = {"CREATE": "Create", "APPEND": "Append", "REMOVE": "Remove", "REPLACE": "Replace"}


def _apply(store: Store, audience_id: str, doing: dict[str, Any], now: int) -> tuple[str, str]:
    """What went wrong as a whole, and in part."""
    found = [store.get(PLATFORM, "file", path) for path in doing["paths"]]
    files = [one.body for one in found if one is not None]
    kind, entries = entries_kind(audience_id), [entry for one in files for entry in one["entries"]]
    there = store.get_many(PLATFORM, kind, entries)
    count, action = store.count(PLATFORM, kind, EVERYTHING), doing["action"]
    new = len(dict.fromkeys(entries)) - len(there)
    after = {"REMOVE": count - len(there), "REPLACE": len(dict.fromkeys(entries))}.get(action, count + new)
    refused = action == "REMOVE" and store.get_setting("tiktok.refuse_removals", False)
    if refused or (action != "CREATE" and store.get_setting("tiktok.fail_updates", False)):
        return "System error while the file was processed.", ""
    if action != "CREATE" and after < store.get_setting("tiktok.minimum_size", MINIMUM_SIZE):
        return "The size of the audience must not be smaller than the minimum after the operation.", ""
    if action == "REPLACE":
        store.delete_many(PLATFORM, kind, (one.id for one in store.page(PLATFORM, kind, EVERYTHING, limit=-1)))
    if action == "REMOVE":
        store.delete_many(PLATFORM, kind, entries)
    else:
        store.put_many(PLATFORM, kind, (Document(entry, {}, now, now) for entry in entries))
    bad = sum(one["bad"] for one in files)
    return "", f"{bad} rows of the file could not be parsed" if bad else ""


def cover_num(entries: Iterable[str]) -> int:
    """How many users the platform finds by these: about seven of ten, always the same."""
    return sum(hashlib.sha256(one.encode()).digest()[0] < 180 for one in entries)


def shown_time(ms: int) -> str:
    """As the platform writes times, UTC: ``2019-04-14 06:52:56``."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")

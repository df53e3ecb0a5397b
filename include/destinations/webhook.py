"""A webhook of your own: signed batches of JSON that say who came into an audience, changed or left it.

Source: Standard Webhooks specification 1.0.0 (read 2026-11-22): headers ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature``, HMAC-SHA256 over ``{id}.{timestamp}.{body}``. The id stays over all tries of one batch, also over
a crash, the timestamp is each try's own. While a secret is changed both sign. What the receiver does: docs/webhook.md.
"""

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.destinations.carried_fields import COLUMNS, names_of
from include.destinations.webhook_signature import Signature
from include.errors import LostAnswerError
from include.http_client import JsonClient
from include.limits import Limiter

MAX_MEMBERS = 1_000
MAX_BYTES = 512 * 1024  # of one body; a receiver behind a common proxy takes one megabyte
CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
VERBS = {"add": "added", "update": "updated", "remove": "removed"}


class WebhookDestination:
    """Audiences at whoever listens behind one URL.

    :param url: where the batches are posted.
    :param secrets: ``whsec_…``, one or, while it is changed, the new and the old one with a space between.
    :param batch_size: people a request; ``max_bytes``: of its body. The receiver's limits, where they are below ours.
    """

    name = "webhook"
    purpose: Literal["email", "ads"] = "email"
    identifiers = ("email", "phone")
    fields = COLUMNS
    identifier_version = 1
    field_version = 1
    batch_size = MAX_MEMBERS
    connections = 4
    acknowledgement: Literal["row", "batch", "job", "none"] = "row"
    knows_repeats: Literal[True] = True

    def __init__(
        self,
        url: str,
        secrets: str,
        *,
        batch_size: int = MAX_MEMBERS,
        max_bytes: int = MAX_BYTES,
        tries: int = 5,
        limiter: Limiter | None = None,
    ) -> None:
        self.batch_size = batch_size
        self._max_bytes = max_bytes
        self._client = JsonClient(
            url, auth=Signature(secrets), tries=tries, connections=self.connections, limiter=limiter
        )

    def open_audience(self, audience: Audience) -> str:
        """Tell that the audience begins; the receiver may give it an id of its own, else its name is the id."""
        answer = self._post("audience.opened", {"audience": audience.key})
        return str(answer.get("audience_id") or audience.key)

    def has_audience(self, audience: Audience) -> bool:
        """Ask for it. Only ``{"held": false}`` means that the receiver has lost it and wants everybody again."""
        return self._ask(audience.key).get("held") is not False

    def check(self) -> Checked:
        """Whether the receiver takes our signature: asked about no audience."""
        answer = self._ask("")
        return Checked(str(answer.get("account") or "webhook"), limits={"people a request": self.batch_size})

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """Address and number as the golden record has them, in the clear."""
        return {column: person[column] for column in self.identifiers if person[column]} or None

    def names(self, audience: Audience) -> dict[str, str]:
        """What option ``fields`` chooses."""
        return names_of(audience)

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Tell who came in, with all that is mapped."""
        return self._send("add", audience, members)

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Tell what changed: all that is mapped, anew."""
        return self._send("update", audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Tell who left, by the identifiers that were told before."""
        return self._send("remove", audience, members)

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """Never asked: each answer names its rows."""
        return Answer()

    def _send(self, operation: str, audience: Audience, members: Sequence[Member]) -> Answer:
        names = names_of(audience)
        shown = [(member.row, orjson.dumps(_shown(member, names))) for member in members]
        whole, too_large = _parts(shown, self._max_bytes)
        found = [
            Exceptional(row, "rejected", "too_large", "the row alone is larger than a request") for row in too_large
        ]
        request_id = None
        for part in whole:
            answer = self._post(
                f"audience.members.{VERBS[operation]}",
                {**_about(audience), "members": [orjson.Fragment(text) for _, text in part]},
                _id(audience, part),
            )
            found += _exceptions(operation, [row for row, _ in part], answer)
            request_id = answer.get("request_id") or request_id
        return Answer(tuple(found), request_id=str(request_id) if request_id else None)

    def _ask(self, audience: str) -> dict[str, Any]:
        return self._call("GET", None, params={"audience": audience})

    def _post(self, kind: str, data: Mapping[str, Any], id: str | None = None) -> dict[str, Any]:
        return self._call("POST", id, json={"type": kind, "timestamp": datetime.now(UTC).isoformat(), "data": data})

    def _call(self, method: str, id: str | None, **request: Any) -> dict[str, Any]:
        """One call under one id: tries of it keep the id, so that a receiver knows a batch it has had."""
        headers = {"webhook-id": id or f"msg_{uuid.uuid4().hex}"}
        answer = self._client.request(method, "", headers=headers, decode=_decode, **request)
        return answer if isinstance(answer, dict) else {}


def _decode(body: bytes) -> Any:
    """A receiver need not answer with JSON; what is none says nothing."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}


def _about(audience: Audience) -> dict[str, Any]:
    told = {"audience": audience.key, "audience_id": audience.remote_id}
    return {**told, "quiet": True} if audience.quiet else told


def _shown(member: Member, names: Mapping[str, str]) -> dict[str, Any]:
    fields = {name: member.fields[column] for column, name in names.items() if column in member.fields}
    cleared = [names[column] for column in member.cleared if column in names]
    return {
        "row": member.row,
        "identifiers": member.identifiers,
        **({"fields": fields} if fields else {}),
        **({"cleared": cleared} if cleared else {}),
    }


Part = list[tuple[int, bytes]]  # rows with their JSON


def _id(audience: Audience, part: Part) -> str | None:
    """The id of a part of a call: the call's, and a digest of whom it tells what. None past the ledger."""
    if audience.call is None:
        return None
    return f"{audience.call}_{hashlib.sha256(b','.join(text for _, text in part)).hexdigest()[:32]}"


def _parts(shown: Part, most: int) -> tuple[list[Part], list[int]]:
    """The rows in as few bodies of at most ``most`` bytes as their order allows, and the rows that fit into none."""
    room = most - 1_024  # type, time and audience around the members
    parts: list[Part] = []
    used = room + 1
    for row, text in (one for one in shown if len(one[1]) <= room):
        used += len(text) + 1
        if used > room:
            parts.append([])
            used = len(text) + 1
        parts[-1].append((row, text))
    return parts, [row for row, text in shown if len(text) > room]


def _exceptions(operation: str, rows: Sequence[int], answer: Mapping[str, Any]) -> Iterator[Exceptional]:
    """The rows the answer names. A code is taken over when it is one word; texts from outside never are.

    :raises LostAnswerError: the answer names rows that were not sent, so it is not the answer to this request.
    """
    errors = answer.get("errors") or []
    named = [error.get("row") if isinstance(error, dict) else None for error in errors]
    if not set(named) <= set(rows):
        raise LostAnswerError("POST: the answer's errors name rows that were not sent.", code="errors")
    for row, error in zip(named, errors, strict=True):
        code = error.get("code")
        known = isinstance(code, str) and CODE.fullmatch(code)
        outcome = "retriable" if error.get("retriable") is True else "debt" if operation == "remove" else "rejected"
        yield Exceptional(row, outcome, code if known else "refused", "the receiver refuses the row")

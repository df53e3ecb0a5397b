"""Meta: rows of hashed identifiers that come into an audience or leave it, in upload sessions.

Source: "Customer File Custom Audiences" and the reference of ``/{audience}/users`` (April 2026). Whom a row means: of
EXTERN_ID, EMAIL, PHONE and MADID the first that both the row and a user of the audience carry decides. So
a household with one phone number and two addresses is two users; a row with a wrong hash means nobody, and removing
it removes nobody, yet counts as received. Rows with none of these four mean the user whose other keys are all the same.
Nothing tells which rows were bad: they are counted.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.standins.kit import EVERYTHING, Document, Store
from include.standins.meta_core import PLATFORM, UPLOAD_BLOCKED, Call, GraphError, invalid

MOST_ROWS = 10_000
SESSION_SECONDS = 90 * 60  # an upload that is not finished is closed after this
STRONG = ("EXTERN_ID", "EMAIL", "PHONE", "MADID")
HASHED = frozenset({"EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY"})
SINGLE = {"EMAIL_SHA256": "EMAIL", "PHONE_SHA256": "PHONE", "MOBILE_ADVERTISER_ID": "MADID"}
BESIDES = frozenset({"LOOKALIKE_VALUE", "DATA_PROCESSING_OPTIONS"})  # not identifiers
MULTI = HASHED | BESIDES | {"EXTERN_ID", "MADID"}
PAYLOAD_KEYS = frozenset({"schema", "is_raw", "data", "app_ids", "page_ids", "ig_account_ids", "data_source"})
SESSION_KEYS = frozenset({"session_id", "batch_seq", "last_batch_flag", "estimated_num_total"})
HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()
_HASH = re.compile(r"[0-9a-f]{64}")
_DEVICE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Payload:
    """The rows of one request, checked.

    :param source: MULTI_HASHES for a list of keys, HASHES for a single one; an audience never mixes the two.
    :param rows: the valid ones, identifiers by key, empty cells left out.
    :param invalid: how many rows hold a cell that cannot be, or nothing at all.
    """

    source: str
    rows: list[dict[str, str]]
    received: int
    invalid: int


def read_payload(payload: Mapping[str, Any]) -> Payload:
    """
    :raises GraphError: 100, the payload as a whole cannot be used.
    """
    unknown = set(payload) - PAYLOAD_KEYS
    if unknown or "schema" not in payload or not isinstance(payload.get("data"), list):
        raise invalid("param payload must have schema and data, and no keys that do not exist.")
    schema, data = payload["schema"], payload["data"]
    if len(data) > MOST_ROWS:
        raise invalid(f"The number of users exceeds the limit of {MOST_ROWS} a request.")
    if isinstance(schema, str) and schema in SINGLE:
        keys = [SINGLE[schema]]
        data = [one if isinstance(one, list) else [one] for one in data]
    else:
        keys = [schema] if isinstance(schema, str) else schema
        if not keys or not isinstance(keys, list) or not set(keys) <= MULTI or len(set(keys)) < len(keys):
            raise invalid("param payload.schema has keys that do not exist, or the same one twice.")
    if any(not isinstance(one, list) or len(one) != len(keys) for one in data):
        raise invalid("Each row of param payload.data must have as many values as the schema has keys.")
    rows = [_row(keys, one) for one in data]
    return Payload(
        "HASHES" if isinstance(schema, str) and schema in SINGLE else "MULTI_HASHES",
        [one for one in rows if one],
        len(data),
        sum(1 for one in rows if one is None),
    )


def _row(keys: Sequence[str], cells: Sequence[Any]) -> dict[str, str] | None:
    """The row's identifiers; None when a cell is wrong or none is left."""
    row = {}
    for key, cell in zip(keys, cells, strict=True):
        if key in BESIDES:
            if not isinstance(cell, int | float if key == "LOOKALIKE_VALUE" else list):
                return None
            continue
        if not isinstance(cell, str):
            return None
        if cell and not _is_valid(key, cell):
            return None
        if cell:
            row[key] = cell
    return row or None


def _is_valid(key: str, cell: str) -> bool:
    if key in HASHED:
        return bool(_HASH.fullmatch(cell)) and cell != HASH_OF_NOTHING
    return bool(_DEVICE.fullmatch(cell)) if key == "MADID" else True


class Users:
    """The users of one audience in the store, found by each identifier they carry.

    A batch is worked out in memory: what it may touch is read at once, and what it changed is written at once.
    """

    def __init__(self, store: Store, audience_id: str) -> None:
        self._store = store
        self._users = f"user:{audience_id}"
        self._index = f"identifier:{audience_id}"
        self._counter = f"meta.last_user.{audience_id}"

    def add(self, rows: Sequence[dict[str, str]], now: int) -> None:
        """Take rows in: whom they mean is updated, the others are new."""
        held, index = self._touched(rows)
        number = self._store.get_setting(self._counter, 0)
        written: dict[str, None] = {}  # a set that keeps the order
        entries: dict[str, None] = {}
        for row in rows:
            id = next(iter(_meant(row, held, index)), None)
            if id is None:
                number += 1
                id = str(number)
            held[id] = {**held.get(id, {}), **row}
            written[id] = None
            for name in _names(held[id]):
                if id not in index.setdefault(name, []):
                    index[name].append(id)
                    entries[name] = None
        self._store.put_many(PLATFORM, self._users, (Document(id, held[id], now, now) for id in written))
        self._store.put_many(PLATFORM, self._index, (Document(n, {"users": index[n]}, now, now) for n in entries))
        self._store.set_setting(self._counter, number)

    def remove(self, rows: Sequence[dict[str, str]], now: int) -> None:
        """Let go whom the rows mean."""
        held, index = self._touched(rows)
        gone: dict[str, dict[str, str]] = {}
        for row in rows:
            for id in _meant(row, held, index):
                gone[id] = held.pop(id)
        names = dict.fromkeys(name for body in gone.values() for name in _names(body))
        entries = self._store.get_many(PLATFORM, self._index, names)
        left = {name: [id for id in entry.body["users"] if id not in gone] for name, entry in entries.items()}
        self._store.delete_many(PLATFORM, self._users, gone)
        self._store.delete_many(PLATFORM, self._index, (name for name, users in left.items() if not users))
        self._store.put_many(
            PLATFORM, self._index, (Document(name, {"users": users}, now, now) for name, users in left.items() if users)
        )

    def clear(self) -> None:
        """Let go everybody."""
        for kind in (self._users, self._index):
            every = self._store.page(PLATFORM, kind, EVERYTHING, limit=-1)
            self._store.delete_many(PLATFORM, kind, (one.id for one in every))

    def all(self) -> list[Document]:
        """Everybody, in the order they came."""
        return self._store.page(PLATFORM, self._users, EVERYTHING, order="id", limit=-1)

    def count(self) -> int:
        """How many there are."""
        return self._store.count(PLATFORM, self._users, EVERYTHING)

    def _touched(self, rows: Sequence[dict[str, str]]) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
        """The users the rows may mean, by id, and which of them carry each identifier."""
        names = dict.fromkeys(name for row in rows for name in _names(row))
        index = {name: one.body["users"] for name, one in self._store.get_many(PLATFORM, self._index, names).items()}
        ids = dict.fromkeys(id for users in index.values() for id in users)
        return {id: one.body for id, one in self._store.get_many(PLATFORM, self._users, ids).items()}, index


def _meant(row: Mapping[str, str], held: Mapping[str, dict[str, str]], index: Mapping[str, list[str]]) -> list[str]:
    """The ids of the users this row means."""
    ids = dict.fromkeys(id for name in _names(row) for id in index.get(name, ()))
    return [id for id in ids if id in held and _is_meant(row, held[id])]


def _names(row: Mapping[str, str]) -> list[str]:
    return [f"{key}:{row[key]}" for key in STRONG if key in row] or [_together(row)]


def _together(row: Mapping[str, str]) -> str:
    return "|".join(f"{key}:{value}" for key, value in sorted(row.items()))


def _is_meant(row: Mapping[str, str], user: Mapping[str, str]) -> bool:
    both = [key for key in STRONG if key in row and key in user]
    return row[both[0]] == user[both[0]] if both else dict(row) == dict(user)


def take_batch(call: Call, audience: Document, operation: str) -> dict[str, Any]:
    """One request of an upload: ``add``, ``remove`` or ``replace``. A batch that comes again is answered again.

    :raises GraphError: the audience is flagged, its data source is another, the payload or the session is wrong.
    """
    store, now = call.store, call.context.now_ms()
    if audience.body.get("_flagged"):
        raise GraphError(
            "Invalid parameter",
            100,
            subcode=UPLOAD_BLOCKED,
            title="Audience Upload Blocked",
            text="Before updating user memberships, you must resolve integrity restrictions on this Data "
            "File Custom Audience.",
        )
    payload = read_payload(call.object("payload"))
    _check_source(store, audience, payload.source, now)
    session = _session(call, audience, operation)
    done = session["_batches"].get(str(session["_now"]["batch_seq"]))
    if done is None:
        users = Users(store, audience.id)
        if operation == "replace" and not session["_batches"]:
            users.clear()
        (users.remove if operation == "remove" else users.add)(payload.rows, now)
        done = {
            "num_received": payload.received,
            "num_invalid_entries": payload.invalid,
            "num_matched": sum(1 for row in payload.rows if _is_on_platform(row)),
        }
        session["_batches"][str(session["_now"]["batch_seq"])] = done
        session["_last"] = session["_last"] or session["_now"]["last_batch_flag"]
    session.pop("_now")
    store.put(PLATFORM, "session", session["session_id"], session, changed_at=now, created_at=session["_started"])
    return {
        "audience_id": audience.id,
        "session_id": session["session_id"],
        "num_received": done["num_received"],
        "num_invalid_entries": done["num_invalid_entries"],
        "invalid_entry_samples": {},
    }


def _check_source(store: Store, audience: Document, source: str, now: int) -> None:
    held = audience.body.get("_source")
    if held not in (None, source):
        raise GraphError(
            f"(#2650) Failed to update the custom audience: This audience was created from data source "
            f"FILE_IMPORTED.{held}, which does not support data source FILE_IMPORTED.{source}.",
            2650,
        )
    if held is None:
        store.put(
            PLATFORM,
            "audience",
            audience.id,
            {**audience.body, "_source": source},
            changed_at=now,
            created_at=audience.created_at,
        )


def _session(call: Call, audience: Document, operation: str) -> dict[str, Any]:
    """The upload session this request belongs to, with ``_now``: its place in it.

    :raises GraphError: 100, it is another audience's or another kind of upload, has ended, or the batch is out of turn.
    """
    sent = (
        call.object("session")
        if "session" in call.params
        else {"session_id": secrets.randbits(63), "batch_seq": 1, "last_batch_flag": True}
    )
    place = {"batch_seq": sent.get("batch_seq"), "last_batch_flag": bool(sent.get("last_batch_flag"))}
    id, seq = str(sent.get("session_id", "")), place["batch_seq"]
    if set(sent) - SESSION_KEYS or not id.isdigit() or not 0 < int(id) < 1 << 64 or not isinstance(seq, int) or seq < 1:
        raise invalid("param session must have a session_id of 64 bits and a batch_seq that starts from 1.")
    held, now = call.store.get(PLATFORM, "session", id), call.context.now_ms()
    if held is None:
        if seq != 1:
            raise invalid("param session.batch_seq must start from 1.")
        return {
            "session_id": id,
            "_audience": audience.id,
            "_operation": operation,
            "_batches": {},
            "_last": False,
            "_started": now,
            "_now": place,
        }
    session = {**held.body, "_now": place}
    if (session["_audience"], session["_operation"]) != (audience.id, operation):
        raise invalid("param session.session_id is in use for another upload of this ad account.")
    if str(seq) in session["_batches"]:
        return session
    if session["_last"] or now - session["_started"] > SESSION_SECONDS * 1000:
        raise invalid("param session.session_id names a session that has ended.")
    if seq != len(session["_batches"]) + 1:
        raise invalid("param session.batch_seq must rise by one.")
    return session


def _is_on_platform(row: Mapping[str, str]) -> bool:
    """Whether the platform knows this person: about seven of ten, always the same."""
    strong = next((row[key] for key in STRONG if key in row), "")
    return hashlib.sha256(strong.encode()).digest()[0] < 180


def show_session(session: Document, now: int, seconds: float) -> dict[str, str]:
    """A session as the platform shows it, all values text; matched is -1 until it is worked off.

    :param seconds: how long the platform takes after the last batch.
    """
    body, batches = session.body, session.body["_batches"].values()
    over = body["_last"] and now >= session.changed_at + int(seconds * 1000)
    stage = "complete" if over else "matching" if body["_last"] else "uploading"
    return {
        "session_id": body["session_id"],
        "start_time": str(body["_started"] // 1000),
        "end_time": str(max(body["_started"], session.changed_at) // 1000 + int(seconds)) if over else "0",
        "num_received": str(sum(one["num_received"] for one in batches)),
        "num_matched": str(sum(one["num_matched"] for one in batches)) if over else "-1",
        "num_invalid_entries": str(sum(one["num_invalid_entries"] for one in batches)),
        "progress": "100" if over else "0",
        "stage": stage,
    }

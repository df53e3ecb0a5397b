"""Klaviyo's bulk import: taken whole or not at all, worked off later, its bad rows told by a list of errors.

What is wrong with the form of a single profile refuses the whole request, with a pointer to each such profile, and
nothing is imported. What is found out later costs its own row only. Settings: ``klaviyo.job_seconds`` (half of them a
job is queued, the other half it is processed), ``klaviyo.cancelled_after`` (a share: having imported so much a
job is cancelled), ``klaviyo.job_days`` (how long a job can be asked about).
"""

import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from include.standins.kit import EVERYTHING, Context, Document, Filter
from include.standins.klaviyo_core import PLATFORM, Answer, Call, Refused, chosen, invalid, not_found, page, stamp
from include.standins.klaviyo_profiles import faults, join, late_fault, shown, upsert_many

MOST_PROFILES = 10_000
MOST_BYTES = 5_000_000
MOST_BYTES_OF_ONE = 100_000
ATTRIBUTES = frozenset(
    {
        "completed_at",
        "completed_count",
        "created_at",
        "expires_at",
        "failed_count",
        "id",
        "started_at",
        "status",
        "total_count",
    }
)
ERROR_ATTRIBUTES = frozenset({"code", "detail", "id", "original_payload", "source", "source.pointer", "title"})
OPEN = ("queued", "processing")
_WHERE = "/data/attributes/profiles/data"


def create(call: Call) -> Answer:
    """``POST /api/profile-bulk-import-jobs``: 202 and a job."""
    if call.size > MOST_BYTES:
        raise Refused(413, ("payload_too_large", "Payload too large.", "The payload is larger than 5MB.", "/data"))
    profiles, lists = _read(call)
    now = call.context.now_ms()
    id = "01J" + secrets.token_hex(11).upper()
    body = {"lists": lists, "total_count": len(profiles), "state": "open", "errors": [], "made": 0}
    call.store.put(PLATFORM, "job", id, body, changed_at=now)
    call.store.put(PLATFORM, "job_profiles", id, {"profiles": profiles}, changed_at=now)
    call.store.put(PLATFORM, "job_open", id, {}, changed_at=now)
    return Answer(202, {"data": _shown(call, call.store.get(PLATFORM, "job", id)), "links": call.links(_path(id))})


def _read(call: Call) -> tuple[list[dict[str, Any]], list[str]]:
    """The attributes of each profile, and the lists they go on.

    :raises Refused: anything about it is wrong; nothing is imported.
    """
    data = _object(call.body, "data", {"type", "attributes", "relationships"}, "/data")
    if data.get("type") != "profile-bulk-import-job":
        raise invalid("'type' must be 'profile-bulk-import-job'.", "/data/type")
    attributes = _object(data, "attributes", {"profiles"}, "/data/attributes")
    given = _object(attributes, "profiles", {"data"}, "/data/attributes/profiles").get("data")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_PROFILES:
        raise invalid(f"From 1 to {MOST_PROFILES} profiles are accepted per request.", _WHERE)
    wrong = [fault for place, one in enumerate(given) for fault in _profile_faults(place, one)]
    if wrong:
        raise Refused(400, *wrong)
    return [one["attributes"] for one in given], _lists(call, data)


def _object(body: Any, name: str, known: set[str], pointer: str) -> Mapping[str, Any]:
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise invalid(f"'{name}' is a required field and must be an object.", pointer)
    unknown = sorted(found.keys() - known)
    if unknown:
        raise invalid(f"'{unknown[0]}' is not a valid field.", f"{pointer}/{unknown[0]}")
    return found


def _profile_faults(place: int, one: Any) -> list[tuple[str, str, str, str]]:
    where = f"{_WHERE}/{place}"
    if not isinstance(one, dict) or one.get("type") != "profile" or one.keys() - {"type", "id", "attributes", "meta"}:
        return [("invalid", "Invalid input.", "This is not a profile.", where)]
    if len(orjson.dumps(one)) > MOST_BYTES_OF_ONE:
        return [("invalid", "Invalid input.", "The profile is larger than 100KB.", where)]
    return [
        ("invalid", "Invalid input.", detail, f"{where}/attributes{path}")
        for path, detail in faults(one.get("attributes"))
    ]


def _lists(call: Call, data: Mapping[str, Any]) -> list[str]:
    if "relationships" not in data:
        return []
    related = _object(data, "relationships", {"lists"}, "/data/relationships")
    given = _object(related, "lists", {"data"}, "/data/relationships/lists").get("data") or []
    for place, one in enumerate(given):
        where = f"/data/relationships/lists/data/{place}"
        if not isinstance(one, dict) or one.keys() != {"type", "id"} or one["type"] != "list":
            raise invalid("This is not the identifier of a list.", where)
        if call.store.get(PLATFORM, "list", one["id"]) is None:
            raise not_found("list", one["id"], where + "/id")
    return [one["id"] for one in given]


def work_off(context: Context) -> None:
    """Import what is due: called before each request, because nobody looks in between."""
    store = context.store
    seconds = store.get_setting("klaviyo.job_seconds", 0.8)
    due = Filter(before=context.now_ms() - int(seconds * 1000) + 1)
    for waiting in store.page(PLATFORM, "job_open", due, order="created", limit=-1):
        with store.transaction():
            job = store.get(PLATFORM, "job", waiting.id)
            if job is not None and store.delete(PLATFORM, "job_open", waiting.id):  # another call may be at it
                _import(context, job, waiting.created_at + int(seconds * 1000))


def _import(context: Context, job: Document, now: int) -> None:
    store, share = context.store, context.store.get_setting("klaviyo.cancelled_after")
    given = store.get(PLATFORM, "job_profiles", job.id).body["profiles"]
    taken = given if share is None else given[: int(len(given) * share)]
    late = {place: why for place, one in enumerate(taken) if (why := late_fault(one)) is not None}
    made = upsert_many(store, [one for place, one in enumerate(taken) if place not in late], now)
    for list_id in job.body["lists"]:
        if store.get(PLATFORM, "list", list_id) is not None:
            join(store, list_id, made, now)
    store.put(PLATFORM, "job_made", job.id, {"ids": made}, changed_at=now)
    done = {
        "state": "complete" if share is None else "cancelled",
        "errors": [{"place": place, "name": name, "detail": why} for place, (name, why) in late.items()],
        "made": len(made),
    }
    store.put(PLATFORM, "job", job.id, {**job.body, **done}, changed_at=now, created_at=job.created_at)


def _path(id: str) -> str:
    return f"profile-bulk-import-jobs/{id}"


def _status(call: Call, job: Document) -> str:
    if job.body["state"] != "open":
        return job.body["state"]
    waited = call.context.now_ms() - job.created_at
    return "queued" if waited < call.store.get_setting("klaviyo.job_seconds", 0.8) * 500 else "processing"


def _shown(call: Call, job: Document) -> dict[str, Any]:
    status, expires = _status(call, job), job.created_at + 7 * 86_400_000
    ended = stamp(job.changed_at) if status in ("complete", "cancelled") else None
    attributes = {
        "status": status,
        "created_at": stamp(job.created_at),
        "total_count": job.body["total_count"],
        "completed_count": job.body["made"] + len(job.body["errors"]),
        "failed_count": len(job.body["errors"]),
        "started_at": None if status == "queued" else stamp(job.created_at),
        "completed_at": ended,
        "expires_at": stamp(expires),
    }
    where = _path(job.id)
    related = {
        "lists": {
            "data": [{"type": "list", "id": id} for id in job.body["lists"]],
            "links": {"self": call.link(f"{where}/relationships/lists"), "related": call.link(f"{where}/lists")},
        },
        "profiles": {
            "links": {"self": call.link(f"{where}/relationships/profiles"), "related": call.link(f"{where}/profiles")}
        },
        "import-errors": {"links": {"related": call.link(f"{where}/import-errors")}},
    }
    return {
        "type": "profile-bulk-import-job",
        "id": job.id,
        "attributes": chosen(call, "profile-bulk-import-job", attributes),
        "relationships": related,
        "links": call.links(where),
    }


def _job(call: Call) -> Document:
    id = str(call.path["id"])
    job = call.store.get(PLATFORM, "job", id)
    kept = call.store.get_setting("klaviyo.job_days", 7) * 86_400_000
    if job is None or job.created_at + kept < call.context.now_ms():
        raise not_found("bulk import job", id)
    return job


def one(call: Call) -> Answer:
    """``GET /api/profile-bulk-import-jobs/{id}``."""
    job = _job(call)
    return Answer(200, {"data": _shown(call, job), "links": {"self": call.here}})


def listing(call: Call, wanted: tuple[str, str, Any] | None) -> Answer:
    """``GET /api/profile-bulk-import-jobs``: the jobs of these states, oldest first."""
    newest_first = call.query.get("sort") == "-created_at"
    jobs = call.store.page(PLATFORM, "job", EVERYTHING, order="created", descending=newest_first, limit=-1)
    if wanted is not None:
        states = wanted[2] if isinstance(wanted[2], list) else [wanted[2]]
        jobs = [job for job in jobs if _status(call, job) in states]
    rows, links = page(call, jobs, 20, 100)
    return Answer(200, {"data": [_shown(call, job) for job in rows], "links": links})


def errors(call: Call) -> Answer:
    """``GET /api/profile-bulk-import-jobs/{id}/import-errors``: the rows it left out, and why."""
    job = _job(call)
    rows, links = page(call, job.body["errors"], 20, 100)
    sent = call.store.get(PLATFORM, "job_profiles", job.id).body["profiles"]
    data = [
        {
            "type": "import-error",
            "id": f"{job.id}-{row['place']}",
            "attributes": chosen(
                call,
                "import-error",
                {
                    "code": f"invalid_{row['name']}",
                    "title": "Invalid input.",
                    "detail": row["detail"],
                    "source": {"pointer": f"{_WHERE}/{row['place']}/attributes/{row['name']}"},
                    "original_payload": sent[row["place"]],
                },
            ),
        }
        for row in rows
    ]
    return Answer(200, {"data": data, "links": links})


def profiles(call: Call) -> Answer:
    """``GET /api/profile-bulk-import-jobs/{id}/profiles``: whom it made or changed."""
    job = _job(call)
    made = call.store.get(PLATFORM, "job_made", job.id)
    rows, links = page(call, made.body["ids"] if made else [], 20, 100)
    found = call.store.get_many(PLATFORM, "profile", rows)
    return Answer(200, {"data": [shown(call, one) for one in found.values()], "links": links})

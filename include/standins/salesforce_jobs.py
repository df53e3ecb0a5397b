"""Salesforce's Bulk API 2.0: query jobs that take time, their results part by part, abortion, deletion, expiry.

Source: Bulk API 2.0 and Bulk API Developer Guide (read 2026-11-21). A result is what stood there when the job ran.
Settings of the store: ``salesforce.job_seconds`` (how long a job waits and runs), ``salesforce.jobs`` ("off": the
company may not use them), ``salesforce.fail_jobs`` (so many jobs to come fail), ``salesforce.daily_jobs``.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from include.standins import salesforce_query
from include.standins.kit import Context, Document, Json
from include.standins.salesforce_schema import OBJECTS
from include.standins.salesforce_soql import Query, Refused, parse
from include.standins.store import EVERYTHING

PLATFORM, JOB, PART = "salesforce", "bulk_job", "bulk_part"
PART_ROWS = 500  # of one document of the store
KEPT_MS = 7 * 86_400_000
JOB_SECONDS = 0.4
DAILY_JOBS = 10_000
FIELDS = {"operation", "query", "contentType", "columnDelimiter", "lineEnding"}
DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
RESULT_PARAMETERS = {"locator", "maxRecords"}
MOST_ROWS = 250_000  # of one answer that names no maxRecords


class JobRefused(Exception):
    """An answer that is an error: status, errorCode, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def make(context: Context, body: Any, version: str) -> dict[str, Any]:
    """``POST /jobs/query``.

    :raises JobRefused: what bulk queries may not hold, or a company that may not use them.
    """
    if context.store.get_setting("salesforce.jobs") == "off":
        raise JobRefused(400, "FUNCTIONALITY_NOT_ENABLED", "Bulk API is not enabled for this organization")
    if not isinstance(body, dict) or body.keys() - FIELDS:
        raise JobRefused(400, "INVALIDJOB", "Unable to parse Job")
    delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    known = (("query", "queryAll"), ("CSV",), tuple(DELIMITERS), ("LF", "CRLF"))
    given = (body.get("operation"), body.get("contentType", "CSV"), delimiter, ending)
    if any(one not in allowed for one, allowed in zip(given, known, strict=True)):
        raise JobRefused(400, "INVALIDJOB", "Unable to parse Job: an enumeration's value is not known")
    if (delimiter, ending) != ("COMMA", "LF"):
        raise JobRefused(400, "INVALIDJOB", "this stand-in writes COMMA and LF only")
    query = _query(str(body.get("query", "")))
    now, store = context.now_ms(), context.store
    day = [one for one in store.page(PLATFORM, JOB, EVERYTHING, limit=-1) if one.created_at > now - 86_400_000]
    if len(day) >= store.get_setting("salesforce.daily_jobs", DAILY_JOBS):
        raise JobRefused(400, "LIMIT_EXCEEDED", "Maximum number of query jobs per 24 hours exceeded")
    number = store.get_setting("salesforce.last_job", 0) + 1
    store.set_setting("salesforce.last_job", number)
    fails = store.get_setting("salesforce.fail_jobs", 0)
    store.set_setting("salesforce.fail_jobs", max(0, fails - 1))
    info = {
        "id": f"750{number:012d}AAA",
        "operation": body["operation"],
        "object": query.object.name,
        "createdById": "005000000000001AAA",
        "createdDate": salesforce_query.stamp(now),
        "systemModstamp": salesforce_query.stamp(now),
        "state": "UploadComplete",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(version),
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }
    put(context, info["id"], {"info": info, "query": body["query"], "fails": fails > 0}, now)
    return info


def _query(text: str) -> Query:
    try:
        query = parse(text)
    except Refused as refused:
        code = refused.code if refused.code == "MALFORMED_QUERY" else "API_ERROR"
        raise JobRefused(400, code, str(refused)) from None
    if query.children:
        raise JobRefused(400, "API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if query.counts or query.offset:
        raise JobRefused(400, "API_ERROR", "GROUP BY, OFFSET and aggregate functions are not supported in Bulk Query")
    if any(OBJECTS[query.object.name].fields.get(path[-1]) == "address" for path in query.fields):
        raise JobRefused(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
    return query


def put(context: Context, id: str, body: Mapping[str, Any], created: int) -> None:
    context.store.put(PLATFORM, JOB, id, body, changed_at=context.now_ms(), created_at=created)


def one(context: Context, id: str) -> Document:
    """A job as it stands by now.

    :raises JobRefused: 404, there is none, or it is older than seven days.
    """
    found = context.store.get(PLATFORM, JOB, id)
    if found is None or found.created_at < context.now_ms() - KEPT_MS:
        raise JobRefused(404, "NOT_FOUND", "The requested resource does not exist")
    seconds = context.store.get_setting("salesforce.job_seconds", JOB_SECONDS)
    age, info = (context.now_ms() - found.created_at) / 1000, found.body["info"]
    if info["state"] in ("UploadComplete", "InProgress"):
        state = "UploadComplete" if age < seconds / 2 else "InProgress" if age < seconds else "JobComplete"
        if state == "JobComplete":
            state = "Failed" if found.body["fails"] else _run(context, found)
        found.body["info"] = {**info, "state": state, "systemModstamp": salesforce_query.stamp(context.now_ms())}
        put(context, id, found.body, found.created_at)
    return found


def _run(context: Context, job: Document) -> str:
    """Write the result down as it is now: later changes do not touch it."""
    query, store = parse(job.body["query"]), context.store
    ids = salesforce_query.run(store, query, deleted=job.body["info"]["operation"] == "queryAll")
    lines = list(salesforce_query.csv_lines(store, query, ids))
    now = context.now_ms()
    store.put_many(
        PLATFORM,
        PART,
        (
            Document(f"{job.id}-{n // PART_ROWS}", {"lines": lines[1:][n : n + PART_ROWS]}, now, now)
            for n in range(0, len(lines) - 1, PART_ROWS)
        ),
    )
    job.body["header"], job.body["rows"] = lines[0], len(lines) - 1
    return "JobComplete"


def described(job: Document) -> dict[str, Any]:
    """``GET /jobs/query/{id}``."""
    more = {"numberRecordsProcessed": job.body.get("rows", 0), "retries": 0, "totalProcessingTime": 100}
    failed = {"errorMessage": "QUERY_TIMEOUT: Your query request was running for too long."}
    state = job.body["info"]["state"]
    return {**job.body["info"], "jobType": "V2Query", **more, **(failed if state == "Failed" else {})}


def results(context: Context, id: str, given: Mapping[str, str], version: str) -> Response:
    """``GET /jobs/query/{id}/results``.

    :raises JobRefused: 409 for another version, 400 before the job is complete or for a locator that is none.
    """
    job = one(context, id)
    info = job.body["info"]
    if info["apiVersion"] != float(version):
        raise JobRefused(409, "VERSION_MISMATCH", f"The job was made with version {info['apiVersion']}")
    if info["state"] != "JobComplete":
        raise JobRefused(400, "INVALIDJOBSTATE", f"Results are not available: the job is {info['state']}")
    if set(given) - RESULT_PARAMETERS:
        raise JobRefused(400, "INVALID_PARAMETER", "Cannot specify these query parameters on this resource")
    most, start = given.get("maxRecords", str(MOST_ROWS)), _place(given.get("locator", ""))
    if not most.isdigit() or int(most) < 1 or start > job.body["rows"]:
        raise JobRefused(400, "INVALID_PARAMETER", "maxRecords or locator is not valid")
    end = min(job.body["rows"], start + int(most))
    headers = {
        "Sforce-Locator": _locator(end) if end < job.body["rows"] else "null",
        "Sforce-NumberOfRecords": str(end - start),
    }
    text = job.body["header"] + "".join(_lines(context, id, start, end))
    return Response(text.encode(), media_type="text/csv", headers=headers)


def _lines(context: Context, id: str, start: int, end: int) -> list[str]:
    wanted = [f"{id}-{part}" for part in range(start // PART_ROWS, -(-end // PART_ROWS))]
    found = [line for one in context.store.get_many(PLATFORM, PART, wanted).values() for line in one.body["lines"]]
    skipped = start // PART_ROWS * PART_ROWS
    return found[start - skipped : end - skipped]


def _locator(place: int) -> str:
    return base64.b64encode(str(place).encode()).decode().rstrip("=")


def _place(locator: str) -> int:
    try:
        text = base64.b64decode(locator + "=" * (-len(locator) % 4), validate=True).decode() if locator else "0"
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if not text.isdigit():
        raise JobRefused(400, "INVALID_PARAMETER", "Invalid locator")
    return int(text)


def abort(context: Context, id: str, body: Any) -> dict[str, Any]:
    """``PATCH {"state": "Aborted"}``; only while the job waits or runs."""
    job = one(context, id)
    if body != {"state": "Aborted"}:
        raise JobRefused(400, "INVALIDJOB", "Unable to parse Job")
    if job.body["info"]["state"] not in ("UploadComplete", "InProgress"):
        raise JobRefused(400, "INVALIDJOBSTATE", "Aborting already completed Job not allowed")
    job.body["info"]["state"] = "Aborted"
    put(context, id, job.body, job.created_at)
    return job.body["info"]


def delete(context: Context, id: str) -> Response:
    """``DELETE``; not while the job runs."""
    job = one(context, id)
    if job.body["info"]["state"] == "InProgress":
        raise JobRefused(400, "INVALIDJOBSTATE", "Deleting a running Job not allowed; abort it first")
    parts = range(-(-job.body.get("rows", 0) // PART_ROWS))
    context.store.delete_many(PLATFORM, PART, [f"{id}-{part}" for part in parts])
    context.store.delete(PLATFORM, JOB, id)
    return Response(status_code=204)


def listed(context: Context) -> Response:
    """``GET /jobs/query``: all jobs of the last seven days."""
    jobs = context.store.page(PLATFORM, JOB, EVERYTHING, limit=-1)
    fresh = [job for job in jobs if job.created_at >= context.now_ms() - KEPT_MS]
    records = [{**one(context, job.id).body["info"], "jobType": "V2Query"} for job in fresh]
    return Json({"done": True, "records": records, "nextRecordsUrl": None})

"""Bulk API 2.0 query jobs: made, waited for, read part by part, and written as the REST interface writes its rows.

Source: Bulk API 2.0 and Bulk API Developer Guide, "Query Jobs" (read 2026-11-21). A job's result is kept for seven days
and read by a locator; the header ``Sforce-Locator`` says ``null`` behind the last part. Results are asked for with the
version that made the job. In the CSV an empty value is null, times end in Z, all else is text.
"""

import csv
import io
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from include.errors import FatalError, RetriableError
from include.sources.pages import Row
from include.sources.salesforce_client import SalesforceClient

LONGEST_JOB = 4 * 3600.0  # seconds; a job that runs longer is aborted
LONGEST_POLL = 30.0
LIVING = ("UploadComplete", "InProgress", "JobComplete")
NO_MORE = "null"  # the literal text
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_TRUTH = {"true": True, "false": False}
_FLAG = re.compile(r"(.*\.)?(Is|Has|DoNot)[A-Z]\w*(?<!__c)")  # standard fields that are checkboxes are called so
_AMOUNTS = frozenset({"Amount", "AnnualRevenue", "ExpectedRevenue", "NumberOfEmployees", "Probability"})
csv.field_size_limit(1 << 20)  # a long text area has 131,072 characters


@dataclass(frozen=True)
class Part:
    """Rows of a part of a result.

    :param place: what the next run needs to go on behind them; None at the end.
    """

    rows: list[Row]
    place: Mapping[str, str] | None


def parts(client: SalesforceClient, name: str, soql: str, size: int, state: Mapping[str, Any]) -> Iterator[Part]:
    """Yield a whole object, part by part; a job of an earlier run is gone on with while Salesforce has it.

    :param size: rows of a part.
    :param state: ``place`` of the last part that was landed, or nothing.
    :raises FatalError: code ``JobFailed``: the platform gave the job up.
    :raises RetriableError: somebody aborted the job, or it took too long; another run makes another one.
    """
    job, locator = _alive(client, state)
    if job is None:
        job, locator = _make(client, soql), None
    wait(client, job)
    while True:
        text, headers = client.request(
            "GET",
            f"{job}/results",
            params={"maxRecords": size, "locator": locator},
            headers={"Accept": "text/csv"},
            decode=lambda body: body.decode("utf-8"),
            headed=True,
        )
        following = headers.get("Sforce-Locator", NO_MORE)
        if following == locator:
            raise FatalError("Salesforce: a result names the same part twice; reading would never end.")
        more = following != NO_MORE
        yield Part(list(rows(text or "", name, client.data)), {"job": job, "locator": following} if more else None)
        if not more:
            break
        locator = following
    _forget(client, job)


def _alive(client: SalesforceClient, state: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The job of an earlier run, if it can still be read: it was not given up, is not too old, has our version."""
    job = state.get("job")
    if not job or not job.startswith(f"{client.data}/"):
        return None, None
    try:
        found = client.request("GET", job)
    except FatalError as gone:
        if gone.code not in ("NOT_FOUND", "404"):
            raise
        return None, None
    return (job, state.get("locator")) if found["state"] in LIVING else (None, None)


def _make(client: SalesforceClient, soql: str) -> str:
    made = client.request(
        "POST",
        f"{client.data}/jobs/query",
        json={
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        },
    )
    return f"{client.data}/jobs/query/{made['id']}"


def wait(client: SalesforceClient, job: str) -> None:
    """Return when the job is complete."""
    pause, give_up = client.poll_seconds, time.monotonic() + LONGEST_JOB
    while (state := client.request("GET", job)["state"]) != "JobComplete":
        if state == "Failed":
            raise FatalError(
                "Salesforce: a query job failed; look it up under Setup, Bulk Data Load Jobs.", code="JobFailed"
            )
        if state == "Aborted":
            raise RetriableError("Salesforce: a query job was aborted by somebody.", code="JobAborted")
        if time.monotonic() > give_up:
            client.request("PATCH", job, json={"state": "Aborted"})
            raise RetriableError(
                f"Salesforce: a query job was not complete after {LONGEST_JOB / 3600:g} hours.", code="JobTimeout"
            )
        time.sleep(pause)
        pause = min(LONGEST_POLL, pause * 1.5)


def _forget(client: SalesforceClient, job: str) -> None:
    """Delete a job that was read to its end: its result is a copy of people's data."""
    try:
        client.request("DELETE", job)
    except FatalError as gone:
        if gone.code not in ("NOT_FOUND", "404"):
            raise


def rows(text: str, name: str, data: str) -> Iterator[Row]:
    """The records of a CSV result as the REST interface writes them.

    :param data: the path that record addresses begin with, ``/services/data/v66.0``.
    :raises FatalError: the text has no line of field names.
    """
    lines = csv.reader(io.StringIO(text, newline=""))
    header = next(lines, [])
    if "Id" not in header:
        raise FatalError("Salesforce: a result does not begin with the names of its fields.")
    for line in lines:
        if len(line) != len(header):
            raise FatalError("Salesforce: a line of a result has not as many values as there are fields.")
        record = _record(header, line, name, data)
        yield Row(record["Id"], orjson.dumps(record))


def _record(header: Sequence[str], line: Sequence[str], name: str, data: str) -> dict[str, Any]:
    id = line[header.index("Id")]
    made: dict[str, Any] = {"attributes": {"type": name, "url": f"{data}/sobjects/{name}/{id}"}}
    for field, text in zip(header, line, strict=True):
        *parents, last = field.split(".")
        place = made
        for parent in parents:  # Account.Name: a field of the record above
            place = place.setdefault(parent, {})
        place[last] = value(field, text)
    return made


def value(field: str, text: str) -> Any:
    """One value of a CSV as JSON has it. A field of the company's own stays text: it reads the same in staging."""
    if text == "":
        return None
    if _TIME.fullmatch(text):
        return f"{text[:-1]}+0000"
    if text in _TRUTH and _FLAG.fullmatch(field):
        return _TRUTH[text]
    if field.rpartition(".")[2] in _AMOUNTS and _NUMBER.fullmatch(text):
        return orjson.Fragment(text)
    return text

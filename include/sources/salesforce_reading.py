"""Queries of Salesforce, page by page: written, followed, taken up again where the platform gave them up.

Source: REST API Developer Guide (resources_query, "Query More Results") and SOQL Reference (read 2026-11-21).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from include.errors import AudienceflowError, FatalError
from include.sources.pages import Row
from include.sources.salesforce_client import LONGEST_QUERY, SalesforceClient, query_length

ID_BYTES = 27  # of one id in an encoded list: '006…', with quotes and comma
RESTARTS = 3  # of one reading whose cursor the platform gave up


class Record(msgspec.Struct):
    """What paging needs to know of a row."""

    Id: str
    SystemModstamp: str = ""


class Result(msgspec.Struct):
    """One page of a query."""

    records: list[msgspec.Raw]
    done: bool = True
    totalSize: int = 0
    nextRecordsUrl: str | None = None


read_result = msgspec.json.Decoder(Result).decode
read_record = msgspec.json.Decoder(Record).decode


def select(fields: Iterable[str], name: str, condition: str = "", order: str = "") -> str:
    """A query as SOQL writes it."""
    where, ordered = ("WHERE", condition) if condition else (), ("ORDER BY", order) if order else ()
    return " ".join(("SELECT", ",".join(fields), "FROM", name, *where, *ordered))


def count(client: SalesforceClient, name: str) -> int:
    """How many rows an object has, with those in the recycle bin."""
    return client.query(select(["COUNT()"], name), deleted=True, decode=read_result).totalSize


def pages(client: SalesforceClient, soql: str, *, deleted: bool = True, size: int | None = None) -> Iterator[Result]:
    """The pages of a query, to its end.

    :raises FatalError: paging repeats itself.
    """
    result, seen = client.query(soql, deleted=deleted, size=size, decode=read_result), set[str]()
    while True:
        yield result
        if result.done or result.nextRecordsUrl is None:
            return
        if result.nextRecordsUrl in seen:
            raise FatalError("Salesforce: a query names the same next page twice; paging would never end.")
        seen.add(result.nextRecordsUrl)
        result = client.request("GET", result.nextRecordsUrl, decode=read_result)


def resumed(
    client: SalesforceClient,
    place: str,
    size: int,
    asked: Callable[[str], str],
    passed: Callable[[Sequence[Record]], str],
    *,
    deleted: bool = True,
) -> Iterator[tuple[list[Row], str]]:
    """Pages of rows with the place behind each; a query whose cursor the platform gave up is asked anew from there.

    :param asked: the query of everything from a place on.
    :param passed: the place behind a page.
    :param deleted: with what lies in the recycle bin.
    """
    restarts = 0
    while True:
        try:
            for result in pages(client, asked(place), deleted=deleted, size=size):
                records = [read_record(raw) for raw in result.records]
                if records:
                    place, restarts = passed(records), 0
                    yield [Row(one.Id, bytes(raw)) for one, raw in zip(records, result.records, strict=True)], place
            return
        except AudienceflowError as gone:
            if getattr(gone, "code", None) != "INVALID_QUERY_LOCATOR" or restarts >= RESTARTS:
                raise
            restarts += 1


def rows_in(
    client: SalesforceClient, fields: Iterable[str], name: str, field: str, ids: Iterable[str], *, deleted: bool = False
) -> Iterator[bytes]:
    """The rows whose field has one of the ids, as many ids a call as a URI takes."""
    wanted, left = list(fields), list(ids)
    at_once = max(1, (LONGEST_QUERY - query_length(select(wanted, name, f"{field} IN ()"))) // ID_BYTES)
    for first in range(0, len(left), at_once):
        listed = ",".join(quoted(id) for id in left[first : first + at_once])
        for result in pages(client, select(wanted, name, f"{field} IN ({listed})"), deleted=deleted):
            yield from map(bytes, result.records)


def within(since: datetime, until: datetime) -> str:
    """The condition of rows changed in [since, until)."""
    return f"SystemModstamp >= {literal(since)} AND SystemModstamp < {literal(until)}"


def literal(at: datetime) -> str:
    """A moment as SOQL writes it: UTC, milliseconds, no quotes."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def quoted(id: str) -> str:
    """An id as a literal.

    :raises FatalError: it is none.
    """
    if not (id.isascii() and id.isalnum()):
        raise FatalError("Salesforce: an id holds more than letters and digits; it cannot be asked for.")
    return f"'{id}'"

"""First loads of a large shop: one query that Shopify answers in its own time, with a file of JSON lines.

Source: https://shopify.dev/docs/api/usage/bulk-operations/queries and the schema of 2026-10 (read 2026-11-22). Costs no
points. Five run at once for an app and shop; the file stays for seven days; no list of lines, hence no refunds, can be
asked for within a list. Children are lines of their own, and stand below their parent only when objects are grouped,
which Shopify advises against unless it is needed: it is for orders, so that one record at a time is put together.

Whoever was killed finds the operation again, at the shop, by its query: it is not started a second time. What is left
of an operation that failed is not used: nobody can say which records it lacks.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import orjson

from include.errors import FatalError, LostAnswerError
from include.sources import shopify_queries as queries
from include.sources.line_file import FileGoneError, lines
from include.sources.pages import SECOND, Page, Row, Window, page_size
from include.sources.shopify_client import ShopifyClient

BULK_FROM = 5_000  # records; fewer are paged sooner than an operation starts
RECORDS = 500  # a page
ADOPTED_WITHIN = timedelta(days=1)  # how long ago an operation may have ended that a first load takes for its own
FIRST_POLL, LONGEST_POLL = 0.25, 20.0  # seconds; between them a tenth of the time it has taken
PATIENCE = 600.0  # seconds to wait for a place among the five
STARTS = 3  # operations that end in an error inside Shopify, before pages are asked for
_ZONE = "%Y-%m-%dT%H:%M:%SZ"

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """Shopify will not do it in bulk; pages will do. The text is its own code."""


@dataclass(frozen=True)
class Table:
    """A list of the shop.

    :param whole: the query for all of it, with UNTIL where its window ends.
    :param counted: how many there are.
    :param children: the connection below each record, whose entries arrive as lines of their own.
    """

    whole: str
    counted: str
    children: str | None = None


CUSTOMERS = Table(queries.ALL_CUSTOMERS, queries.CUSTOMERS_COUNT)
ORDERS = Table(queries.ALL_ORDERS, queries.ORDERS_COUNT, "lineItems")
CHECKOUTS = Table(queries.ALL_CHECKOUTS, queries.CHECKOUTS_COUNT)


@dataclass(frozen=True)
class _Place:
    """Where a file is read from, in what pieces, and where the window of what stands in it ends."""

    until: datetime
    start: int
    size: int


class _Operation(msgspec.Struct):
    id: str
    status: str
    query: str
    createdAt: str
    errorCode: str | None = None
    completedAt: str | None = None
    objectCount: str = "0"
    url: str | None = None


class _UserError(msgspec.Struct):
    code: str | None = None


class _Started(msgspec.Struct):
    bulkOperation: _Operation | None
    userErrors: list[_UserError]


class _Operations(msgspec.Struct):
    nodes: list[_Operation]


class _Found(msgspec.Struct):
    """Any answer about operations, by the names the queries give it."""

    started: _Started | None = None
    operation: _Operation | None = None
    operations: _Operations | None = None


_read = msgspec.json.Decoder(_Found).decode


def is_worth_it(client: ShopifyClient, window: Window, mapping: Mapping[str, Any], table: Table) -> bool:
    """Whether this is a first load of more records than ``options: {bulk_from: …}``, or the rest of one in bulk."""
    if window.since is not None:
        return False
    if "bulk" in window.state:
        return True
    least = int(mapping.get("options", {}).get("bulk_from", BULK_FROM))
    found = client.query(table.counted, {"limit": least + 1})["found"]
    return found is not None and found["count"] > least


def pages(
    client: ShopifyClient,
    window: Window,
    mapping: Mapping[str, Any],
    table: Table,
    finish: Callable[[list[bytes]], list[Row]],
) -> Generator[Page, None, datetime]:
    """Yield all records changed before the window's end, or before that of the operation that was found again.

    Any page may be the last that is landed: the next load goes on behind it. Returns that end.

    :param finish: records as lines put them together → rows.
    :raises RefusedError: Shopify will not do it in bulk.
    """
    for attempt in count(1):
        operation, until, start = _operation(client, window, mapping, table)
        operation = _ended(client, operation)
        if operation.status == "COMPLETED":
            log.info("Shopify: %s objects in bulk", operation.objectCount)
            place = _Place(until, start, page_size(mapping, RECORDS))
            yield from _records(client, operation, place, table, finish)
            return until
        log.warning("Shopify: a bulk operation ended as %s %s", operation.status, operation.errorCode or "")
        if attempt == STARTS or (operation.errorCode != "INTERNAL_SERVER_ERROR" and operation.status != "EXPIRED"):
            raise RefusedError(operation.errorCode or operation.status)
        window = Window(window.since, window.until)  # from its beginning, by an operation of its own
    raise AssertionError("unreachable: the loop has no end of its own")


def _operation(
    client: ShopifyClient, window: Window, mapping: Mapping[str, Any], table: Table
) -> tuple[_Operation, datetime, int]:
    """The operation of this load, where its window ends, and the byte its file is to be read from."""
    kept = window.state.get("bulk")
    if kept is not None:
        operation = client.query(queries.BULK, {"id": kept["id"]}, _read).operation
        if operation is not None:
            return operation, datetime.fromisoformat(kept["until"]), kept["byte"]
    found = _earlier(client, table)
    if found is not None:
        return *found, 0
    until = window.end(SECOND)
    return _start(client, table, until, mapping), until, 0


def _earlier(client: ShopifyClient, table: Table) -> tuple[_Operation, datetime] | None:
    """The newest operation of this very query that runs, or ended lately, and where its window ends."""
    before, after = (_squeezed(part) for part in table.whole.split(queries.UNTIL))
    for one in client.query(queries.BULKS, {"first": queries.BULKS_SIZE}, _read).operations.nodes:
        text = _squeezed(one.query)
        if _is_usable(one) and text.startswith(before) and text.endswith(after):
            return one, datetime.fromisoformat(text[len(before) : len(text) - len(after)])
    return None


def _is_usable(operation: _Operation) -> bool:
    if operation.status != "COMPLETED" or operation.completedAt is None:
        return operation.status in ("CREATED", "RUNNING")
    return datetime.now(UTC) - datetime.fromisoformat(operation.completedAt) < ADOPTED_WITHIN


def _squeezed(query: str) -> str:
    return " ".join(query.split())


def _start(client: ShopifyClient, table: Table, until: datetime, mapping: Mapping[str, Any]) -> _Operation:
    patience = float(mapping.get("options", {}).get("bulk_patience", PATIENCE))
    query = table.whole.replace(queries.UNTIL, until.astimezone(UTC).strftime(_ZONE))
    began = time.monotonic()
    while True:
        started = _asked(client, table, query)
        if started.bulkOperation is not None:
            return started.bulkOperation
        codes = [error.code or "UNNAMED" for error in started.userErrors]
        waited = time.monotonic() - began
        if "OPERATION_IN_PROGRESS" not in codes or waited >= patience:
            raise RefusedError(codes[0] if codes else "UNNAMED")
        time.sleep(min(LONGEST_POLL, patience - waited))


def _asked(client: ShopifyClient, table: Table, query: str) -> _Started:
    """An answer that is lost is not asked for again before looking whether the operation runs."""
    variables = {"query": query, "grouped": table.children is not None}
    try:
        started = client.query(queries.START_BULK, variables, _read, repeatable=False).started
    except LostAnswerError:
        found = _earlier(client, table)
        if found is None:
            raise
        return _Started(found[0], [])
    except FatalError as error:  # a token that may page and may not do this: pages will tell if it is worth less
        raise RefusedError(error.code or "refused") from None
    return started or _Started(None, [])


def _ended(client: ShopifyClient, operation: _Operation) -> _Operation:
    began = time.monotonic()
    while operation.status in ("CREATED", "RUNNING", "CANCELING"):
        time.sleep(min(LONGEST_POLL, max(FIRST_POLL, (time.monotonic() - began) / 10)))
        operation = _again(client, operation)
    return operation


def _again(client: ShopifyClient, operation: _Operation) -> _Operation:
    found = client.query(queries.BULK, {"id": operation.id}, _read).operation
    if found is None:
        raise RefusedError("NOT_FOUND")
    return found


def _records(
    client: ShopifyClient,
    operation: _Operation,
    place: _Place,
    table: Table,
    finish: Callable[[list[bytes]], list[Row]],
) -> Iterator[Page]:
    waiting: list[bytes] = []
    for end, record in _put_together(_lines(client, operation, place.start), place.start, table.children):
        waiting.append(orjson.dumps(record))
        if len(waiting) == place.size:
            here = {"id": operation.id, "byte": end, "until": place.until.isoformat()}
            yield Page(finish(waiting), {"bulk": here})
            waiting = []
    yield Page(finish(waiting), {"since": place.until.isoformat()})


def _lines(client: ShopifyClient, operation: _Operation, start: int) -> Iterator[tuple[int, bytes]]:
    """The file's lines; without an address there are none. One that is no longer valid is asked for anew, once."""
    at, renewed = start, False
    while operation.url is not None:
        try:
            for end, line in lines(operation.url, at):
                yield end, line
                at = end
            return
        except FileGoneError as error:
            if renewed:
                raise RefusedError(error.code or "gone") from None
            operation, renewed = _again(client, operation), True


def _put_together(
    found: Iterator[tuple[int, bytes]], start: int, children: str | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each record with its children, as pages have them, and where the next one begins."""
    record: dict[str, Any] | None = None
    at = start
    for end, line in found:
        one = orjson.loads(line)
        parent = one.pop("__parentId", None)
        if parent is None:
            if record is not None:
                yield at, record
            record = {**one, children: {"nodes": []}} if children else one
        elif children is None or record is None or record["id"] != parent:
            raise RefusedError("lines of one record apart from each other")
        else:
            record[children]["nodes"].append(one)
        at = end
    if record is not None:
        yield at, record

"""Salesforce contacts, leads, opportunities and accounts.

Source: REST API and Bulk API 2.0 Developer Guides, SOQL Reference (read 2026-11-21).

* First load: a bulk query job, its result read part by part (`salesforce_bulk`); a small table, or one that jobs do not
  take, by a query in the order of ids, 2,000 rows a page. Both can be resumed.
* Later: a query by ``SystemModstamp``, which automation moves too (``LastModifiedDate`` it does not). A row is seen up
  to minutes after its stamp, when its transaction ends: the window begins OVERLAP early.
* ``queryAll`` also gives what lies in the recycle bin: those rows, ``IsDeleted``, are the tombstones.
* A contact role is a row of its own and does not move its opportunity's stamp: opportunities whose roles changed are
  read too.

Limits: requests of a day for the whole company; a URI of 16,384 bytes; ten open cursors a user, kept for two days.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from include.errors import FatalError
from include.limits import Limiter
from include.sources import salesforce_bulk
from include.sources.mapping_reader import SEPARATOR
from include.sources.pages import Page, Row, Window, page_size
from include.sources.salesforce_client import VERSION, Credentials, SalesforceClient
from include.sources.salesforce_reading import (
    Record,
    count,
    literal,
    pages,
    quoted,
    read_record,
    resumed,
    rows_in,
    select,
    within,
)

OVERLAP = timedelta(minutes=15)  # how long a transaction may take to show a row after its stamp
PAGE_ROWS = 2_000  # the vendor's maximum of a page
PART_ROWS = 10_000  # rows of a job's result that are held in memory
JOB_ROWS = 2_000  # rows from which the vendor advises a job; ``options: {job_rows: …}`` of the mapping says otherwise
ALWAYS = ("Id", "IsDeleted", "SystemModstamp")
NO_PATHS = ("_granted", "_withdrawn", "_values")  # lists of a mapping that hold values
ROLES = "OpportunityContactRoles"
ROLE_FIELDS = ("Id", "OpportunityId", "ContactId", "Role", "IsPrimary")
REFUSED_JOBS = ("FUNCTIONALITY_NOT_ENABLED", "FEATURENOTENABLED", "INVALIDENTITY", "LIMIT_EXCEEDED", "JobFailed")


@dataclass(frozen=True)
class _Kind:
    """One object and how it is read.

    :param completed: adds to rows what stands elsewhere.
    :param moved_by: yields the rows that changed only by what stands there.
    """

    name: str
    mapping: Mapping[str, Any]
    completed: Callable[[SalesforceClient, list[Row]], list[Row]]
    moved_by: Callable[[SalesforceClient, "_Kind", datetime, datetime], Iterator[Page]] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        return fields(self.mapping)

    @property
    def page_rows(self) -> int:
        return page_size(self.mapping, PAGE_ROWS)

    @property
    def part_rows(self) -> int:
        return page_size(self.mapping, PART_ROWS)

    @property
    def job_rows(self) -> int:
        return int(self.mapping.get("options", {}).get("job_rows", JOB_ROWS))

    def soql(self, condition: str = "", order: str = "") -> str:
        return select(self.fields, self.name, condition, order)


def client(
    base_url: str,
    credentials: Credentials,
    *,
    version: str = VERSION,
    limiter: Limiter | None = None,
    poll_seconds: float = 1.0,
) -> SalesforceClient:
    """A session with a company's account; see `SalesforceClient`."""
    return SalesforceClient(base_url, credentials, version=version, limiter=limiter, poll_seconds=poll_seconds)


def contacts(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the contacts changed or deleted in the window; all when it has no beginning.

    Rows are as Salesforce sends them, keyed by id; a deleted one has ``"IsDeleted": true``. A merge deletes the contact
    that lost.

    :raises FatalError: paging repeats itself, or a field of the mapping does not exist.
    """
    yield from _read(client, _Kind("Contact", mapping, _as_they_are), window)


def leads(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the leads changed or deleted in the window, as `contacts` does; a converted one names its contact."""
    yield from _read(client, _Kind("Lead", mapping, _as_they_are), window)


def accounts(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the accounts changed or deleted in the window, as `contacts` does."""
    yield from _read(client, _Kind("Account", mapping, _as_they_are), window)


def opportunities(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the opportunities changed or deleted in the window, or whose contact roles did.

    Each row carries its roles as a query for both would give them:
    ``{"OpportunityContactRoles": {"totalSize": 1, "done": true, "records": [{"ContactId": "003…"}]}}``, in the order of
    their ids.
    """
    yield from _read(client, _Kind("Opportunity", mapping, _with_roles, _of_changed_roles), window)


def contact_keys(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all contacts there are, of those made since the window began, by their ids.

    Of one that was deleted past the recycle bin, or lies no longer in it, nothing else tells.
    """
    yield from _keys(client, "Contact", window, mapping)


def lead_keys(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all leads, as `contact_keys` gives them."""
    yield from _keys(client, "Lead", window, mapping)


def account_keys(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all accounts, as `contact_keys` gives them."""
    yield from _keys(client, "Account", window, mapping)


def opportunity_keys(client: SalesforceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all opportunities, as `contact_keys` gives them."""
    yield from _keys(client, "Opportunity", window, mapping)


def _keys(client: SalesforceClient, name: str, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    made = [f"CreatedDate >= {literal(window.since)}"] if window.since is not None else []

    def asked(place: str) -> str:
        return select(["Id"], name, " AND ".join([*made, *([f"Id > {quoted(place)}"] if place else [])]), "Id")

    size = page_size(mapping, PAGE_ROWS)
    for rows, _ in resumed(client, "", size, asked, lambda records: records[-1].Id, deleted=False):
        yield [row.key for row in rows]


def fields(mapping: Mapping[str, Any]) -> tuple[str, ...]:
    """Every field the mapping names, sorted, after those that are always asked for. A jsonpath names none."""
    paths = [
        *(path for name, path in mapping.items() if isinstance(path, list) and not name.endswith(NO_PATHS)),
        *(path.split(SEPARATOR) for path in mapping["ids"].values()),
    ]
    named = {".".join(path) for path in paths if not path[0].startswith("$")}
    return (*ALWAYS, *sorted(named - set(ALWAYS)))


def _read(client: SalesforceClient, kind: _Kind, window: Window) -> Iterator[Page]:
    since = window.since
    if since is None:
        since = datetime.fromisoformat(window.state.get("begun") or window.until.isoformat())
        yield from _first_load(client, kind, since, window.state)
    if since < window.until:  # also what changed while a first load lay still
        if kind.moved_by is not None:
            yield from kind.moved_by(client, kind, since - OVERLAP, window.until)
        yield from _changed(client, kind, since - OVERLAP, window.until)
    yield Page([], {"since": window.until.isoformat()})


def _first_load(client: SalesforceClient, kind: _Kind, begun: datetime, state: Mapping[str, Any]) -> Iterator[Page]:
    """By a job, or by ids; where an earlier run stopped, that run's way."""
    if state.get("last_id") or (not state.get("job") and count(client, kind.name) < kind.job_rows):
        yield from _by_ids(client, kind, begun, state.get("last_id", ""))
        return
    try:
        for part in salesforce_bulk.parts(client, kind.name, kind.soql(), kind.part_rows, state):
            cursor = {"begun": begun.isoformat(), **part.place} if part.place else None
            yield Page(kind.completed(client, part.rows), cursor)
    except FatalError as refused:
        if refused.code not in REFUSED_JOBS:
            raise
        yield from _by_ids(client, kind, begun, "")


def _by_ids(client: SalesforceClient, kind: _Kind, begun: datetime, last: str) -> Iterator[Page]:
    """All rows in the order of their ids; each page can be resumed behind its last one."""

    def asked(place: str) -> str:
        return kind.soql(f"Id > {quoted(place)}" if place else "", "Id")

    for rows, place in resumed(client, last, kind.page_rows, asked, lambda records: records[-1].Id):
        yield Page(kind.completed(client, rows), {"begun": begun.isoformat(), "last_id": place})


def _changed(client: SalesforceClient, kind: _Kind, since: datetime, until: datetime) -> Iterator[Page]:
    """Rows of the window, oldest stamp first; each page can be resumed at its last stamp."""

    def asked(place: str) -> str:
        return kind.soql(within(datetime.fromisoformat(place), until), "SystemModstamp, Id")

    for rows, place in resumed(
        client, literal(since), kind.page_rows, asked, lambda records: _latest(records, since, until)
    ):
        yield Page(kind.completed(client, rows), {"since": place})


def _latest(records: Sequence[Record], since: datetime, until: datetime) -> str:
    """The last stamp of a page. A row that changed after the query was asked shows a later one: it says nothing."""
    stamps = [at for one in records if since <= (at := datetime.fromisoformat(one.SystemModstamp)) < until]
    return literal(stamps[-1] if stamps else since)


def _as_they_are(client: SalesforceClient, rows: list[Row]) -> list[Row]:
    return rows


def _with_roles(client: SalesforceClient, rows: list[Row]) -> list[Row]:
    """Opportunities with their contact roles written into them."""
    roles: dict[str, list[dict[str, Any]]] = {row.key: [] for row in rows}
    for one in rows_in(client, ROLE_FIELDS, "OpportunityContactRole", "OpportunityId", roles):
        role = orjson.loads(one)
        roles[role["OpportunityId"]].append({name: role[name] for name in ROLE_FIELDS})
    return [Row(row.key, _joined(row.payload, sorted(roles[row.key], key=lambda role: role["Id"]))) for row in rows]


def _joined(payload: bytes, roles: list[dict[str, Any]]) -> bytes:
    nested = {"totalSize": len(roles), "done": True, "records": roles}
    return b'%b,"%b":%b}' % (payload.rstrip()[:-1], ROLES.encode(), orjson.dumps(nested))


def _of_changed_roles(client: SalesforceClient, kind: _Kind, since: datetime, until: datetime) -> Iterator[Page]:
    wanted = ("Id", "OpportunityId")
    for result in pages(client, select(wanted, "OpportunityContactRole", within(since, until)), size=kind.page_rows):
        keys = dict.fromkeys(orjson.loads(bytes(raw))["OpportunityId"] for raw in result.records)
        found = rows_in(client, kind.fields, kind.name, "Id", keys, deleted=True)
        if rows := [Row(read_record(raw).Id, raw) for raw in found]:
            yield Page(kind.completed(client, rows))

"""What an audience needs: desired minus acknowledged, as rows of a table of this session."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import orjson
import psycopg

from include import warehouse
from include.destinations.base import Audience, Destination, NamesFields
from include.errors import FatalError
from include.ledger import exclusions, guard, reading, repair
from include.ledger.nulls import cleared_columns
from include.sources.registry import STREAMS


@dataclass(frozen=True)
class Plan:
    """People to add, update and remove; ``held`` removals wait for an approval and are not in ``removes``.

    :param plan_hash: of every change that will be sent; equal plans have equal hashes.
    :param reason: why removals are (or, unless approved, would be) held.
    """

    adds: int
    updates: int
    removes: int
    held: int
    plan_hash: str
    reason: str | None = None
    changes: int = 0


def plan_audience(conn: psycopg.Connection, audience_id: int, destination: Destination, *, as_of: date) -> Plan:
    """The plan a sync would send now. A dry run: the same statements, rolled back; nothing goes out.

    :param as_of: the day the plan is for; membership is today's, as built for that day.
    :raises FatalError: there is no such audience.
    """
    audience = _read(conn, audience_id)
    at = datetime.now(UTC)
    with conn.transaction(force_rollback=True):
        repair.settle_lost_batches(conn, audience)
        exclusions.write(conn, audience, at=at)
        return write_plan(conn, audience, destination, at=at)


def _read(conn: psycopg.Connection, audience_id: int) -> Audience:
    found = warehouse.rows(conn, "ledger/audience", {"audience_id": audience_id})
    if not found:
        raise FatalError(f"There is no audience {audience_id}; audience.audience lists them.")
    return Audience(**found[0])


def write_plan(conn: psycopg.Connection, audience: Audience, destination: Destination, *, at: datetime) -> Plan:
    """Fill this session's plan with the changes that go out now. Runs inside the caller's transaction.

    Merged persons' rows move to today's person first; the guard takes removals out and writes its hold.
    """
    key = {"audience_id": audience.audience_id}
    warehouse.run(conn, "ledger/settle_redirects", key)
    streams = [stream for stream in STREAMS if stream.partition(".")[0] == destination.name]
    if streams:
        warehouse.run(conn, "ledger/doubt_deleted", {**key, "streams": streams})
    _compare(conn, audience, destination)
    warehouse.run(conn, "ledger/drop_settled_attempts", key)
    [whole] = warehouse.rows(conn, "ledger/plan_summary")
    departures = whole["removes"] > 0
    if departures:
        warehouse.run(conn, "ledger/readdress", key)
        [whole] = warehouse.rows(conn, "ledger/plan_summary")
    held = guard.hold(conn, audience, whole["removes"], at)
    if departures:
        _share(conn, audience)
        [whole] = warehouse.rows(conn, "ledger/plan_summary")
    return Plan(**whole, held=held.removals, reason=held.reason)


def _compare(conn: psycopg.Connection, audience: Audience, destination: Destination) -> None:
    """Fill ``pg_temp.plan_row`` with every change, before guards."""
    treated = {
        "identifiers": list(destination.identifiers),
        "fields": list(destination.fields),
        "identifier_version": destination.identifier_version,
        "field_version": destination.field_version,
    }
    names = destination.names(audience) if isinstance(destination, NamesFields) else None
    cleared = [name for name in cleared_columns(audience, destination) if names is None or name in names]
    wanted = {
        **treated,
        "fields": list(destination.fields) if names is None else [],
        "names": orjson.dumps(names or {}).decode(),
        "audience_id": audience.audience_id,
        "segment": audience.segment,
        "active": audience.active,
        "purpose": destination.purpose,
        "cleared": cleared,
        "exclusions": _anybody_excluded(conn, audience),
    }
    own = {"names": names, "cleared": cleared}
    treatment = orjson.dumps({**treated, **{key: value for key, value in own.items() if value}}).decode()
    warehouse.run(conn, "ledger/forget_treatment", {"audience_id": audience.audience_id, "treatment": treatment})
    conn.execute("set local default_statistics_target to 10")  # for tables that live as long as this plan
    conn.execute("drop table if exists pg_temp.differing, pg_temp.plan_row, pg_temp.sharing")
    with psycopg.ClientCursor(conn) as cursor:  # `create table as` takes no parameters; constants are folded
        conn.execute("set local parallel_tuple_cost to 0")  # few rows come out, which cannot be estimated
        cursor.execute(warehouse.statement("ledger/differing"), wanted)
        conn.execute("set local parallel_tuple_cost to default")
        conn.execute("analyze pg_temp.differing (person_id)")
        warehouse.run(conn, "ledger/plan_table")
        cursor.execute(warehouse.statement("ledger/plan"), wanted)
    conn.execute("alter table pg_temp.plan_row add primary key (ordinal)")
    conn.execute("analyze pg_temp.plan_row (ordinal, operation, person_id, identifier_hash)")  # joined or filtered by
    conn.execute("set local default_statistics_target to default")


def _share(conn: psycopg.Connection, audience: Audience) -> None:
    """Keep what leavers share with others, and send again who shares what is let go."""
    key = {"audience_id": audience.audience_id}
    with reading.by_passes(conn), psycopg.ClientCursor(conn) as cursor:
        shared = cursor.execute(warehouse.statement("ledger/sharing"), key).rowcount
        warehouse.run(conn, "ledger/keep")
        if shared:
            warehouse.run(conn, "ledger/resend_holders", {**key, "segment": audience.segment})


def _anybody_excluded(conn: psycopg.Connection, audience: Audience) -> bool:
    """Asked first: when there is nobody, a million people need not be looked up among them."""
    [row] = warehouse.rows(conn, "ledger/anybody_excluded", {"audience_id": audience.audience_id})
    return row["anybody"]

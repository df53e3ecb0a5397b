"""The gate between landing and staging: check a stream's candidate, set broken rows aside, stop broken batches.

Severity decides what a failing rule does. ``critical`` stops the batch and all that depends on it. ``warning`` holds
the failing records in quarantine, each with the rule and the reason, while the others go on; when too large a share
would be held, the batch stops. ``info`` is recorded. No value of a row leaves Postgres: results are counts and names.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from include import check_history, suite_fit, warehouse
from include.candidate import MANY_ROWS, Candidate, CheckedStream, Staged, fill_candidate, names, staged_by_mapping
from include.check_history import Freshness
from include.errors import CriticalCheckError
from include.pushdown import Outcome, run_suite
from include.quality_findings import Found, result_rows, share_row, stops, too_many
from include.schema_contract import drift
from include.schema_contract.drift import Drift
from include.schema_contract.parts import deletion_mark, terms_by_part
from include.schema_contract.terms import Terms
from include.suites import SUITE_ROOT, Suite, read_suite


@dataclass(frozen=True)
class Checked:
    """What a check found.

    :param batch_id: the batch the results are filed under in ``ops.check_result``; None: nothing was open.
    :param records: landed records that were checked.
    :param quarantined: records held back.
    :param failed_rules: names of the rules that failed, of any severity.
    :param drift: changes of the stream's columns that were let pass or set aside.
    :param freshness: how old its newest record is against its own past; None: not asked for.
    """

    stream: str
    suite: str
    owner: str
    batch_id: int | None
    records: int
    quarantined: int
    failed_rules: tuple[str, ...]
    drift: tuple[Drift, ...] = ()
    freshness: Freshness | None = None


_QUARANTINE = sql.SQL("""
insert into ops.quarantine (batch_id, stream, raw_id, record_key, rule, reason, changed_at)
select distinct on (c.raw_id)
    c.batch_id,
    c.stream,
    c.raw_id,
    c.record_key,
    {rule},
    {reason},
    c.changed_at
from candidate as c
where c.raw_id in (select failing.raw_id from ({failing}) as failing)
on conflict (raw_id, rule) do nothing
""")


def check_stream(conn: psycopg.Connection, url: str, stream: CheckedStream, *, staged: Staged = staged_by_mapping,
                 max_quarantine_share: float | None = None, suite_root: Path = SUITE_ROOT,
                 terms: Mapping[str, Terms] | None = None) -> Checked:
    """Check all that is open of a stream; commits. Safe to repeat: a check decides anew on every open batch.

    :param url: libpq URL of the same warehouse, for Great Expectations.
    :param max_quarantine_share: instead of what the mapping's ``options`` or else the suite allow.
    :param terms: instead of the mapping's ``contract``, by part of the stream.
    :raises CriticalCheckError: the batch stops here; its state is ``failed``.
    :raises ConfigError: the suite or the mapping cannot be read or run.
    """
    suite = read_suite(stream.suite, root=suite_root)
    with _alone(conn, stream):
        suite_fit.require(conn, suite, stream.shape)
        parts = terms_by_part(conn, stream.name) if terms is None else terms
        candidate = fill_candidate(conn, stream, staged=staged)
        conn.commit()  # Great Expectations looks through a connection of its own
        if candidate.report_batch_id is None:
            return _nothing_landed(conn, stream, suite, parts)
        found = _look(conn, url, stream, suite, candidate, parts)
        share = _share(conn, stream, suite) if max_quarantine_share is None else max_quarantine_share
        with conn.transaction():
            checked, problem = _judge(conn, stream, suite, candidate, found, share)
        conn.commit()
    if problem:
        raise CriticalCheckError(problem, owner=suite.owner)
    return checked


def _look(conn: psycopg.Connection, url: str, stream: CheckedStream, suite: Suite, candidate: Candidate,
          parts: Mapping[str, Terms]) -> Found:
    """Hold the candidate against contract, history and suite; commits what was observed, decides nothing."""
    with conn.transaction():
        changes = drift.find(conn, stream.name, candidate.batch_ids, parts, deletion_mark(stream.name))
        check_history.note_newest(conn, stream.name, stream.shape, candidate.batch_ids)
    age = _age(conn, stream, parts)
    conn.commit()
    outcomes: list[Outcome] = []
    if candidate.rows:
        values = check_history.parameters(conn, candidate)
        outcomes = run_suite(url, candidate.table, suite.for_rows(candidate.rows), values)
    return Found(outcomes, changes, age)


def _age(conn: psycopg.Connection, stream: CheckedStream, parts: Mapping[str, Terms]) -> tuple[Freshness, Any] | None:
    """The stream's age with the gravest severity that any of its parts asks for."""
    asked = {one.freshness for one in parts.values()} or {Terms().freshness}
    severity = next((one for one in ("critical", "info") if one in asked), None)
    return None if severity is None else (check_history.freshness(conn, stream.name), severity)


def _nothing_landed(conn: psycopg.Connection, stream: CheckedStream, suite: Suite,
                    parts: Mapping[str, Terms]) -> Checked:
    """Nothing is open; that nothing came for too long is filed under the stream's newest batch."""
    age = _age(conn, stream, parts)
    if age is not None and age[0].judged:
        warehouse.run(conn, "quality/record_age", {
            "stream": stream.name, "suite": suite.name, "results": Jsonb([age[0].result(age[1])])})
    conn.commit()
    if age is not None and age[0].stale and age[1] == "critical":
        raise CriticalCheckError(f"{stream.name}: {age[0].text}. Nothing new was landed.", owner=suite.owner)
    found = Found((), (), age)
    return Checked(stream.name, suite.name, suite.owner, None, 0, 0, found.failed_rules, (), age and age[0])


def _judge(conn: psycopg.Connection, stream: CheckedStream, suite: Suite, candidate: Candidate, found: Found,
           share: float) -> tuple[Checked, str | None]:
    """Record the results and decide; the problem's text is None when the batch may go on."""
    values = {"stream": stream.name, "batch_ids": list(candidate.batch_ids)}
    warehouse.run(conn, "quality/clear_held", values)
    drift.record(conn, stream.name, found.drift)
    problem = stops(stream, candidate, found)
    with names(conn, stream.name):
        counted = warehouse.rows(conn, "quality/count_records", values)[0]
        held, records = 0, counted["records"]
        results = result_rows(found, records)
        if problem is None:
            held, beyond = _hold(conn, stream, suite, candidate, found, share)
            results.append(share_row(held, records, share, suite, beyond))
            problem = too_many(candidate, found.failed, held, records, share) if beyond else None
        if problem is None and drift.hold(conn, stream.name, candidate.batch_ids, found.drift, "lost_column"):
            held = warehouse.rows(conn, "quality/count_records", values)[0]["held"]
    warehouse.run(conn, "quality/record_results",
                  {"batch_id": candidate.report_batch_id, "suite": suite.name, "results": Jsonb(results)})
    warehouse.run(conn, "quality/mark_batches", {**values, "state": "failed" if problem else "checked"})
    if problem is None:
        warehouse.run(conn, "quality/mark_candidate", values)
    return Checked(stream.name, suite.name, suite.owner, candidate.report_batch_id, records, 0 if problem else held,
                   found.failed_rules, tuple(found.drift), found.age and found.age[0]), problem


def _hold(conn: psycopg.Connection, stream: CheckedStream, suite: Suite, candidate: Candidate, found: Found,
          share: float) -> tuple[int, bool]:
    """Hold the records that break a warning or have a discarded type; none is held when they are too many.

    Returns how many are held (or would be), and whether they are too many.
    """
    held_now = 0
    with conn.transaction() as savepoint:
        for outcome in found.failed:
            if outcome.rule.severity == "warning" and outcome.failing_query:
                query = _QUARANTINE.format(
                    rule=sql.Literal(outcome.rule.name), reason=sql.Literal(outcome.rule.reason),
                    failing=sql.SQL(outcome.failing_query.rstrip().rstrip(";")))
                held_now += conn.execute(query).rowcount
        held_now += drift.hold(conn, stream.name, candidate.batch_ids, found.drift, "changed_type")
        if held_now >= MANY_ROWS:  # the next statements join to them
            conn.execute("analyze ops.quarantine")
        counted = warehouse.rows(conn, "quality/count_records", {"stream": stream.name})[0]
        beyond = counted["held"] > suite.quarantine_floor and counted["held"] > share * counted["records"]
        if beyond:
            raise psycopg.Rollback(savepoint)
    return counted["held"], beyond


def _share(conn: psycopg.Connection, stream: CheckedStream, suite: Suite) -> float:
    """What the mapping's ``options: {max_quarantine_share: …}`` allows, or else the suite."""
    from include.sources.mapping import staging_parameters, table_mapping

    if not stream.name.startswith("files."):
        return float(table_mapping(stream.name)["options"].get("max_quarantine_share", suite.max_quarantine_share))
    with names(conn, stream.name):
        found = warehouse.rows(conn, "quality/file_share", {
            "stream": stream.name, "share": suite.max_quarantine_share,
            "mappings": staging_parameters(stream.name, [])["mappings"]})[0]
    conn.commit()
    return suite.max_quarantine_share if found["share"] is None else float(found["share"])


@contextmanager
def _alone(conn: psycopg.Connection, stream: CheckedStream) -> Iterator[None]:
    """One check of a stream at a time: two would empty each other's candidate table."""
    key: Mapping[str, Any] = {"stream": stream.name}
    conn.execute("select pg_advisory_lock(hashtextextended('checking.' || %(stream)s, 0))", key)
    conn.commit()
    try:
        yield
    finally:
        conn.rollback()
        conn.execute("select pg_advisory_unlock(hashtextextended('checking.' || %(stream)s, 0))", key)
        conn.commit()

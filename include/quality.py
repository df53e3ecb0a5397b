"""The gate between landing and staging: check a stream's candidate, set broken rows aside, stop broken batches.

Severity decides what a failing rule does. ``critical`` stops the batch and all that depends on it. ``warning`` holds
the failing records in quarantine, each with the rule and the reason, while the others go on; when too large a share
would be held, the batch stops. ``info`` is recorded. No value of a row leaves Postgres: results are counts and names.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from include import warehouse
from include.candidate import MANY_ROWS, Candidate, CheckedStream, Staged, fill_candidate, names, staged_by_mapping
from include.errors import ConfigError, CriticalCheckError
from include.pushdown import Outcome, run_suite
from include.suites import SUITE_ROOT, Suite, read_suite

ALL_ROWS = 2**53  # no volume limit: more rows than a table can hold


@dataclass(frozen=True)
class Checked:
    """What a check found.

    :param batch_id: the batch the results are filed under in ``ops.check_result``; None: nothing was open.
    :param records: landed records that were checked.
    :param quarantined: records held back.
    :param failed_rules: names of the rules that failed, of any severity.
    """

    stream: str
    suite: str
    owner: str
    batch_id: int | None
    records: int
    quarantined: int
    failed_rules: tuple[str, ...]


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
                 max_quarantine_share: float | None = None, suite_root: Path = SUITE_ROOT) -> Checked:
    """Check all that is open of a stream; commits. Safe to repeat: a check decides anew on every open batch.

    :param url: libpq URL of the same warehouse, for Great Expectations.
    :param max_quarantine_share: instead of what the mapping's ``options`` or else the suite allow.
    :raises CriticalCheckError: the batch stops here; its state is ``failed``.
    :raises ConfigError: the suite cannot be read or run.
    """
    suite = read_suite(stream.suite, root=suite_root)
    with _alone(conn, stream):
        _fits(conn, suite, stream)
        candidate = fill_candidate(conn, stream, staged=staged)
        conn.commit()  # Great Expectations looks through a connection of its own
        if candidate.report_batch_id is None:
            return Checked(stream.name, suite.name, suite.owner, None, 0, 0, ())
        outcomes: list[Outcome] = []
        if candidate.rows:
            outcomes = run_suite(url, candidate.table, suite.for_rows(candidate.rows), _parameters(conn, candidate))
        share = _share(conn, stream, suite) if max_quarantine_share is None else max_quarantine_share
        with conn.transaction():
            checked, problem = _judge(conn, stream, suite, candidate, outcomes, share)
        conn.commit()
    if problem:
        raise CriticalCheckError(problem, owner=suite.owner)
    return checked


def _judge(conn: psycopg.Connection, stream: CheckedStream, suite: Suite, candidate: Candidate,
           outcomes: Sequence[Outcome], share: float) -> tuple[Checked, str | None]:
    """Record the results and decide; the problem's text is None when the batch may go on."""
    values = {"stream": stream.name, "batch_ids": list(candidate.batch_ids)}
    warehouse.run(conn, "quality/clear_held", values)
    results = [_result(outcome) for outcome in outcomes]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    problem = _critical(stream, candidate, failed)
    held, records = 0, 0
    with names(conn, stream.name):
        if problem is None:
            held, records, beyond = _hold(conn, stream, suite, failed, share)
            results.append(_share_result(held, records, share, suite, beyond))
            problem = _too_many(candidate, failed, held, records, share) if beyond else None
            held = 0 if beyond else held
        else:
            records = warehouse.rows(conn, "quality/count_records", values)[0]["records"]
    warehouse.run(conn, "quality/record_results",
                  {"batch_id": candidate.report_batch_id, "suite": suite.name, "results": Jsonb(results)})
    warehouse.run(conn, "quality/mark_batches", {**values, "state": "failed" if problem else "checked"})
    if problem is None:
        warehouse.run(conn, "quality/mark_candidate", values)
    return Checked(stream.name, suite.name, suite.owner, candidate.report_batch_id, records, held,
                   tuple(outcome.rule.name for outcome in failed)), problem


def _hold(conn: psycopg.Connection, stream: CheckedStream, suite: Suite, failed: Sequence[Outcome],
          share: float) -> tuple[int, int, bool]:
    """Hold the records that break a warning; none is held when they are too many. Returns held, records, too many."""
    held_now = 0
    with conn.transaction() as savepoint:
        for outcome in failed:
            if outcome.rule.severity == "warning" and outcome.failing_query:
                query = _QUARANTINE.format(
                    rule=sql.Literal(outcome.rule.name), reason=sql.Literal(outcome.rule.reason),
                    failing=sql.SQL(outcome.failing_query.rstrip().rstrip(";")))
                held_now += conn.execute(query).rowcount
        if held_now >= MANY_ROWS:  # the next statements join to them
            conn.execute("analyze ops.quarantine")
        counted = warehouse.rows(conn, "quality/count_records", {"stream": stream.name})[0]
        held, records = counted["held"], counted["records"]
        beyond = held > suite.quarantine_floor and held > share * records
        if beyond:
            raise psycopg.Rollback(savepoint)
    return held, records, beyond


def _critical(stream: CheckedStream, candidate: Candidate, failed: Sequence[Outcome]) -> str | None:
    critical = [outcome for outcome in failed if outcome.rule.severity == "critical"]
    if not critical:
        return None
    return (f"{stream.name}: {len(critical)} critical {'rule' if len(critical) == 1 else 'rules'} failed on "
            f"{candidate.rows} rows: {_listed(critical)}; expected none. Full result: ops.check_result, batch "
            f"{candidate.report_batch_id}.")


def _too_many(candidate: Candidate, failed: Sequence[Outcome], held: int, records: int, share: float) -> str:
    return (f"{candidate.stream}: {held} of {records} records break a rule, {held / records:.1%}; expected at most "
            f"{share:.1%} ({_listed(failed)}). Nothing was set aside. Full result: ops.check_result, batch "
            f"{candidate.report_batch_id}.")


def _listed(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(
        outcome.rule.name if outcome.failed_rows is None else f"{outcome.rule.name} ({outcome.failed_rows})"
        for outcome in outcomes
    )


def _result(outcome: Outcome) -> dict[str, Any]:
    columns = outcome.rule.columns
    return {
        "rule": outcome.rule.name,
        "column_name": ", ".join(columns) or None,
        "severity": outcome.rule.severity,
        "passed": outcome.passed,
        "checked_rows": outcome.checked_rows,
        "failed_rows": outcome.failed_rows,
        "details": {"type": outcome.rule.type, "reason": outcome.rule.reason},
    }


def _share_result(held: int, records: int, share: float, suite: Suite, beyond: bool) -> dict[str, Any]:
    return {
        "rule": "quarantine_share", "column_name": None, "severity": "critical", "passed": not beyond,
        "checked_rows": records, "failed_rows": held,
        "details": {"max_quarantine_share": share, "quarantine_floor": suite.quarantine_floor},
    }


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


def _parameters(conn: psycopg.Connection, candidate: Candidate) -> dict[str, Any]:
    """Values for ``$PARAMETER``; volumes are in rows of the candidate, history is in landed records."""
    found = warehouse.rows(conn, "quality/parameters", {
        "stream": candidate.stream, "batch_ids": [*candidate.batch_ids, candidate.report_batch_id]})[0]
    with names(conn, candidate.stream):
        records = warehouse.rows(conn, "quality/count_records", {"stream": candidate.stream})[0]["records"]
    conn.commit()
    rows_a_record = candidate.rows / records if records else 1.0
    most = found["volume_max"]
    return {
        "latest_at": found["latest_at"].isoformat(),
        "latest_on": found["latest_on"].isoformat(),
        "volume_min": math.floor(found["volume_min"] * rows_a_record),
        "volume_max": ALL_ROWS if most is None else math.ceil(most * rows_a_record),
    }


def _fits(conn: psycopg.Connection, suite: Suite, stream: CheckedStream) -> None:
    """A rule that names a column there is not, or a pattern Postgres cannot read, is an error of its file."""
    columns = {name for (name,) in conn.execute(
        "select column_name from information_schema.columns where table_schema = 'checking' and table_name = %(shape)s",
        {"shape": stream.shape})}
    for rule in suite.rules:
        where = f"expectations/{suite.name}.json, line {rule.line}: rule {rule.name}"
        unknown = sorted(set(rule.columns) - columns)
        if unknown:
            raise ConfigError(f"{where} asks for column {unknown[0]}, which {stream.shape} does not have; it has "
                              f"{', '.join(sorted(columns))}.")
        if "regex" in rule.kwargs and not _readable(conn, rule.kwargs["regex"]):
            raise ConfigError(f"{where} has a pattern that Postgres cannot read; mend its regex.")


def _readable(conn: psycopg.Connection, pattern: str) -> bool:
    try:
        with conn.transaction():
            warehouse.run(conn, "quality/readable_pattern", {"pattern": pattern})
    except psycopg.errors.InvalidRegularExpression:
        return False
    return True


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

"""Run a suite with Great Expectations, pushed down to SQL, so that no value of a row leaves Postgres.

Results carry counts and, for rules that failed, a query that finds the failing rows inside the database. Great
Expectations is imported within functions: it costs seconds of CPU, and most batches of a quiet day are empty.
"""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.errors import ConfigError, FatalError
from include.suites import Rule, Suite

RESULT_FORMAT = {  # counts only; the query is text, it is never fetched
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "unexpected_index_column_names": ["raw_id"],
    "return_unexpected_index_query": True,
}
_PYTHON_TIME = re.compile(r"datetime\.(?:datetime|date)\(([\d, ]+)(?:, tzinfo=datetime\.timezone\.utc)?\)")
_TALKATIVE = ("great_expectations", "sqlalchemy")


@dataclass(frozen=True)
class Outcome:
    """How one rule fared.

    :param checked_rows: rows the rule looked at; None for a rule about columns.
    :param failed_rows: rows that break it; None where it does not count rows.
    :param failing_query: SQL whose result has a column ``raw_id`` for every failing row; None: it names no rows.
    """

    rule: Rule
    passed: bool
    checked_rows: int | None
    failed_rows: int | None
    failing_query: str | None


@contextmanager
def _quiet() -> Iterator[None]:
    """Great Expectations and SQLAlchemy tell each statement, and some results, to whoever listens at DEBUG."""
    import great_expectations  # noqa: F401 (some of its modules set a level of their own when imported)

    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _TALKATIVE]
    loggers = [logging.getLogger(name) for name in {*known, *_TALKATIVE}]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # a table asset's schema_name is deprecated; its successor is not offered for Postgres
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


def run_suite(url: str, table: str, suite: Suite, parameters: Mapping[str, Any]) -> list[Outcome]:
    """Run all rules of a suite over ``checking.<table>``.

    :param url: libpq URL of the warehouse.
    :param parameters: values the suite asks for by ``{"$PARAMETER": name}``.
    :raises ConfigError: a rule cannot be built or run as its file has it.
    """
    with _quiet():
        return _run(url, table, suite, parameters)


def _run(url: str, table: str, suite: Suite, parameters: Mapping[str, Any]) -> list[Outcome]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_postgres(
        "warehouse", connection_string=_driver(url),
        kwargs={"connect_args": {"options": "-c timezone=UTC -c jit=off"}},
    )
    try:
        asset = source.add_table_asset(name=table, table_name=table, schema_name="checking")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        results = batch.validate(
            gx.ExpectationSuite(name=suite.name, expectations=list(_expectations(suite))),
            result_format=RESULT_FORMAT,
            expectation_parameters=dict(parameters),
        ).results
    finally:
        source.get_engine().dispose()
    by_rule = {result.expectation_config.meta["rule"]: result for result in results}
    return [_outcome(suite, rule, by_rule.get(rule.name)) for rule in suite.rules]


def _driver(url: str) -> str:
    """Great Expectations takes no psycopg 3 URL; psycopg2 comes with Airflow's Postgres provider."""
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def _expectations(suite: Suite) -> Iterator[Any]:
    """Each rule as an object of Great Expectations; one it does not take is an error of the suite's file."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    from include import distinct_keys  # importing it makes the type known

    for rule in suite.rules:
        kwargs = distinct_keys.as_query(rule.columns) if rule.type == distinct_keys.TYPE else dict(rule.kwargs)
        try:
            yield ExpectationConfiguration(
                type=rule.type, kwargs=kwargs, severity=rule.severity, meta={"rule": rule.name}
            ).to_domain_obj()
        except (ValueError, TypeError) as error:  # pydantic's, about the file and no row
            where = f"expectations/{suite.name}.json, line {rule.line}: rule {rule.name}"
            raise ConfigError(f"{where} has wrong arguments: {' '.join(str(error).split())}.") from None


def _outcome(suite: Suite, rule: Rule, result: Any) -> Outcome:
    where = f"expectations/{suite.name}.json, line {rule.line}: rule {rule.name}"
    if result is None:
        raise FatalError(f"{where} gave no result; expected one for every rule.")
    if result.exception_info and _raised(result.exception_info):
        # the exception's own text may quote a value
        raise ConfigError(f"{where} ({rule.type}) could not be run; its column, type or arguments do not fit.")
    found = result.result
    failed = found.get("unexpected_count")
    if failed is None and rule.names_rows:
        raise FatalError(f"{where} counted nothing; expected a number of failing rows.")
    return Outcome(
        rule=rule,
        passed=bool(result.success),
        checked_rows=found.get("element_count"),
        failed_rows=failed,
        failing_query=_with_sql_times(found["unexpected_index_query"], where) if failed and rule.names_rows else None,
    )


def _with_sql_times(query: str, where: str) -> str:
    """Great Expectations writes a limit that is a time into its query as Python does; write it as SQL does."""
    def as_sql(found: re.Match[str]) -> str:
        return f"timestamptz '{datetime(*map(int, found[1].split(',')), tzinfo=UTC).isoformat()}'"

    written = _PYTHON_TIME.sub(as_sql, query)
    if "datetime." in written:
        raise ConfigError(f"{where} has a limit in a time zone of its own; write it in UTC, with +00:00.")
    return written


def _raised(exception_info: Mapping[str, Any]) -> bool:
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(info.get("raised_exception") for info in exception_info.values())

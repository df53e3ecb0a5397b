"""Whether a suite can be asked of the rows it is for: its columns are there, its patterns can be read."""

import psycopg

from include import warehouse
from include.errors import ConfigError
from include.suites import Suite


def require(conn: psycopg.Connection, suite: Suite, shape: str) -> None:
    """A rule that names a column there is not, or a pattern Postgres cannot read, is an error of its file.

    :param shape: of the rows the suite is asked about.
    :raises ConfigError: names file, line, cause and what there is.
    """
    columns = {name for (name,) in conn.execute(
        "select column_name from information_schema.columns where table_schema = 'checking' and table_name = %(shape)s",
        {"shape": shape})}
    for rule in suite.rules:
        where = f"expectations/{suite.name}.json, line {rule.line}: rule {rule.name}"
        unknown = sorted(set(rule.columns) - columns)
        if unknown:
            raise ConfigError(f"{where} asks for column {unknown[0]}, which {shape} does not have; it has "
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

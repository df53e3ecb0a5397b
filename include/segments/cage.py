"""The cage a segment's SQL runs in: as a subquery, with bound values, read-only, under a timeout.

Bound values make Postgres take one statement only; the inner transaction is read-only. What the text may say at
all is checked before, in :mod:`include.segments.select_check`.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
import sqlglot
from psycopg import sql
from sqlglot.tokens import Token, TokenType

TIMEOUT_SECONDS = 300


def read_current_from(body: str, schema: str, relation: str) -> str:
    """The statement with ``segment.current`` replaced by another relation; all else stays to the letter."""
    tokens: list[Token] = sqlglot.tokenize(body, dialect="postgres")
    pieces, at = [], 0
    for first, dot, second in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (first.text.lower(), dot.token_type, second.text.lower()) == ("segment", TokenType.DOT, "current"):
            pieces += [body[at : first.start], f'"{schema}"."{relation}"']
            at = second.end + 1
    return "".join([*pieces, body[at:]])


def collect(
    conn: psycopg.Connection, body: str, binds: Mapping[str, Any], *, timeout_seconds: int = TIMEOUT_SECONDS
) -> int:
    """Fill the temporary table ``segment_people`` with the distinct persons a statement gives; return how many.

    Must be called inside a transaction. The inner transaction is read-only: Postgres still lets it fill temporary
    tables, and gives the outer one its freedom back when the inner one ends. A former person id becomes today's.

    :param binds: values of the statement's placeholders, ``as_of`` among them.
    :raises psycopg.Error: what the statement did wrong; QueryCanceled when it ran out of time.
    """
    before = conn.execute("select current_setting('statement_timeout')").fetchone()[0]
    conn.execute("drop table if exists pg_temp.segment_people")
    conn.execute("create temporary table segment_people (person_id uuid not null) on commit drop")
    fill = sql.SQL(
        "insert into pg_temp.segment_people (person_id) "
        "select distinct coalesce(redirect.person_id, found.person_id) from (\n{}\n) as found "
        "left join identity.redirect as redirect on redirect.old_person_id = found.person_id "
        "where found.person_id is not null and {}::boolean"
    ).format(sql.SQL(body), sql.Placeholder("in_the_cage"))  # a bound value: the server then takes one statement only
    with conn.transaction():
        conn.execute("set local transaction_read_only = on")
        conn.execute(
            "select set_config('statement_timeout', %s, true), set_config('timezone', 'UTC', true)",
            (f"{timeout_seconds}s",),
        )
        filled = conn.execute(fill, {**binds, "in_the_cage": True}).rowcount
    conn.execute("select set_config('statement_timeout', %s, true)", (before,))
    conn.execute("analyze pg_temp.segment_people")
    return filled


def cause_of(error: psycopg.Error, timeout_seconds: int) -> str:
    """What Postgres said, without what may carry a value of a row: only texts about the statement are kept."""
    if isinstance(error, psycopg.errors.QueryCanceled):
        return f"took longer than {timeout_seconds} seconds; make the statement lighter"
    state = error.sqlstate or "no code"
    detail = f" ({error.diag.message_primary})" if state.startswith("42") else ""
    return f"Postgres refused the statement: {type(error).__name__}, {state}{detail}"

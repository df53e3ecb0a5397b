"""Every staging statement runs, and gives the columns of its shape's parent in order."""

import psycopg
import pytest
from psycopg import sql

from include import warehouse
from include.sources.mapping import staging_parameters
from include.sources.registry import STREAMS

NOT_STAGED = {"published_at"}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_staging_statement_gives_the_columns_of_its_shape_in_order(conn: psycopg.Connection, stream: str) -> None:
    shape = STREAMS[stream].shape
    parent = conn.execute(sql.SQL("select * from staging.{} limit 0").format(sql.Identifier(shape))).description
    wanted = [column.name for column in parent if column.name not in NOT_STAGED]

    given = conn.execute(warehouse.statement(STREAMS[stream].staging_statement), staging_parameters(stream, [1]))

    assert [column.name for column in given.description] == wanted

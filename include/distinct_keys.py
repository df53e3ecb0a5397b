"""The expectation that a batch holds each key once, as one hash aggregate.

Great Expectations' own ``expect_compound_columns_to_be_unique`` joins the whole table to its counted keys: three
to four times the work, to be able to name rows. A doubled key stops the batch, so nobody has to be named.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from great_expectations.expectations.core import UnexpectedRowsExpectation
from psycopg import sql

TYPE = "expect_keys_to_be_distinct"


class ExpectKeysToBeDistinct(UnexpectedRowsExpectation):
    """Count the keys that come more than once. Only the count is fetched, never a key."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict, runtime_configuration: dict | None = None,
                  execution_engine: Any = None) -> dict[str, Any]:
        doubled = metrics["unexpected_rows_query.row_count"]
        return {"success": doubled == 0, "result": {"unexpected_count": doubled}}


def as_query(columns: Sequence[str]) -> dict[str, str]:
    """The arguments of the expectation for a key made of these columns."""
    # the braces stand for the batch, and are filled in by Great Expectations
    query = sql.SQL("select 1 from {{batch}} group by {key} having count(*) > 1").format(
        key=sql.SQL(", ").join(sql.Identifier(column) for column in columns))
    return {"unexpected_rows_query": query.as_string()}

"""Look for persons that are one though they share no key."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation.operators.warehouse_operator import WarehouseOperator
from include.errors import ConfigError


class ProposeLinksOperator(WarehouseOperator):
    """
    Compare golden records and keep what may be one person in ``identity.proposal``. Safe to repeat.

    What does not fit in memory is spilled into a private folder below the worker's temporary one, gone afterwards.

    :param accept: ``yes``: what holds at the stricter threshold becomes links, which the next build_persons follows;
        ``no``: everything waits for a person (templated).
    :returns: counts, and the version of the model.
    """

    template_fields: Sequence[str] = ("accept",)

    def __init__(self, *, accept: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.accept = accept

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        from include.identity.linking.proposals import propose  # brings Splink along: only for the task that runs

        if self.accept not in ("yes", "no"):
            raise ConfigError(f"The variable accept_proposals is {self.accept!r}; it is yes or no.")
        with tempfile.TemporaryDirectory(prefix="propose-") as folder:
            return asdict(propose(conn, folder=Path(folder), at=datetime.now(UTC), accept=self.accept == "yes"))

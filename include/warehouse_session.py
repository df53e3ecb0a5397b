"""One kept-open connection to the warehouse for small statements from several threads."""

import threading
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from include import warehouse


class WarehouseSession:
    """Opened at the first statement, opened anew when it broke. Each statement is a transaction of its own.

    Meant for state that need not outlive a crash of Postgres: a commit does not wait for the disk.
    """

    def __init__(self, url: str, application_name: str) -> None:
        self._url = url
        self._name = application_name
        self._lock = threading.Lock()
        self._conn: psycopg.Connection | None = None

    def run(self, name: str, params: Mapping[str, Any]) -> None:
        """Execute ``sql/<name>.sql``."""
        with self._lock:
            self._execute(name, params)

    def row(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Execute ``sql/<name>.sql``, which answers with one row."""
        with self._lock:
            return self._execute(name, params).fetchone()

    def close(self) -> None:
        """End the connection; the next statement opens another."""
        with self._lock:
            if self._conn is not None:
                self._conn.close()
                self._conn = None

    def _execute(self, name: str, params: Mapping[str, Any]) -> psycopg.Cursor[dict[str, Any]]:
        text = warehouse.statement(name)
        if self._conn is not None:
            try:
                return self._conn.cursor(row_factory=dict_row).execute(text, params)
            except psycopg.OperationalError:  # the server was restarted meanwhile, or a firewall forgot the connection
                if not self._conn.broken:
                    raise
                self._conn.close()
        self._conn = warehouse.connect(self._url, application_name=self._name, autocommit=True)
        self._conn.execute("set synchronous_commit to off")
        return self._conn.cursor(row_factory=dict_row).execute(text, params)

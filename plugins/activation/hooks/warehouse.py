"""The warehouse, from its Airflow connection."""

from datetime import timedelta

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from sqlalchemy.engine import URL

from include import warehouse


class WarehouseHook(PostgresHook):
    """Open the warehouse with psycopg 3 (PostgresHook itself would hand out psycopg2).

    :param warehouse_conn_id: a connection of type postgres.
    """

    default_conn_name = "warehouse"

    def __init__(self, warehouse_conn_id: str = default_conn_name) -> None:
        super().__init__(postgres_conn_id=warehouse_conn_id)
        self.warehouse_conn_id = warehouse_conn_id

    @property
    def url(self) -> str:
        """libpq URL with the password: never log it."""
        conn = self.get_connection(self.warehouse_conn_id)
        return URL.create("postgresql", conn.login, conn.password, conn.host, conn.port, conn.schema).render_as_string(
            hide_password=False
        )

    def open(self, *, timeout: timedelta | None = None) -> psycopg.Connection:
        """A connection whose statements end when the task's time does."""
        conn = warehouse.connect(self.url)
        if timeout is not None:
            conn.execute("select set_config('statement_timeout', %s, false)", (f"{int(timeout.total_seconds())}s",))
            conn.commit()
        return conn

"""What the hooks of all platforms share: the connection's fields, read with a clear word when one is missing."""

from typing import Any, ClassVar

from airflow.sdk import BaseHook

from include.errors import ConfigError


class PlatformHook(BaseHook):
    """An Airflow connection: host is the base URL with any path prefix, password the token, extra the ids.

    A subclass gives ``client`` (to read from the platform) or ``destination`` (to send to it), or both.

    :param conn_id: the connection; each platform has its own default.
    """

    default_conn_name: ClassVar[str]
    hook_name: ClassVar[str]

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__()
        self.conn_id = conn_id or self.default_conn_name

    @property
    def base_url(self) -> str:
        conn = self.get_connection(self.conn_id)
        if not conn.host:
            raise ConfigError(
                f"Connection {self.conn_id!r} has no host; put the base URL there, as in https://api.example.com."
            )
        url = conn.host if "://" in conn.host else f"https://{conn.host}"
        return f"{url}:{conn.port}" if conn.port else url

    @property
    def token(self) -> str:
        secret = self.get_connection(self.conn_id).password
        if not secret:
            raise ConfigError(f"Connection {self.conn_id!r} has no password; put the {self.hook_name} token there.")
        return secret

    def setting(self, key: str) -> Any:
        """A value of the connection's extra that the platform cannot do without."""
        value = self.get_connection(self.conn_id).extra_dejson.get(key)
        if value in (None, ""):
            raise ConfigError(f'Connection {self.conn_id!r} has no {key!r} in extra; add it, as in {{"{key}": "…"}}.')
        return value

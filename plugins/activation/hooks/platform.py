"""What the hooks of all platforms share: the connection's fields, read with a clear word when one is missing."""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from airflow.sdk import BaseHook

from activation.hooks.warehouse import WarehouseHook
from include.errors import ConfigError
from include.limits import Rate
from include.shared_limiter import SharedLimiter
from include.shared_points import SharedPoints

ACCOUNT_KEYS = ("account", "account_id", "portal_id", "advertiser_id", "customer_id")


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
        """Scheme, host, port and path prefix, from a connection written as JSON or as a URI.

        In JSON the host is the whole base URL. A URI takes it apart: ``http://:token@host:port/prefix`` is plain HTTP,
        any other scheme (``hubspot://…``) is HTTPS; the prefix arrives as the connection's schema.
        """
        conn = self.get_connection(self.conn_id)
        if not conn.host:
            raise ConfigError(
                f"Connection {self.conn_id!r} has no host; put the base URL there, as in https://api.example.com."
            )
        scheme, prefix = ("http" if conn.conn_type == "http" else "https"), conn.schema or ""
        if prefix in ("http", "https"):  # as Airflow's own HTTP connections use the field
            scheme, prefix = prefix, ""
        url = conn.host if "://" in conn.host else f"{scheme}://{conn.host}"
        return f"{url}{f':{conn.port}' if conn.port else ''}{f'/{prefix}' if prefix else ''}"

    @property
    def token(self) -> str:
        secret = self.get_connection(self.conn_id).password
        if not secret:
            raise ConfigError(f"Connection {self.conn_id!r} has no password; put the {self.hook_name} token there.")
        return secret

    @property
    def account(self) -> str:
        """Platform and account, by which limits are shared: never a secret.

        The account is what extra names (``account``, or the platform's own id of one); else the host, so that two
        accounts on one host share their limits unless extra tells them apart.
        """
        extra = self.get_connection(self.conn_id).extra_dejson
        named = next((str(extra[key]) for key in ACCOUNT_KEYS if extra.get(key)), None)
        return f"{self.default_conn_name.removesuffix('_default')} {named or urlsplit(self.base_url).netloc}"

    def limiter(self, rates: Sequence[Rate] = (), connections: int | None = None) -> SharedLimiter:
        """The account's limits, shared with every other worker through the warehouse.

        :param connections: calls at once of the whole account, where the platform limits them.
        """
        return SharedLimiter(WarehouseHook().url, self.account, rates, connections)

    def points(self) -> SharedPoints:
        """The account's points, shared in the same way, where the platform counts calls in points."""
        return SharedPoints(WarehouseHook().url, self.account)

    def setting(self, key: str) -> Any:
        """A value of the connection's extra that the platform cannot do without."""
        value = self.get_connection(self.conn_id).extra_dejson.get(key)
        if value in (None, ""):
            raise ConfigError(f'Connection {self.conn_id!r} has no {key!r} in extra; add it, as in {{"{key}": "…"}}.')
        return value

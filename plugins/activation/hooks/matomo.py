"""Matomo, from its Airflow connection."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.errors import ConfigError
from include.sources import matomo


class MatomoHook(PlatformHook):
    """
    ``matomo_default``: host the installation's URL, password a ``token_auth`` of a user who may view the sites (made
    for secure requests only, if wanted), extra ``{"site_ids": ["1", "2"]}``.
    """

    default_conn_name = "matomo_default"
    conn_type = "matomo"
    hook_name = "Matomo"

    @cached_property
    def client(self) -> Any:
        given = self.setting("site_ids")
        ids = [str(one) for one in (given if isinstance(given, list) else [given])]
        if not all(one.isdigit() for one in ids):
            raise ConfigError(f'Connection {self.conn_id!r}: site_ids are numbers; write {{"site_ids": ["1", "2"]}}.')
        return matomo.client(self.base_url, self.token, ids, limiter=self.limiter())

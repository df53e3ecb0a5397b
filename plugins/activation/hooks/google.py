"""Google's Data Manager API, from its Airflow connection."""

from functools import cached_property

import orjson

from activation.hooks.platform import PlatformHook
from include.conversions.google import GoogleConversions
from include.destinations.google import GoogleDestination
from include.destinations.google_api import RATES
from include.shared_limiter import SharedLimiter


class GoogleHook(PlatformHook):
    """
    ``google_default``: host ``https://datamanager.googleapis.com``, password the content of a service account's key
    file, extra ``{"account_id": "…", "customer_match_terms": "ACCEPTED"}``.

    Further extra: ``login_account_id`` (the manager account the service account is a user of), ``encoding`` (``HEX`` or
    ``BASE64``), ``validate`` (true: Google only validates what it gets), ``conversion_action_id`` (is told orders).
    """

    default_conn_name = "google_default"
    conn_type = "google_data_manager"
    hook_name = "Google"

    @cached_property
    def destination(self) -> GoogleDestination:
        extra = self.get_connection(self.conn_id).extra_dejson
        return GoogleDestination(
            self.base_url,
            self.token,
            str(self.setting("account_id")),
            terms=extra.get("customer_match_terms", ""),
            login_account_id=extra.get("login_account_id"),
            encoding=extra.get("encoding", "HEX"),
            validate=bool(extra.get("validate", False)),
            limiter=self._limiter(),
        )

    @cached_property
    def conversions(self) -> GoogleConversions | None:
        """What tells orders to the conversion action; None when the connection names none."""
        extra = self.get_connection(self.conn_id).extra_dejson
        if not extra.get("conversion_action_id"):
            return None
        return GoogleConversions(
            self.base_url,
            self.token,
            str(self.setting("account_id")),
            str(extra["conversion_action_id"]),
            login_account_id=extra.get("login_account_id"),
            encoding=extra.get("encoding", "HEX"),
            limiter=self._limiter(),
        )

    def _limiter(self) -> SharedLimiter:
        return self.limiter(RATES)

    @property
    def account(self) -> str:
        """Google counts by Cloud project, which the key names; without a key by account, as everywhere."""
        try:
            project = orjson.loads(self.token).get("project_id")
        except (orjson.JSONDecodeError, AttributeError):
            project = None
        return f"google {project}" if project else super().account

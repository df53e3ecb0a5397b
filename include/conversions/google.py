"""Google Ads conversions through the Data Manager API: orders as offline conversion events of one action.

Sources: Data Manager API v1, discovery document of 2026-11-06 (``events:ingest``, at most 2,000 events a request);
guide "Conversion adjustments" (read 2026-11): an event with the transaction id of one the action has restates its
value, which is how a return is told; the API has no retraction of its own, so an order that came back whole is restated
to 0. Without a click the buyer names the conversion (enhanced conversions for leads): Google Ads takes those up to 63
days after the click, hence no order older than that, and changes of a value up to 55 days.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from include.conversions.base import Order
from include.destinations import google as audiences
from include.destinations import google_api as api
from include.destinations.base import Answer
from include.limits import Limiter

MAX_EVENTS = 2_000  # the vendor's maximum a request
ROUNDS = 25  # a refusal names a hundred records
SOURCES = {"shopify.orders": "WEB"}  # the rest: sold elsewhere
HAS_IT = frozenset({"PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID"})


class GoogleConversions:
    """One conversion action of one Google Ads account.

    :param secret: a service account's key file, or an access token.
    :param action_id: of the conversion action (kind: import, from clicks).
    """

    name = "google"
    batch_size = MAX_EVENTS
    max_age = timedelta(days=63)
    max_restate_age = timedelta(days=55)

    def __init__(
        self,
        base_url: str,
        secret: str,
        account_id: str,
        action_id: str,
        *,
        login_account_id: str | None = None,
        encoding: audiences.Encoding = "HEX",
        tries: int = 5,
        limiter: Limiter | None = None,
    ) -> None:
        self.action_id = action_id
        self._destination = api.Account(account_id, login_account_id).destination(action_id)
        self._encoding = encoding
        self._client = api.make_client(base_url, secret, tries=tries, limiter=limiter)

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """As an audience names a person."""
        return audiences.identify(person)

    def tell(self, orders: Sequence[Order], at: datetime) -> Answer:
        """Tell orders, each with its buyer's consent.

        :raises FatalError: the action, the account or its terms are not in order.
        """
        body = {"destinations": [self._destination], "encoding": self._encoding, "validateOnly": False}
        records = {order.row: self._event(order, at) for order in orders}
        answer, refused = api.send(self._client, "/v1/events:ingest", body, "events", records, rounds=ROUNDS)
        return Answer(api.refusals(refused, "rejected"), job_id=answer.job_id, request_id=answer.request_id)

    def confirm(self, job_id: str) -> Answer | None:
        """What became of a request; an order Google has already counts as confirmed."""
        return api.result(self._client, job_id, "rejected", HAS_IT)

    def _event(self, order: Order, at: datetime) -> dict[str, Any]:
        return {
            "transactionId": order.transaction_id,
            "eventTimestamp": _utc(order.ordered_at),
            **({"lastUpdatedTimestamp": _utc(at)} if order.restated else {}),
            "userData": audiences.user_data(order.identifiers, self._encoding),
            "consent": api.GRANTED,
            "currency": order.currency,
            "conversionValue": float(order.value),
            "eventSource": SOURCES.get(order.stream, "OTHER"),
        }


def _utc(at: datetime) -> str:
    """RFC 3339 in UTC: ``2026-11-21T09:30:00.000Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""What tells orders to an ads platform: a few declared facts and two calls that may be repeated without harm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from include.destinations.base import Answer


@dataclass(frozen=True)
class Order:
    """One order in a call.

    :param row: position within the batch, from 0; an answer names orders by it.
    :param transaction_id: what the platform tells orders apart by; the same for each time an order is told.
    :param value: in units of the currency, returns taken off; never below 0.
    :param restated: the platform has the order with another value.
    :param identifiers: of the buyer, as they go over the wire.
    """

    row: int
    transaction_id: str
    stream: str
    ordered_at: datetime
    value: Decimal
    currency: str
    restated: bool
    identifiers: Mapping[str, str]


class Conversions(Protocol):
    """A platform's conversion action. Constructors do no I/O."""

    name: str
    action_id: str
    batch_size: int  # orders a call, the vendor's maximum
    max_age: timedelta  # of an order, by the platform's documentation: an older one is not told
    max_restate_age: timedelta  # of an order whose value may still be changed

    def identify(self, person: Mapping[str, object]) -> dict[str, str] | None:
        """What is sent to name the buyer, by column; None when no identifier can be used here."""
        ...

    def tell(self, orders: Sequence[Order], at: datetime) -> Answer:
        """Tell the orders; one the platform has already is not counted twice. ``at`` is now, in UTC."""
        ...

    def confirm(self, job_id: str) -> Answer | None:
        """What became of the orders of an earlier call, or None while the platform still works on it."""
        ...

"""Plain companies and deals as the merchant's HubSpot keeps them; its contacts are in `merchant_renderings`."""

from datetime import date, datetime
from typing import Any

from include.standins.merchant_renderings import iso_ms, ms
from include.standins.store import Document

WON, LOST = "closedwon", "closedlost"


def company(number: int, name: str, *, created: datetime, changed: datetime, **more: str | None) -> Document:
    """A company; ``more`` are properties by their names (``domain``, ``industry``, ``numberofemployees``)."""
    return _document(number, {"name": name, **more}, created, changed)


def deal(
    number: int,
    name: str,
    *,
    stage: str,
    amount: float | None,
    closes_on: date,
    created: datetime,
    changed: datetime,
    currency: str | None = None,
) -> Document:
    """A deal of the default pipeline; the stages ``closedwon`` and ``closedlost`` close it."""
    properties = {
        "dealname": name,
        "pipeline": "default",
        "dealstage": stage,
        "amount": None if amount is None else f"{amount:g}",
        "deal_currency_code": currency,
        "closedate": f"{closes_on.isoformat()}T12:00:00.000Z",
        "hs_is_closed": str(stage in (WON, LOST)).lower(),
        "hs_is_closed_won": str(stage == WON).lower(),
    }
    return _document(number, properties, created, changed)


def _document(number: int, properties: dict[str, Any], created: datetime, changed: datetime) -> Document:
    held = {
        "hs_object_id": str(number),
        "createdate": iso_ms(created),
        "hs_lastmodifieddate": iso_ms(changed),
        **properties,
    }
    body = {
        "id": str(number),
        "properties": held,
        "createdAt": iso_ms(created),
        "updatedAt": iso_ms(changed),
        "archived": False,
    }
    return Document(str(number), body, ms(created), ms(changed))

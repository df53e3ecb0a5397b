"""Plain visits as the documents of Matomo's stand-in, in the shape that Live.getLastVisitsDetails answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Act:
    """Something done in a visit.

    :param after: seconds from the visit's beginning.
    :param kind: Matomo's word: ``action`` (a page), ``search``, ``goal``, ``download``, ``outlink``, ``event``.
    :param what: the page's URL, the words searched for, or the goal's name.
    """

    after: int
    kind: str = "action"
    what: str = "https://shop.example/"
    revenue: float | None = None


@dataclass(frozen=True)
class Visit:
    """One visit to one site.

    :param visitor: 16 hexadecimal digits that name the browser; None: the site keeps no visits log.
    :param user: what the site calls the person who is logged in.
    """

    number: int
    site: int
    began_at: datetime
    acts: Sequence[Act] = field(default_factory=lambda: (Act(0),))
    visitor: str | None = "00000000000000aa"
    user: str | None = None
    referrer: tuple[str, str, str] = ("direct", "", "")  # type, name, URL
    country: str = "de"
    count: int = 1


def kind_of(site: int | str) -> str:
    """The kind of documents that a site's visits are."""
    return f"visit:{site}"


def visit(plain: Visit) -> dict[str, Any]:
    """The document (kind ``kind_of(plain.site)``) of a visit. Archived, it is one that was deleted."""
    began = int(plain.began_at.timestamp())
    ended = began + max(act.after for act in plain.acts)
    kinds = [act.kind for act in plain.acts]
    referrer_type, referrer_name, referrer_url = plain.referrer
    body = {
        "idSite": str(plain.site),
        "idVisit": str(plain.number),
        "visitIp": "203.0.113.7",
        "visitorId": plain.visitor or False,
        "fingerprint": f"f{plain.number:015}",
        "actionDetails": [_action(act, began) for act in plain.acts],
        "goalConversions": str(kinds.count("goal")),
        "siteCurrency": "EUR",
        "siteCurrencySymbol": "€",
        "serverTimestamp": ended,
        "firstActionTimestamp": began,
        "lastActionTimestamp": ended,
        "siteName": "Shop",
        "userId": plain.user,
        "visitorType": "returning" if plain.count > 1 else "new",
        "visitCount": str(plain.count),
        "visitEcommerceStatus": "none",
        "visitDuration": str(ended - began),
        "searches": str(kinds.count("search")),
        "actions": str(len([kind for kind in kinds if kind != "goal"])),
        "events": str(kinds.count("event")),
        "referrerType": referrer_type,
        "referrerName": referrer_name,
        "referrerKeyword": None,
        "referrerUrl": referrer_url,
        "languageCode": "de",
        "deviceType": "Desktop",
        "operatingSystemName": "GNU/Linux",
        "browserName": "Firefox",
        "countryCode": plain.country,
        "latitude": "52.520000",
        "longitude": "13.405000",
    }
    return {
        "id": str(plain.number),
        "body": body,
        "changed_at": ended * 1000,
        "created_at": began * 1000,
    }


def _action(act: Act, began: int) -> dict[str, Any]:
    action: dict[str, Any] = {"type": act.kind, "timestamp": began + act.after, "timeSpent": "0"}
    if act.kind == "goal":
        revenue = None if act.revenue is None else f"{act.revenue:g}"
        return {**action, "goalId": "1", "goalName": act.what, "revenue": revenue}
    if act.kind == "search":
        return {**action, "url": None, "siteSearchKeyword": act.what}
    return {**action, "url": act.what, "pageTitle": "A page"}

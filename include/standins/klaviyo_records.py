"""Plain records as Klaviyo's documents: what tests and the merchant put into the stand-in's store."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from include.standins.klaviyo_profiles import subscriptions


def profile(
    id: str,
    email: str | None,
    *,
    created_at: datetime,
    updated_at: datetime,
    consent: str = "NEVER_SUBSCRIBED",
    consent_at: datetime | None = None,
    suppressed: Sequence[tuple[str, datetime]] = (),
    left: Mapping[str, datetime] | None = None,
    **attributes: Any,
) -> list[tuple[str, dict[str, Any]]]:
    """``(kind, document)`` of a profile, and of its address.

    :param consent: SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED, of e-mail marketing.
    :param suppressed: reasons why nobody may write to the address at all, with their times; ``left``: likewise by list.
    :param attributes: of the profile, as in ``first_name`` or ``location``.
    """
    said = subscriptions(consent, at=consent_at)
    marketing = said["email"]["marketing"]
    if suppressed:
        marketing["suppression"] = [{"reason": why, "timestamp": at.isoformat()} for why, at in suppressed]
        marketing["can_receive_email_marketing"] = False
    marketing["list_suppressions"] = [
        {"list_id": list_id, "reason": "UNSUBSCRIBE", "timestamp": at.isoformat()}
        for list_id, at in (left or {}).items()
    ]
    times = {"created_at": _ms(created_at), "changed_at": _ms(updated_at)}
    document = {"id": id, "body": {"email": email, **attributes, "_subscriptions": said}, **times}
    if email is None:
        return [("profile", document)]
    return [("profile", document), ("address", {"id": email.lower(), "body": {"profile": id}, **times})]


def event(id: str, metric: str, profile_id: str, at: datetime, **properties: Any) -> list[tuple[str, dict[str, Any]]]:
    """``(kind, document)`` of an event, and of its metric by name."""
    metric_id = hashlib.md5(metric.encode(), usedforsecurity=False).hexdigest()[:6]
    body = {"metric": metric_id, "profile": profile_id, "properties": properties}
    made = {"id": id, "body": body, "created_at": _ms(at), "changed_at": _ms(at)}
    return [("event", made), ("metric", {"id": metric_id, "body": {"name": metric}, "changed_at": 0, "created_at": 0})]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)

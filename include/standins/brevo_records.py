"""Plain records as Brevo's documents: what tests and the merchant put into the stand-in's store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from include.standins.brevo_core import shown_time


def contact(
    number: int,
    email: str,
    *,
    created_at: datetime,
    modified_at: datetime,
    blacklisted: bool = False,
    sms_blacklisted: bool = False,
    left: Sequence[int] = (),
    lists: Sequence[int] = (),
    **attributes: Any,
) -> list[tuple[str, dict[str, Any]]]:
    """``(kind, document)`` of a contact, of its address, and of its place on each list.

    :param left: lists the contact unsubscribed from.
    :param attributes: by their names, as in ``FIRSTNAME``.
    """
    body = {
        "id": number,
        "email": email,
        "emailBlacklisted": blacklisted,
        "smsBlacklisted": sms_blacklisted,
        "attributes": attributes,
        "listIds": list(lists),
        "_left": list(left),
    }
    times = {"created_at": _ms(created_at), "changed_at": _ms(modified_at)}
    return [
        ("contact", {"id": str(number), "body": body, **times}),
        ("address", {"id": email.lower(), "body": {"contact": number}, **times}),
        *((f"members:{one}", {"id": str(number), "body": {}, **times}) for one in lists),
    ]


def event(
    number: int, kind: str, email: str, at: datetime, *, message: str = "<1@relay.example>", **more: Any
) -> list[tuple[str, dict[str, Any]]]:
    """``(kind, document)`` of something that happened to an e-mail.

    :param kind: as the platform calls it: ``opened``, ``clicks``, ``hardBounces``, …
    :param more: ``link``, ``reason``, ``tag``, ``subject``, ``ip``, ``from``, ``templateId``.
    """
    body = {"email": email, "date": shown_time(_ms(at)), "messageId": message, "event": kind, **more}
    return [("email_event", {"id": str(number), "body": body, "created_at": _ms(at), "changed_at": _ms(at)})]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)

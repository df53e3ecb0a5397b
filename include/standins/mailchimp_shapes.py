"""Mailchimp's documents as the stand-in keeps them, and how to make complete ones.

The generated merchant fills the store with these; the stand-in's endpoints read and change them. Kinds:

========================  ======================  ============================================================
kind                      id                      body
========================  ======================  ============================================================
``list``                  list id                 ``list_body``
``member:<list id>``      md5 of the address      ``member_body``; archived flag = status "archived"
``segment:<list id>``     number, as text         ``segment_body`` (a tag is a static segment)
``merge_field:<list id>`` number, as text         ``merge_field_body``
``campaign``              campaign id             ``campaign_body``; created_at = send time
``activity:<campaign>``   md5 of the address      ``activity_body``, one a recipient, also without activity
========================  ======================  ============================================================

A tag of a member is ``{"id": <segment id>, "name": …}`` in the member's ``tags``; the segment's document must exist.
``changed_at`` of a member's document is its ``last_changed``. Setting ``mailchimp.list_id`` names the merchant's list.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

BY_ADMIN = "N/A (Unsubscribed by an admin)"  # what the platform notes when the API unsubscribes somebody


def member_id(address: str) -> str:
    """MD5 of the lower-cased address: the platform's id of a member on every list."""
    return hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()


def stamp(ms: int) -> str:
    """Epoch milliseconds as the platform writes times: ISO 8601, whole seconds, UTC."""
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat()


def list_body(
    list_id: str, name: str, *, created_ms: int, permissions: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """A list. ``permissions`` are its marketing permissions: ``{"marketing_permission_id": …, "text": …}``."""
    return {
        "id": list_id,
        "web_id": int(member_id(list_id)[:7], 16),
        "name": name,
        "contact": {
            "company": name,
            "address1": "1 Example Street",
            "address2": "",
            "city": "Example",
            "state": "",
            "zip": "00000",
            "country": "NL",
            "phone": "",
        },
        "permission_reminder": "You signed up in our shop.",
        "use_archive_bar": False,
        "campaign_defaults": {
            "from_name": name,
            "from_email": "shop@merchant.example",
            "subject": "",
            "language": "en",
        },
        "notify_on_subscribe": "",
        "notify_on_unsubscribe": "",
        "date_created": stamp(created_ms),
        "list_rating": 4,
        "email_type_option": False,
        "visibility": "prv",
        "double_optin": False,
        "has_welcome": False,
        "marketing_permissions": bool(permissions),
        "modules": [],
        "_permissions": [dict(one) for one in permissions],  # not the platform's: what a member can be asked
    }


_NOWHERE = {"latitude": 0, "longitude": 0, "gmtoff": 0, "dstoff": 0, "country_code": "", "timezone": "", "region": ""}


def member_body(
    list_id: str,
    address: str,
    *,
    status: str,
    changed_ms: int,
    signed_up_ms: int | None = None,
    merge_fields: Mapping[str, Any] | None = None,
    language: str = "",
    email_client: str = "",
    country_code: str = "",
    timezone: str = "",
    open_rate: float = 0.0,
    click_rate: float = 0.0,
    rating: int = 2,
    source: str = "API - Generic",
    unsubscribe_reason: str | None = None,
    permissions: Sequence[Mapping[str, Any]] = (),
    tags: Sequence[Mapping[str, Any]] = (),
    ip: str = "",
) -> dict[str, Any]:
    """A member, with every field the platform shows.

    :param address: spelling as the person typed it; the id is made of its lower-cased form.
    :param status: subscribed, unsubscribed, cleaned, pending, transactional or archived.
    :param unsubscribe_reason: of an unsubscribed member; anything but ``BY_ADMIN`` means they left themselves, and
        the platform will not let the API subscribe them again.
    :param permissions: ``{"marketing_permission_id": …, "text": …, "enabled": bool}`` each.
    """
    merge = {"FNAME": "", "LNAME": "", "PHONE": "", **(merge_fields or {})}
    id = member_id(address)
    signed_up = stamp(signed_up_ms if signed_up_ms is not None else changed_ms)
    left = {"unsubscribe_reason": "None given" if unsubscribe_reason is None else unsubscribe_reason}
    return {
        "id": id,
        "email_address": address,
        "unique_email_id": id[:10],
        "contact_id": id,
        "full_name": f"{merge['FNAME']} {merge['LNAME']}".strip(),
        "web_id": int(id[:7], 16),
        "email_type": "html",
        "status": status,
        "consents_to_one_to_one_messaging": True,
        "merge_fields": merge,
        "interests": {},
        "stats": {"avg_open_rate": open_rate, "avg_click_rate": click_rate},
        **{"ip_signup": ip, "timestamp_signup": signed_up, "ip_opt": ip, "timestamp_opt": signed_up},
        "member_rating": rating,
        "last_changed": stamp(changed_ms),
        "language": language,
        "vip": False,
        "email_client": email_client,
        "location": {**_NOWHERE, "country_code": country_code, "timezone": timezone},
        "marketing_permissions": [dict(one) for one in permissions],
        "source": source,
        "tags_count": len(tags),
        "tags": [dict(one) for one in tags],
        "list_id": list_id,
        **(left if status == "unsubscribed" else {}),
    }


def segment_body(list_id: str, segment_id: int, name: str, *, created_ms: int) -> dict[str, Any]:
    """A static segment, which is what the platform's screens call a tag. Its members are those with the tag."""
    return {
        "id": segment_id,
        "name": name,
        "type": "static",
        "created_at": stamp(created_ms),
        "updated_at": stamp(created_ms),
        "options": {"match": "any", "conditions": []},
        "list_id": list_id,
    }


def merge_field_body(list_id: str, merge_id: int, tag: str, name: str, *, type: str = "text") -> dict[str, Any]:
    """A merge field beyond the platform's own FNAME, LNAME, ADDRESS, PHONE and BIRTHDAY."""
    return {
        "merge_id": merge_id,
        "tag": tag,
        "name": name,
        "type": type,
        "required": False,
        "default_value": "",
        "public": False,
        "display_order": merge_id,
        "options": {"size": 25},
        "help_text": "",
        "list_id": list_id,
    }


def campaign_body(
    campaign_id: str, list_id: str, list_name: str, subject: str, *, sent_ms: int, recipients: int
) -> dict[str, Any]:
    """A sent campaign. Its report is computed from its activity."""
    return {
        "id": campaign_id,
        "web_id": int(member_id(campaign_id)[:7], 16),
        "type": "regular",
        "create_time": stamp(sent_ms - 3_600_000),
        "send_time": stamp(sent_ms),
        "status": "sent",
        "emails_sent": recipients,
        "content_type": "template",
        "recipients": {
            "list_id": list_id,
            "list_is_active": True,
            "list_name": list_name,
            "segment_text": "",
            "recipient_count": recipients,
        },
        "settings": {
            "subject_line": subject,
            "title": subject,
            "from_name": list_name,
            "reply_to": "shop@merchant.example",
        },
    }


def activity_body(campaign_id: str, list_id: str, address: str, actions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What one recipient did with one campaign.

    :param actions: oldest first, ``{"action": "open" | "click" | "bounce", "timestamp": "…", "ip": "…"}``; a click
        has ``url``, a bounce ``type`` ("hard" or "soft").
    """
    return {
        "campaign_id": campaign_id,
        "list_id": list_id,
        "list_is_active": True,
        "email_id": member_id(address),
        "email_address": address,
        "activity": [dict(one) for one in actions],
    }

"""Who must be in which audience: computed from the merchant's truth alone, in plain Python.

Nothing here reads the warehouse or shares code with it. Rules are written down again from what they promise: persons
by union-find over clean identifiers, golden values, consent by identifier, traits, segments. A difference between this
and the platforms' members is a fault of one of the two, and each is simple enough to find out whose.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tests.oracle_persons import Order, Person, agrees, consents, persons
from tests.oracle_segments import Traits

LEFT = {"unsubscribed", "cleaned", "archived"}

MAILCHIMP = {
    "cart-abandoners": "cart_abandoners",
    "champions": "champions",
    "engaged-readers": "engaged_readers",
    "home-market": "home_market",
    "lapsed-high-value": "lapsed_high_value",
    "mobile-readers": "mobile_readers",
    "new-customers": "new_customers",
    "outdoor-fans": "outdoor_fans",
    "prospects": "prospects",
    "winback": "winback_by_mail",
}
META = {
    "adults-25-40": "adults_25_to_40",
    "cart-abandoners": "cart_abandoners",
    "champions": "champions",
    "lapsed-high-value": "lapsed_high_value",
    "outdoor-fans": "outdoor_fans",
    "recent-buyers": "recent_buyers",
    "repeat-buyers": "repeat_buyers",
    "weekend-evening-shoppers": "weekend_evening_shoppers",
}
KLAVIYO = {"cart-abandoners": "cart_abandoners", "prospects": "prospects"}
HUBSPOT = {"champions": "champions", "lapsed-high-value": "lapsed_high_value"}
BREVO = {"engaged-readers": "engaged_readers", "new-customers": "new_customers"}
# Who is in them is named by an address.
ADDRESSED = {"mailchimp": MAILCHIMP, "klaviyo": KLAVIYO, "hubspot": HUBSPOT, "brevo": BREVO}
TIKTOK = {"adults-25-40": "adults_25_to_40", "outdoor-fans": "outdoor_fans"}
GOOGLE = {"recent-buyers": "recent_buyers", "repeat-buyers": "repeat_buyers"}
EACH_BY_ITSELF = ("google", "tiktok")  # they hold identifiers and do not tell which of them came together


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def expected(truth: Mapping[str, Any], as_of: date) -> dict[str, dict[str, set[Any]]]:
    """By platform and audience: addresses, or pairs of hashes (e-mail, phone; or empty) at Meta and Google."""
    people, said = persons(truth), consents(truth)
    members = Traits(people, as_of).segments()
    gone = {"mailchimp": _left_the_list(truth), "hubspot": _deleted_contacts(truth), "klaviyo": set(), "brevo": set()}
    by_address = {
        platform: {
            audience: {
                address
                for i in members[name]
                if agrees(people[i], "email", said)
                and (address := people[i].golden["email"])
                and address not in gone[platform]
            }
            for audience, name in audiences.items()
        }
        for platform, audiences in ADDRESSED.items()
    }
    by_hash = {
        audience: {pair for i in members[name] if agrees(people[i], "ads", said) and any(pair := _hashes(people[i]))}
        for audience, name in META.items()
    }
    at_google = {
        audience: {
            pair for i in members[name] if agrees(people[i], "ads", said) and any(pair := _google_hashes(people[i]))
        }
        for audience, name in GOOGLE.items()
    }
    at_tiktok = {
        audience: {
            pair for i in members[name] if agrees(people[i], "ads", said) and any(pair := _tiktok_hashes(people[i]))
        }
        for audience, name in TIKTOK.items()
    }
    return {**by_address, "meta": by_hash, "google": at_google, "tiktok": at_tiktok}


def conversions(truth: Mapping[str, Any], at: datetime, *, young: timedelta) -> dict[str, float]:
    """By transaction id, the value in units of its currency of every order that Google is told.

    Purchases younger than ``young`` of people who agree to ads and have an address or a number; the person who bought
    the most of an order is its buyer.
    """
    said = consents(truth)
    parts: dict[str, list[tuple[Order, bool]]] = {}
    for person in persons(truth):
        named = agrees(person, "ads", said) and any(_google_hashes(person))
        for order in person.orders:
            if order.is_purchase:
                parts.setdefault(order.id, []).append((order, named))
    found: dict[str, float] = {}
    for id, shares in parts.items():
        _, named = max(shares, key=lambda share: share[0].sold)
        if named and at - young <= min(order.at for order, _ in shares) <= at:
            found[id] = max(0, sum(order.total for order, _ in shares)) / 100
    return found


def _left_the_list(truth: Mapping[str, Any]) -> set[str]:
    rows = [row for row in truth["streams"]["mailchimp.members"] if "email" in row["ids"]]
    return {row["ids"]["email"] for row in rows if row.get("d") or row.get("status") in LEFT}


def _deleted_contacts(truth: Mapping[str, Any]) -> set[str]:
    """Addresses of contacts that somebody deleted, and that no other contact has."""
    rows = [row for row in truth["streams"]["hubspot.contacts"] if "email" in row["ids"]]
    return {row["ids"]["email"] for row in rows if row.get("d")} - {
        row["ids"]["email"] for row in rows if not row.get("d")
    }


def _hashes(person: Person) -> tuple[str, str]:
    email, phone = person.golden["email"], person.golden["phone"]
    return sha256(email) if email else "", sha256(phone.removeprefix("+")) if phone else ""


def _google_hashes(person: Person) -> tuple[str, str]:
    email, phone = person.golden["email"], person.golden["phone"]
    if email and email.endswith(("@gmail.com", "@googlemail.com")):
        local, _, domain = email.partition("@")
        email = f"{local.split('+')[0].replace('.', '')}@{domain}"
    return sha256(email) if email else "", sha256(f"+{phone.removeprefix('+')}") if phone else ""


def _tiktok_hashes(person: Person) -> tuple[str, str]:
    email, phone = person.golden["email"], person.golden["phone"]
    return sha256(email) if email else "", sha256(f"+{phone.removeprefix('+')}") if phone else ""


def held(members: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, set[Any]]]:
    """What the platforms hold, in the form of `expected` (at Google and TikTok: the hashes of all pairs).

    :param members: by platform as the stand-ins tell it.
    """
    return {
        **{
            platform: {audience: set(found) for audience, found in members[platform].items()} for platform in ADDRESSED
        },
        "meta": {
            audience: {(user.get("EMAIL", ""), user.get("PHONE", "")) for user in found}
            for audience, found in members["meta"].items()
        },
        **{
            platform: {
                audience: {one[key] for one in found for key in ("EMAIL", "PHONE") if key in one}
                for audience, found in members[platform].items()
            }
            for platform in EACH_BY_ITSELF
        },
    }


def differences(truth: Mapping[str, Any], members: Mapping[str, Any], as_of: date) -> dict[str, tuple[int, int]]:
    """By ``platform audience``: how many are missing at the platform, and how many are there and must not be."""
    wanted, found = expected(truth, as_of), held(members)
    differing = {}
    for platform, audiences in wanted.items():
        for audience in audiences.keys() | found[platform].keys():
            should, does = audiences.get(audience, set()), found[platform].get(audience, set())
            if platform in EACH_BY_ITSELF:
                should = {value for pair in should for value in pair if value}
            if should != does:
                differing[f"{platform} {audience}"] = (len(should - does), len(does - should))
    return differing

"""What was said to platforms, held against what the merchant knows: whom nobody may name, which orders were told."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from include.standins.request_log import Recorded
from tests import oracle
from tests.oracle_persons import Identifier, Person

PURPOSES = {
    "email": ("mailchimp", "klaviyo", "hubspot", "brevo", "webhook"),
    "ads": ("meta", "google", "tiktok"),
}
_TOKEN = re.compile(r"[^\s\"'<>,;:()\[\]{}&=/\\]+@[^\s\"'<>,;:()\[\]{}&=/\\]+|\b[0-9a-f]{64}\b|\+?\d{9,15}")


def forms(identifiers: Iterable[Identifier]) -> set[str]:
    """Everything an address or a number can be sent as."""
    found: set[str] = set()
    for kind, value in identifiers:
        if kind == "email":
            plain = {value, _at_google(value)}
        elif kind == "phone":
            plain = {value, value.removeprefix("+"), "+" + value.removeprefix("+")}
        else:
            continue
        found |= plain | {oracle.sha256(one) for one in plain}
    return found


def _at_google(address: str) -> str:
    local, _, domain = address.partition("@")
    if domain not in ("gmail.com", "googlemail.com"):
        return address
    return f"{local.split('+')[0].replace('.', '')}@{domain}"


def unnameable(purpose: str, *truths: Mapping[str, Any]) -> set[str]:
    """All forms of identifiers that nobody carries who agreed to the purpose in one of these truths."""
    agreed: set[str] = set()
    known: set[str] = set()
    for truth in truths:
        said = oracle.consents(truth)
        for person in oracle.persons(truth):
            found = forms(_all(person))
            known |= found
            agreed |= found if oracle.agrees(person, purpose, said) else set()
    return known - agreed


def _all(person: Person) -> set[Identifier]:
    return {(kind, value) for kind, value in person.identifiers if kind in ("email", "phone")}


def named(requests: Sequence[Recorded], purpose: str) -> Counter[str]:
    """Addresses, numbers and hashes in all that the platforms of a purpose were asked."""
    found: Counter[str] = Counter()
    for one in requests:
        if one.platform in PURPOSES[purpose]:
            text = f"{unquote(one.path)} {unquote(one.query)} {one.body.decode(errors='replace')}"
            found.update(word.lower() for word in _TOKEN.findall(text))
    return found


def orders_told(requests: Sequence[Recorded]) -> Counter[tuple[str, float]]:
    """How often Google took each order with each value, in a call whose answer was given."""
    found: Counter[tuple[str, float]] = Counter()
    for one in requests:
        answered = one.applied and one.status == 200
        if one.path.endswith("events:ingest") and answered:
            found.update(
                (event["transactionId"], event["conversionValue"]) for event in orjson.loads(one.body)["events"]
            )
    return found


def doubled_events(requests: Sequence[Recorded]) -> Counter[tuple[str, str]]:
    """By audience and person, how often a webhook was told that somebody came in who was in already.

    A batch under an id that was told before is the same batch: the receiver does nothing.
    """
    doubled: Counter[tuple[str, str]] = Counter()
    there: set[tuple[str, str]] = set()
    seen: set[str] = set()
    for one in requests:
        if one.platform != "webhook" or one.method != "POST" or not one.applied or one.headers["webhook-id"] in seen:
            continue
        seen.add(one.headers["webhook-id"])
        event = orjson.loads(one.body)
        for member in event["data"].get("members", ()):
            who = (event["data"]["audience"], orjson.dumps(member["identifiers"], option=orjson.OPT_SORT_KEYS).decode())
            if event["type"].endswith("added"):
                doubled[who] += who in there
                there.add(who)
            elif event["type"].endswith("removed"):
                there.discard(who)
    return +doubled

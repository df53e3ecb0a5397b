"""What people buy, return, and leave in the cart: in the web shop, as guests, and at the tills.

A buyer's group decides how often and how long ago; hour and weekday follow the person's habit on the shop's clock
(Europe/Berlin). Nothing lies at or after midnight UTC of ``today``: later things belong to later days.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from include.standins.merchant_people import Group, Person, Record, source_for, start_of
from include.standins.merchant_records import SHOPIFY, typed_email, typed_phone
from include.standins.merchant_world import GOODS, TILL_STOPGAP, Good

CLOCK = ZoneInfo("Europe/Berlin")
ORDERS, TILL, CHECKOUTS = "shopify.orders", "files.orders", "shopify.checkouts"
# How many orders, and between which days before today they lie.
HABITS: dict[Group, tuple[tuple[int, int], tuple[int, int]]] = {
    "vip": ((10, 24), (1, 720)),
    "loyal": ((5, 9), (1, 500)),
    "lapsed_high_value": ((4, 9), (95, 358)),
    "occasional": ((2, 4), (1, 600)),
    "one_timer": ((1, 1), (1, 700)),
    "new": ((1, 2), (1, 28)),
    "prospect": ((0, 0), (1, 2)),
}
RETURN_SHARE, BAD_SHARE = 0.09, 0.004
TILL_FAULTS = ("missing_key", "unreadable_quantity", "unreadable_time", "unknown_currency")


@dataclass(frozen=True)
class Line:
    """A line of an order: ``cents`` is the price of one, after discount."""

    good: Good
    quantity: int
    cents: int


@dataclass(frozen=True)
class Purchase:
    """One order of the shop, or one receipt of a till (there a return is a receipt of its own, ``quantity`` negative).

    :param refund: when it came back and which lines (position, quantity); shop only.
    :param customer: the shop account it was placed under; None for a guest.
    """

    stream: Literal["shopify.orders", "files.orders", "woocommerce.orders"]
    key: str
    person: int
    at: datetime
    changed: datetime
    lines: tuple[Line, ...]
    ids: dict[str, str]
    customer: str | None
    email_typed: str | None
    phone_typed: str | None
    country: str
    place: tuple[str, str, str]
    name: tuple[str, str]
    refund: tuple[datetime, tuple[tuple[int, int], ...]] | None = None
    cancelled: bool = False
    bad: str | None = None


@dataclass(frozen=True)
class Cart:
    """A checkout that was begun and left; ``completed``: when it was recovered."""

    key: str
    person: int
    at: datetime
    changed: datetime
    lines: tuple[Line, ...]
    ids: dict[str, str]
    customer: str | None
    completed: datetime | None


def purchases_of(person: Person, records: list[Record], seed: int, today: date) -> Iterator[Purchase]:
    """Everything the person ever bought before ``today``; till returns follow their sale."""
    rng = source_for(seed, "orders", person.no)
    (least, most), (near, far) = HABITS[person.group]
    age = max(2, (start_of(today) - person.since).days)
    days = [rng.randrange(near, max(near + 1, min(far, age) + 1)) for _ in range(rng.randint(least, most))]
    if person.group == "lapsed_high_value" and rng.random() < 0.08:
        days[0] = 89  # tomorrow these have lapsed
    elif person.group in ("vip", "loyal"):
        days[0] = rng.randrange(1, 40)
    for number, ago in enumerate(days):
        at = moment(person, today, ago, rng, exact=ago == 89)
        yield from purchase(person, records, number, at, rng, start_of(today))


def moment(person: Person, today: date, days_ago: int, rng: Random, *, exact: bool = False) -> datetime:
    """A time on the shop's clock by the person's habits, at least so many days before ``today``."""
    day = today - timedelta(days=days_ago)
    if not exact and rng.random() < 0.55:
        day -= timedelta(days=(day.weekday() - person.weekday) % 7)
    hour = person.hour if rng.random() < 0.65 else rng.randrange(7, 23)
    local = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), CLOCK)
    return local.astimezone(start_of(today).tzinfo)


def basket(person: Person, rng: Random) -> tuple[Line, ...]:
    """One to four goods, more from the person's interests, dearer for those of high value."""
    rich = person.group in ("vip", "lapsed_high_value")
    liked = [good for good in GOODS if good.interest in person.interests] if rng.random() < 0.7 else []
    goods = rng.sample(liked or GOODS, min(len(liked or GOODS), rng.randrange(1, 4 + rich)))
    discounted = rng.random() < 0.15
    return tuple(
        Line(
            good,
            1 + (rng.random() < 0.15) + rich * (rng.random() < 0.3),
            good.cents * 9 // 10 if discounted else good.cents,
        )
        for good in goods
    )


def purchase(
    person: Person, records: list[Record], number: int, at: datetime, rng: Random, end: datetime
) -> Iterator[Purchase]:
    """The receipt or order number ``number`` of a person, with its return when that came before ``end``."""
    lines = basket(person, rng)
    accounts = [one for one in records if one.stream == SHOPIFY and not one.bad]
    at_till = rng.random() < (0.6 if person.loyalty else 0.05 if accounts else 0.15)
    returned = at + timedelta(days=rng.randrange(2, 20), seconds=rng.randrange(3600))
    comes_back = rng.random() < RETURN_SHARE and returned < end
    position = rng.randrange(len(lines))
    if at_till:
        sale = _receipt(person, number, at, lines, rng)
        yield sale
        if comes_back and sale.bad is None:
            back = replace(lines[position], quantity=-1)
            yield replace(sale, key=f"R{sale.key}", at=returned, changed=returned, lines=(back,))
        return
    order = _order(person, accounts, number, at, lines, rng)
    if comes_back and order.bad is None:
        whole = rng.random() < 0.12
        refunded = tuple((no, line.quantity) for no, line in enumerate(lines)) if whole else ((position, 1),)
        order = replace(order, changed=returned, refund=(returned, refunded), cancelled=whole)
    yield order


def _receipt(person: Person, number: int, at: datetime, lines: tuple[Line, ...], rng: Random) -> Purchase:
    """At the till people show a card, leave an address or a number, or nothing; assistants type a stopgap address."""
    chance = rng.random()
    loyalty = person.loyalty if person.loyalty and chance < 0.8 else None
    email = person.emails[0] if person.emails and (0.75 < chance < 0.95) else None
    phone = person.phone if person.phone and (chance > 0.9 or not person.emails) and not person.splits else None
    if not person.emails and chance < 0.7:
        email = TILL_STOPGAP
    bad = rng.choice(TILL_FAULTS) if rng.random() < BAD_SHARE else None
    typed = typed_email(email, rng) if email != TILL_STOPGAP else email
    return Purchase(
        TILL,
        f"{person.no:07d}{number:03d}",
        person.no,
        at,
        at,
        lines,
        _clean(email, phone, loyalty=loyalty),
        None,
        typed,
        typed_phone(phone, person, rng),
        person.country.code,
        person.place,
        (person.first_name, person.last_name),
        bad=bad,
    )


def _order(
    person: Person, accounts: list[Record], number: int, at: datetime, lines: tuple[Line, ...], rng: Random
) -> Purchase:
    """Under an account where there is one (nine in ten), else as a guest with an address, and a number at times."""
    account = rng.choice(accounts) if accounts and rng.random() < 0.9 else None
    email = (
        account.ids.get("email")
        if account
        else (person.emails[-1 if rng.random() < 0.5 else 0] if person.emails else None)
    )
    phone = person.phone if person.phone and not person.splits and (not email or rng.random() < 0.25) else None
    if email is None and phone is None and account is None:
        email = TILL_STOPGAP
    bad = "negative_price" if rng.random() < BAD_SHARE else None
    return Purchase(
        ORDERS,
        str(5_000_000_000 + person.no * 1000 + number),
        person.no,
        at,
        at,
        lines,
        _clean(email, phone, shopify_customer=account and account.key),
        account and account.key,
        typed_email(email, rng),
        phone,
        person.country.code,
        person.place,
        (person.first_name, person.last_name),
        bad=bad,
    )


def _clean(email: str | None, phone: str | None, **ids: str | None) -> dict[str, str]:
    return {name: value for name, value in {"email": email, "phone": phone, **ids}.items() if value}


def carts_of(person: Person, records: list[Record], seed: int, today: date) -> Iterator[Cart]:
    """At most one left checkout a person, mostly in the last days; a quarter was recovered later."""
    rng = source_for(seed, "carts", person.no)
    if rng.random() >= (0.12 if person.group == "prospect" else 0.07):
        return
    accounts = [one for one in records if one.stream == SHOPIFY and not one.bad]
    if not accounts:
        return
    at = moment(person, today, rng.choice((1, 1, 2, 2, 3, 4, 7, 15, 30)), rng, exact=True)
    yield cart(person, accounts[0], 1, at, rng, start_of(today))


def cart(person: Person, account: Record, number: int, at: datetime, rng: Random, end: datetime) -> Cart:
    """Checkout ``number`` of a person; recovered before ``end`` or not at all."""
    completed = at + timedelta(hours=rng.randrange(1, 20)) if rng.random() < 0.25 else None
    completed = completed if completed and completed < end else None
    return Cart(
        str(3_000_000_000 + person.no * 100 + number),
        person.no,
        at,
        completed or at + timedelta(minutes=3),
        basket(person, rng),
        {"shopify_customer": account.key},
        account.key,
        completed,
    )

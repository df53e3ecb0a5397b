"""The people of the invented merchant, and what each of its systems believes about them.

A person is never shown to anybody: systems hold `Record`s, each with its own spelling, its own gaps and its own date.
The same seed gives the same people in the same order; person ``no`` does not depend on how many there are.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Literal

from include.standins.merchant_world import (
    COUNTRIES,
    FIRMS,
    INTERESTS,
    MAIL_CLIENTS,
    MAIL_DOMAINS,
    ROLE_MAILBOXES,
    Country,
)

Group = Literal["vip", "loyal", "lapsed_high_value", "occasional", "one_timer", "new", "prospect"]
GROUPS: dict[Group, int] = {
    "vip": 4,
    "loyal": 12,
    "lapsed_high_value": 6,
    "occasional": 20,
    "one_timer": 30,
    "new": 8,
    "prospect": 20,
}
_SPELLING = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "é": "e",
        "è": "e",
        "ë": "e",
        "ï": "i",
        "ç": "c",
        "ł": "l",
        "Ł": "l",
        "\u0131": "i",
        "ş": "s",
        "Ş": "s",
        "á": "a",
        "í": "i",
        "ễ": "e",
        "É": "e",
        "Î": "i",
        "î": "i",
        "ô": "o",
        "ê": "e",
        "â": "a",
        "ó": "o",
        "ú": "u",
        " ": "",
        "'": "",
        "Ö": "oe",
        "Ü": "ue",
        "Ä": "ae",
    }
)


@dataclass(frozen=True)
class Record:
    """What one system holds about one person.

    ``ids`` are the clean identifiers as deterministic stitching may use them; ``email_typed`` and ``phone_typed`` are
    what stands in the system. Consents are (state, time) with state None for "never asked". Times in UTC.
    """

    stream: str
    key: str
    person: int
    created: datetime
    changed: datetime
    ids: dict[str, str] = field(default_factory=dict)
    email_typed: str | None = None
    phone_typed: str | None = None
    first_name: str = ""
    last_name: str = ""
    gender: str | None = None
    birth_on: date | None = None
    language: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    postcode: str | None = None
    interests: tuple[str, ...] = ()
    email_client: str | None = None
    email_consent: tuple[str | None, datetime | None] = (None, None)
    ads_consent: tuple[str | None, datetime | None] = (None, None)
    status: str = ""
    deleted: bool = False
    bad: str | None = None

    def place(self) -> tuple[str | None, str | None, str | None]:
        """City, region, postcode."""
        return self.city, self.region, self.postcode


@dataclass(frozen=True)
class Person:
    """One human: the truth. ``splits``: their systems share no identifier until a later day joins them."""

    no: int
    group: Group
    country: Country
    first_name: str
    last_name: str
    gender: str
    birth_on: date
    place: tuple[str, str, str]
    interests: tuple[str, ...]
    email_client: str
    emails: tuple[str, ...]
    phone: str | None
    loyalty: str | None
    since: datetime
    splits: bool
    hour: int
    weekday: int


def start_of(day: date) -> datetime:
    """Midnight in UTC."""
    return datetime.combine(day, time(), UTC)


class Source(Random):
    """A random source whose small draws are quick; the tiny bias of scaling does not matter to an invented merchant."""

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        low, high = (0, start) if stop is None else (start, stop)
        return low + int(self.random() * (high - low))

    def choice(self, seq: Sequence[Any]) -> Any:
        return seq[int(self.random() * len(seq))]


def source_for(seed: int, part: str, no: int) -> Random:
    """A random source that belongs to one person and one part of their life: parts do not disturb each other."""
    return Source((seed << 64) + (zlib.crc32(part.encode()) << 32) + no)


def people(customers: int, seed: int, today: date, *, first: int = 1) -> Iterator[Person]:
    """Yield ``customers`` persons, numbered from ``first``. A household's members follow each other."""
    house: Person | None = None
    for no in range(first, first + customers):
        rng = source_for(seed, "person", no)
        one = _person(no, rng, today)
        if house is not None and rng.random() < 0.04:
            one = replace(
                one,
                last_name=house.last_name,
                place=house.place,
                country=house.country,
                emails=(house.emails[0],),
                phone=one.phone and house.country.mobile(rng),
                splits=False,
            )
        house = one if one.emails and not _is_role(one.emails[0]) and not one.splits else None
        yield one


def _is_role(email: str) -> bool:
    return email.partition("@")[0] in ROLE_MAILBOXES


def _person(no: int, rng: Random, today: date) -> Person:
    country = rng.choices(COUNTRIES, [one.weight for one in COUNTRIES])[0]
    gender = rng.choices(("f", "m", "d"), (50, 48, 2))[0]
    first_name = rng.choice(country.women if gender == "f" or (gender == "d" and no % 2) else country.men)
    last_name = rng.choice(country.surnames)
    group = rng.choices(tuple(GROUPS), tuple(GROUPS.values()))[0]
    age_days = rng.randrange(3, 30) if group == "new" else rng.randrange(400, 1300)
    interests = tuple(sorted(rng.sample(INTERESTS, rng.randrange(1, 4)))) if rng.random() < 0.7 else ()
    city, region, code = rng.choice(country.places)
    return Person(
        no=no,
        group=group,
        country=country,
        first_name=first_name,
        last_name=last_name,
        gender=gender,
        birth_on=date(1940, 1, 1) + timedelta(days=rng.randrange(25000)),
        place=(city, region, _postcode(country, code, rng)),
        interests=interests,
        email_client=rng.choice(MAIL_CLIENTS),
        emails=_emails(no, first_name, last_name, rng),
        phone=country.mobile(rng) if rng.random() < 0.62 else None,
        loyalty=f"LK{no:07d}" if group != "prospect" and rng.random() < 0.3 else None,
        since=start_of(today) - timedelta(days=age_days, seconds=rng.randrange(86400)),
        splits=rng.random() < 0.03,
        hour=rng.choice((7, 9, 12, 12, 17, 19, 20, 20, 21, 22)),
        weekday=rng.randrange(7),
    )


def _postcode(country: Country, code: str, rng: Random) -> str:
    if country.code == "GB":
        return (
            f"{code.strip()}{rng.randrange(1, 9)} {rng.randrange(1, 9)}AB"
            if code[-1] != " "
            else f"{code}{rng.randrange(1, 9)}XY"
        )
    if country.code == "NL":
        return f"{code}{rng.randrange(100):02d} KL"
    return f"{code}{rng.randrange(1000):03d}"


def _emails(no: int, first_name: str, last_name: str, rng: Random) -> tuple[str, ...]:
    """No address (4 %), one, or an old and a new one (14 %); some a firm's role mailbox, some with a +suffix."""
    kind = rng.random()
    local = f"{first_name}.{last_name}".translate(_SPELLING).lower().translate(_SPELLING)
    name = f"{local}{no}" if rng.random() < 0.8 else f"{local[0]}{no}.{local.rpartition('.')[2]}"
    domain = rng.choice(MAIL_DOMAINS)
    if kind < 0.04:
        return ()
    if kind < 0.05:
        return (f"{rng.choice(ROLE_MAILBOXES)}@{rng.choice(FIRMS)}-{no // 60}.example",)
    if kind < 0.09:
        return (f"{name}+shop@{domain}",)
    if kind < 0.23:
        return (f"{name}@{domain}", f"{name}.neu@{rng.choice(MAIL_DOMAINS)}")
    return (f"{name}@{domain}",)

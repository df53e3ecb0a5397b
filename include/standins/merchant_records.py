"""Which systems know a person, and what stands in each: spellings, gaps, several accounts, consents with dates.

Chances are per person and part (`source_for`), so that one system's record does not change when another's is drawn
differently. Addresses are unique within a system, as the vendors keep them: the second of a household who would
bring the same address to the same system is held without one.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random

from include.standins.merchant_people import Person, Record, source_for, start_of

HUBSPOT, SHOPIFY, MAILCHIMP = "hubspot.contacts", "shopify.customers", "mailchimp.members"
MEMBER_STATES = {"subscribed": 76, "unsubscribed": 11, "cleaned": 4, "pending": 3, "transactional": 3, "archived": 3}
BAD_SHARE = 0.004


@dataclass
class Taken:
    """Addresses that each system has given away already."""

    emails: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def claim(self, stream: str, email: str | None) -> str | None:
        """The address, or None when there is none or the system has it under somebody else."""
        if email is None or email in self.emails[stream]:
            return None
        self.emails[stream].add(email)
        return email


def member_key(email: str) -> str:
    """Mailchimp's id of a member: MD5 of the lower-cased address."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def records_of(person: Person, taken: Taken, seed: int, today: date) -> list[Record]:
    """Everything that HubSpot, Shopify and Mailchimp hold about a person; empty for somebody only the till knows."""
    rng = source_for(seed, "records", person.no)
    in_crm, in_shop, on_list = rng.random() < 0.7, rng.random() < 0.62, rng.random() < 0.55
    if not (in_crm or in_shop or on_list or person.loyalty):
        in_shop = True
    records = list(_accounts(person, taken, rng, today)) if in_shop else []
    if in_crm:
        records.append(_contact(person, taken, rng, today, records[0].key if records else None))
    email = taken.claim(MAILCHIMP, person.emails[0] if person.emails else None) if on_list else None
    if email:
        records.append(_member(person, email, rng, today))
    return [_spoilt(record, rng, today) for record in records]


def new_record(
    stream: str,
    key: str,
    person: Person,
    created: datetime,
    changed: datetime,
    *,
    email: str | None,
    phone: str | None,
    rng: Random,
    ids: dict[str, str],
) -> Record:
    """A record with the person's traits, its identifiers clean in ``ids`` and as typed beside."""
    clean = {"email": email, "phone": phone, **ids}
    city, region, postcode = person.place
    return Record(
        stream=stream,
        key=key,
        person=person.no,
        created=created,
        changed=changed,
        ids={name: value for name, value in clean.items() if value},
        email_typed=typed_email(email, rng),
        phone_typed=phone,
        first_name=person.first_name,
        last_name=_misspelt(person.last_name, rng),
        gender=person.gender,
        birth_on=person.birth_on,
        language=person.country.language,
        country=person.country.code,
        region=region,
        city=city,
        postcode=postcode,
        interests=person.interests,
    )


def between(rng: Random, low: datetime, high: datetime) -> datetime:
    """A moment in [low, high), to the second after low."""
    return low + timedelta(seconds=rng.randrange(max(1, int((high - low).total_seconds()))))


def _times(person: Person, rng: Random, today: date) -> tuple[datetime, datetime]:
    created = between(rng, person.since, start_of(today))
    return created, between(rng, created, start_of(today))


def consent(
    rng: Random, created: datetime, today: date, granted: float, withdrawn: float
) -> tuple[str | None, datetime | None]:
    """A statement with its time, by these chances; (None, None) where nobody was asked."""
    chance = rng.random()
    at = between(rng, created, start_of(today))
    return ("granted", at) if chance < granted else ("withdrawn", at) if chance < granted + withdrawn else (None, None)


def _contact(person: Person, taken: Taken, rng: Random, today: date, customer: str | None) -> Record:
    created, changed = _times(person, rng, today)
    email = taken.claim(HUBSPOT, person.emails[0] if person.emails else None)
    phone = person.phone if rng.random() < 0.7 and not person.splits else None
    ids = {
        "shopify_customer": customer if customer and rng.random() < 0.5 and not person.splits else "",
        "loyalty": person.loyalty if person.loyalty and rng.random() < 0.6 else "",
    }
    record = new_record(
        HUBSPOT, str(100_000 + person.no), person, created, changed, email=email, phone=phone, rng=rng, ids=ids
    )
    return replace(
        record,
        phone_typed=typed_phone(phone, person, rng),
        deleted=rng.random() < 0.01,
        birth_on=person.birth_on if rng.random() < 0.6 else None,
        gender=person.gender if rng.random() < 0.8 else None,
        interests=person.interests if rng.random() < 0.8 else (),
        email_consent=consent(rng, created, today, 0.5, 0.08),
        ads_consent=consent(rng, created, today, 0.55, 0.1),
    )


def _accounts(person: Person, taken: Taken, rng: Random, today: date) -> Iterator[Record]:
    """One shop account; a second one under the newer address for some who have two."""
    wanted = person.emails[-1:] if rng.random() < 0.8 or len(person.emails) < 2 else person.emails
    for position, email in enumerate(wanted or (None,)):
        created, changed = _times(person, rng, today)
        key = str(7_000_000_000 + person.no * 10 + position)
        phone = person.phone if rng.random() < 0.6 and not person.splits and position == 0 else None
        record = new_record(
            SHOPIFY,
            key,
            person,
            created,
            changed,
            email=taken.claim(SHOPIFY, email),
            phone=phone,
            rng=rng,
            ids={"shopify_customer": key},
        )
        said = consent(rng, created, today, 0.55, 0.08) if "email" in record.ids else (None, None)
        # The shop keeps no date of the opt-out of data sales: the record's last change is the best there is.
        opted_out = rng.random() < 0.03
        tagged = person.interests if rng.random() < 0.3 else ()
        yield replace(
            record,
            gender=None,
            birth_on=None,
            interests=tagged,
            email_consent=said,
            ads_consent=("withdrawn", changed) if opted_out else (None, None),
        )


def _member(person: Person, email: str, rng: Random, today: date) -> Record:
    created, changed = _times(person, rng, today)
    status = rng.choices(tuple(MEMBER_STATES), tuple(MEMBER_STATES.values()))[0]
    phone = person.phone if rng.random() < 0.15 and not person.splits else None
    record = new_record(
        MAILCHIMP, member_key(email), person, created, changed, email=email, phone=phone, rng=rng, ids={}
    )
    opted_in = between(rng, created, changed)
    consents = {
        "subscribed": ("granted", opted_in),
        "unsubscribed": ("withdrawn", changed),
        "cleaned": ("withdrawn", changed),
    }
    ads = ("granted", opted_in) if status == "subscribed" and rng.random() < 0.4 else (None, None)
    return replace(
        record,
        status=status,
        deleted=status == "archived",
        email_client=person.email_client,
        gender=None,
        birth_on=None,
        region=None,
        city=None,
        postcode=None,
        email_consent=consents.get(status, (None, None)),
        ads_consent=ads,
    )


def _spoilt(record: Record, rng: Random, today: date) -> Record:
    """A few records are wrong in a way the quality gate must catch; what is wrong identifies nobody."""
    if rng.random() >= BAD_SHARE or record.deleted:
        return record
    if record.stream == HUBSPOT and rng.random() < 0.5:
        return replace(record, birth_on=today + timedelta(days=rng.randrange(400, 9000)), bad="birth_in_future")
    if record.stream == MAILCHIMP or not record.email_typed:
        return record  # a member is its address: the vendor takes none that is wrong
    ids = {name: value for name, value in record.ids.items() if name != "email"}
    return replace(record, email_typed=record.email_typed.strip().replace("@", "."), ids=ids, bad="email_syntax")


def typed_email(email: str | None, rng: Random) -> str | None:
    """The address as somebody typed it: other case now and then, a blank before or behind."""
    if email is None:
        return None
    chance = rng.random()
    if chance < 0.07:
        return email.title()
    if chance < 0.10:
        return email.upper()
    return f" {email}" if chance < 0.12 else f"{email} " if chance < 0.14 else email


def typed_phone(phone: str | None, person: Person, rng: Random) -> str | None:
    """The number as somebody typed it: E.164, national with the trunk zero, or international with blanks."""
    if phone is None:
        return None
    rest = phone[len(person.country.dial) :]
    chance = rng.random()
    if chance < 0.4:
        return phone
    if chance < 0.75:
        return f"{person.country.trunk}{rest[:3]} {rest[3:]}"
    return f"{person.country.dial} {rest[:3]} {rest[3:6]}-{rest[6:]}"


def _misspelt(name: str, rng: Random) -> str:
    if rng.random() >= 0.06 or len(name) < 4:
        return name
    at = rng.randrange(1, len(name) - 1)
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]

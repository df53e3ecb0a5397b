"""Days at the merchant: what happens between two runs.

Every person takes part in at most one day (a fixed shuffle deals them out), so days do not undo each other and any
day can be applied alone. What the systems stamp as changed is stamped ``now``, the moment the day is applied, as a
platform would; what people did lies between midnight UTC and
``now``. So an extractor that has already run sees all of it, and nothing of it lies in the future.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Literal

from include.standins import merchant_truth
from include.standins.merchant_books import Books, write_meta, write_record
from include.standins.merchant_mailings import Reaction, mailings, reactions_of
from include.standins.merchant_orders import ORDERS, Purchase, basket, cart, carts_of, purchase, purchases_of
from include.standins.merchant_people import Person, Record, people, source_for, start_of
from include.standins.merchant_records import HUBSPOT, MAILCHIMP, SHOPIFY, Taken, records_of, typed_email
from include.standins.merchant_sales import drop
from include.standins.store import Store

LAST_DAY = 15
Change = Literal[
    "orders", "returns", "cart", "recovers", "reads", "moves", "bridges", "withdraws", "grants", "leaves", "deleted"
]
# People per thousand to whom it happens on a day; of those who can.
SHARES: dict[Change, int] = {
    "orders": 12,
    "returns": 3,
    "cart": 4,
    "recovers": 2,
    "reads": 10,
    "moves": 3,
    "bridges": 4,
    "withdraws": 5,
    "grants": 4,
    "leaves": 3,
    "deleted": 3,
}
NEW_SHARE = 8


@dataclass(frozen=True)
class Known:
    """A person with all that the merchant had about them before the day."""

    person: Person
    records: tuple[Record, ...]


def apply_day(store: Store, day: int, *, now: datetime | None = None, drops: Path | None = None) -> None:
    """Let a day happen: 2 is the first after `merchant.generate`. A day that has happened already is left alone.

    :param now: the moment it is applied, UTC; the present when not given.
    :param drops: folder for the day's till export; the one given to `generate` when left out.
    :raises ValueError: there is no merchant, or no such day.
    """
    facts = merchant_truth.meta(store)
    if not facts or not 2 <= day <= LAST_DAY:
        raise ValueError(f"day {day}: days go from 2 to {LAST_DAY} and need a generated merchant")
    if day in facts["days"]:
        return
    folder = drops or store.get_setting("drops")
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    with store.transaction():
        books = Books(store, day)
        _Day(books, facts, day, at).happen()
        books.close()
        write_meta(store, {**facts, "days": sorted([*facts["days"], day])})
    if folder:
        drop(Path(folder), day, books.receipts)


class _Day:
    """One day being written; ``at`` is its moment."""

    def __init__(self, books: Books, facts: dict, day: int, at: datetime) -> None:
        self._books, self._day, self._at = books, day, at
        self._seed, self._today = facts["seed"], date.fromisoformat(facts["today"])
        self._customers = facts["customers"]
        self._taken = Taken()

    def happen(self) -> None:
        everybody = self._everybody()
        for change, known in self._cast(everybody):
            getattr(self, f"_{change}")(known, source_for(self._seed, f"day{self._day}", known.person.no))
        self._newcomers()

    def _everybody(self) -> list[Known]:
        return [
            Known(one, tuple(records_of(one, self._taken, self._seed, self._today)))
            for one in people(self._customers, self._seed, self._today)
        ]

    def _cast(self, everybody: list[Known]) -> list[tuple[Change, Known]]:
        """Who does what: this day's hand of a shuffle that all days share."""
        dealt = sorted(everybody, key=lambda known: source_for(self._seed, "deal", known.person.no).random())
        hand = [known for place, known in enumerate(dealt) if place % (LAST_DAY - 1) == self._day - 2]
        wanted = Counter({change: max(1, share * self._customers // 1000) for change, share in SHARES.items()})
        cast: list[tuple[Change, Known]] = []
        for known in hand:
            fitting = [
                change for change in SHARES if wanted[change] > 0 and _can(change, known, self._seed, self._today)
            ]
            if fitting:
                change = min(fitting, key=lambda one: (wanted[one] / SHARES[one] * -1, one))
                wanted[change] -= 1
                cast.append((change, known))
        return cast

    def _moment(self, rng: Random) -> datetime:
        """A time of this day that has passed already."""
        begin = min(max(start_of(self._today), self._at - timedelta(hours=20)), self._at)
        return (begin + (self._at - begin) * rng.random()).replace(microsecond=0)

    def _rewrite(self, known: Known, record: Record) -> None:
        bought = list(purchases_of(known.person, list(known.records), self._seed, self._today))
        opted_out = (
            record.stream == SHOPIFY and record.ads_consent[0] == "withdrawn"
        )  # dated by the record's last change
        write_record(
            self._books,
            replace(record, changed=self._at, ads_consent=("withdrawn", self._at) if opted_out else record.ads_consent),
            bought,
        )

    def _buy(self, person: Person, records: list[Record], rng: Random, number: int) -> None:
        at = self._moment(rng)
        for one in purchase(person, records, number, at, rng, at):
            self._books.purchase(replace(one, changed=self._at, bad=None))

    def _orders(self, known: Known, rng: Random) -> None:
        self._buy(known.person, list(known.records), rng, 500 + self._day)

    def _returns(self, known: Known, rng: Random) -> None:
        """Half of the orders that can come back are sent back whole, the others in part."""
        one = _returnable(known, self._seed, self._today)[-1]
        parts = tuple((no, line.quantity) for no, line in enumerate(one.lines))
        whole = rng.random() < 0.5
        self._books.purchase(
            replace(one, refund=(self._moment(rng), parts if whole else parts[:1]), changed=self._at, cancelled=False)
        )

    def _cart(self, known: Known, rng: Random) -> None:
        one = cart(known.person, _accounts(known)[0], 50 + self._day, self._moment(rng), rng, self._at)
        self._books.cart(replace(one, changed=self._at, completed=None))

    def _recovers(self, known: Known, rng: Random) -> None:
        one = _open_carts(known, self._seed, self._today)[0]
        self._books.cart(replace(one, completed=self._at, changed=self._at))

    def _reads(self, known: Known, rng: Random) -> None:
        """The newest mailing they got, opened now (at the platform an act is found by its time)."""
        last = _received(known, self._seed, self._today)[-1]
        acts = (("email_opened", self._at), *((("email_clicked", self._at),) if rng.random() < 0.5 else ()))
        self._books.reaction(replace(last, acts=(*last.acts, *acts)))

    def _moves(self, known: Known, rng: Random) -> None:
        city, region, code = known.person.country.places[rng.randrange(len(known.person.country.places))]
        for record in _of(known, HUBSPOT):
            self._rewrite(known, replace(record, city=city, region=region, postcode=f"{code.strip()}999"))

    def _bridges(self, known: Known, rng: Random) -> None:
        """The CRM learns the shop account (half), or a guest orders with the CRM's address and the account's number."""
        contact, account = _of(known, HUBSPOT)[0], _accounts(known)[0]
        if rng.random() < 0.5 or "email" not in contact.ids or not known.person.phone:
            ids = {**contact.ids, "shopify_customer": account.key}
            self._rewrite(known, replace(contact, ids=ids))
            return
        phone = known.person.phone
        self._rewrite(known, replace(account, phone_typed=phone, ids={**account.ids, "phone": phone}))
        email, at = contact.ids["email"], self._moment(rng)
        self._books.purchase(
            Purchase(
                ORDERS,
                str(5_000_000_000 + known.person.no * 1000 + 600 + self._day),
                known.person.no,
                at,
                self._at,
                basket(known.person, rng),
                {"email": email, "phone": phone},
                None,
                typed_email(email, rng),
                phone,
                known.person.country.code,
                known.person.place,
                (known.person.first_name, known.person.last_name),
            )
        )

    def _withdraws(self, known: Known, rng: Random) -> None:
        contact = _of(known, HUBSPOT)[0]
        both = rng.random() < 0.5
        self._rewrite(
            known,
            replace(
                contact,
                ads_consent=("withdrawn", self._at),
                email_consent=("withdrawn", self._at) if both else contact.email_consent,
            ),
        )

    def _grants(self, known: Known, rng: Random) -> None:
        """Somebody who had withdrawn, or never been asked, agrees to both."""
        self._rewrite(
            known,
            replace(_of(known, HUBSPOT)[0], email_consent=("granted", self._at), ads_consent=("granted", self._at)),
        )

    def _leaves(self, known: Known, rng: Random) -> None:
        member = _of(known, MAILCHIMP)[0]
        self._rewrite(
            known,
            replace(member, status="unsubscribed", email_consent=("withdrawn", self._at), ads_consent=(None, None)),
        )

    def _deleted(self, known: Known, rng: Random) -> None:
        """Archived: the contact in the CRM, or the member on the list, or both."""
        for record in (*_of(known, HUBSPOT), *_of(known, MAILCHIMP)):
            silent = {"status": "archived", "email_consent": (None, None), "ads_consent": (None, None)}
            self._rewrite(known, replace(record, deleted=True, **(silent if record.stream == MAILCHIMP else {})))

    def _newcomers(self) -> None:
        """New customers; all that is known of them is from today."""
        count, first = max(1, NEW_SHARE * self._customers // 1000), 1_000_000 + self._day * 20_000
        for one in people(count, self._seed, self._today, first=first):
            rng = source_for(self._seed, f"new{self._day}", one.no)
            person = replace(one, group="new", since=self._at - timedelta(seconds=1))
            records = [_as_of(record, self._at) for record in records_of(person, self._taken, self._seed, self._today)]
            for record in records:
                write_record(self._books, record, [])
            if rng.random() < 0.6:
                self._buy(person, records, rng, 1)


def _as_of(record: Record, at: datetime) -> Record:
    """The record as if it had been made ``at``; nobody begins as archived."""
    email = ("granted", at) if record.deleted and record.stream == MAILCHIMP else _dated(record.email_consent, at)
    return replace(
        record,
        created=at,
        changed=at,
        deleted=False,
        email_consent=email,
        ads_consent=_dated(record.ads_consent, at),
        status="subscribed" if record.status == "archived" else record.status,
    )


def _dated(consent: tuple[str | None, datetime | None], at: datetime) -> tuple[str | None, datetime | None]:
    return (consent[0], at) if consent[0] else consent


def _of(known: Known, stream: str) -> list[Record]:
    return [record for record in known.records if record.stream == stream and not record.deleted and not record.bad]


def _accounts(known: Known) -> list[Record]:
    return _of(known, SHOPIFY)


def _received(known: Known, seed: int, today: date) -> list[Reaction]:
    """What they did with the mailings of the time before, one each."""
    return list(reactions_of(_of(known, MAILCHIMP)[0], mailings(today), seed, start_of(today)))


def _returnable(known: Known, seed: int, today: date) -> list[Purchase]:
    return [
        one
        for one in purchases_of(known.person, list(known.records), seed, today)
        if one.stream == ORDERS and not one.refund and not one.bad
    ]


def _open_carts(known: Known, seed: int, today: date) -> list:
    return [one for one in carts_of(known.person, list(known.records), seed, today) if one.completed is None]


def _can(change: Change, known: Known, seed: int, today: date) -> bool:
    """Whether a change makes sense for a person."""
    contacts, members, accounts = _of(known, HUBSPOT), _of(known, MAILCHIMP), _accounts(known)
    match change:
        case "orders":
            return True
        case "returns":
            return bool(_returnable(known, seed, today))
        case "cart":
            return bool(accounts)
        case "recovers":
            return bool(_open_carts(known, seed, today))
        case "reads":
            return any(one.status == "subscribed" for one in members) and bool(_received(known, seed, today))
        case "bridges":
            shared = contacts and accounts and set(contacts[0].ids.items()) & set(accounts[0].ids.items())
            return bool(contacts and accounts and not shared)
        case "withdraws":
            return any(one.ads_consent[0] == "granted" for one in contacts)
        case "grants":
            return any(one.ads_consent[0] != "granted" and one.ids.get("email") for one in contacts)
        case "leaves":
            return any(one.status == "subscribed" for one in members)
        case "moves":
            return bool(contacts)
        case _:
            return bool(contacts or members)

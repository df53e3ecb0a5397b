"""The merchant's other systems: an outlet on WooCommerce, the wholesale business on Salesforce, the web's trackers.

Fewer people are known there. What they are is drawn apart from everything else, so that nothing moves at the systems
that `merchant_records` knows. Facts of Google Analytics are of days, not of people.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import blake2b
from random import Random

from include.standins import ga4_records, matomo_records, salesforce_records, woocommerce_records
from include.standins.ga4_records import Fact
from include.standins.matomo_records import Act, Visit, kind_of
from include.standins.merchant_books import Books
from include.standins.merchant_orders import Purchase, basket, moment
from include.standins.merchant_people import Person, Record, source_for, start_of
from include.standins.merchant_records import SHOPIFY, Taken, between, consent, new_record
from include.standins.store import Document

OUTLET, WHOLESALE = "woocommerce.customers", "salesforce.contacts"
OUTLET_ORDERS, VISITS = "woocommerce.orders", "matomo.visits"
SITE = 1
STAGES = ("Prospecting", "Negotiation/Review", "Closed Won", "Closed Lost")
SOURCES = (("google", "cpc"), ("google", "organic"), ("newsletter", "email"), ("(direct)", "(none)"))
FACT_DAYS = 40


def write_elsewhere(books: Books, person: Person, records: list[Record], taken: Taken, seed: int, today: date) -> None:
    """What the outlet, the wholesale business and the tracker know about a person, each with the truth beside."""
    rng = source_for(seed, "elsewhere", person.no)
    at_outlet, in_wholesale, tracked = rng.random() < 0.08, rng.random() < 0.05, rng.random() < 0.3
    if at_outlet:
        _outlet(books, person, taken, rng, today)
    if in_wholesale:
        _wholesale(books, person, records, taken, rng, today)
    account = next((one for one in records if one.stream == SHOPIFY and not one.bad and not one.deleted), None)
    if tracked and account:
        for visit in _visits(person, account, rng, today):
            books.document("matomo", kind_of(SITE), Document(**matomo_records.visit(visit)))
            books.tell(VISITS, _visit_row(person, visit))


def _outlet(books: Books, person: Person, taken: Taken, rng: Random, today: date) -> None:
    email = taken.claim(OUTLET, person.emails[-1] if person.emails else None)
    created = whole(between(rng, person.since, start_of(today)))
    key = str(600_000 + person.no)
    record = new_record(
        OUTLET, key, person, created, created, email=email, phone=None, rng=rng, ids={"woocommerce_customer": key}
    )
    said, at = consent(rng, created, today, 0.4, 0.05)
    record = replace(
        record,
        email_typed=email,
        gender=None,
        birth_on=None,
        language=None,
        interests=(),
        email_consent=(said, at and whole(at)),
    )
    if email is None:  # an account needs one: nobody without has an account
        return
    books.document("woocommerce", "customer", woocommerce_records.customer(record))
    books.tell_person(record)
    for number in range(rng.randrange(3)):
        books.outlet_purchase(_bought(person, record, number, rng, today))


def _bought(person: Person, account: Record, number: int, rng: Random, today: date) -> Purchase:
    """An order of the account, or (one in five) of its owner as a guest."""
    at = whole(moment(person, today, rng.randrange(2, 400), rng))
    guest, lines = rng.random() < 0.2, basket(person, rng)
    back = at + timedelta(days=rng.randrange(1, 15))
    returned = (back, ((0, 1),)) if rng.random() < 0.1 and back < start_of(today) else None
    ids = {"email": account.ids["email"], **({} if guest else {"woocommerce_customer": account.key})}
    return Purchase(
        OUTLET_ORDERS,
        str(8_000_000 + person.no * 10 + number),
        person.no,
        at,
        returned[0] if returned else at,
        lines,
        ids,
        None if guest else account.key,
        account.ids["email"],
        None,
        person.country.code,
        person.place,
        (person.first_name, person.last_name),
        refund=returned,
    )


def _wholesale(books: Books, person: Person, records: list[Record], taken: Taken, rng: Random, today: date) -> None:
    """A contact of a firm of its own, at times with a deal."""
    id = salesforce_records.id_of("Contact", person.no)
    email = taken.claim(WHOLESALE, person.emails[0] if person.emails else None)
    phone = person.phone if person.phone and not person.splits and rng.random() < 0.5 else None
    created = between(rng, person.since, start_of(today))
    changed = between(rng, created, start_of(today))
    record = new_record(
        WHOLESALE,
        str(person.no),
        person,
        created,
        changed,
        email=email,
        phone=phone,
        rng=rng,
        ids={"salesforce_contact": id},
    )
    record = replace(
        record,
        gender=None,
        interests=(),
        email_consent=consent(rng, created, today, 0.4, 0.06),
        ads_consent=consent(rng, created, today, 0.4, 0.06),
    )
    firm = salesforce_records.account(
        person.no,
        f"{person.last_name} & Partner",
        created=created,
        changed=changed,
        NumberOfEmployees=rng.randrange(1, 200),
        BillingCity=person.place[0],
    )
    books.document("salesforce", "Account", firm)
    books.document("salesforce", "Contact", salesforce_records.contact(record, account=person.no))
    books.tell_person(replace(record, key=id))
    if rng.random() < 0.5:
        deal = salesforce_records.opportunity(
            person.no,
            f"Opening order of {person.last_name}",
            stage=rng.choice(STAGES),
            amount=float(rng.randrange(200, 9000)),
            closes_on=today - timedelta(days=rng.randrange(-60, 120)),
            created=created,
            changed=changed,
            account=person.no,
        )
        books.document("salesforce", "Opportunity", deal)
        part = salesforce_records.role(person.no, opportunity=person.no, contact=person.no, at=changed, primary=True)
        books.document("salesforce", "OpportunityContactRole", part)


def _visits(person: Person, account: Record, rng: Random, today: date) -> Iterator[Visit]:
    """Up to four visits with the shop's log-in, from one browser; now and then with a goal reached."""
    browser = blake2b(f"browser {person.no}".encode(), digest_size=8).hexdigest()
    for number in range(1, rng.randrange(2, 6)):
        began = whole(moment(person, today, rng.randrange(1, 60), rng, exact=True))
        acts = [
            Act(30 * place, what=f"https://shop.example/{rng.choice(('', 'new', 'sale'))}")
            for place in range(rng.randrange(1, 6))
        ]
        if rng.random() < 0.1:
            acts.append(Act(30 * len(acts), "goal", "Newsletter"))
        yield Visit(
            person.no * 10 + number,
            SITE,
            began,
            tuple(acts),
            browser,
            account.key,
            count=number,
            country=person.country.code.lower(),
        )


def _visit_row(person: Person, visit: Visit) -> dict:
    events = [["site_visited", visit.began_at.isoformat()]]
    events += [
        ["goal_converted", (visit.began_at + timedelta(seconds=act.after)).isoformat()]
        for act in visit.acts
        if act.kind == "goal"
    ]
    ids = {"shopify_customer": visit.user, "matomo_visitor": visit.visitor}
    return {"k": f"{SITE}:{visit.number}", "p": person.no, "ids": ids, "events": events}


def write_facts(books: Books, seed: int, today: date) -> None:
    """What the web's analytics counted, day by day."""
    rng = source_for(seed, "facts", 0)
    number = 0
    for ago in range(1, FACT_DAYS):
        for source, medium in SOURCES:
            number += 1
            dimensions = {"sessionSource": source, "sessionMedium": medium}
            sessions = rng.randrange(5, 80)
            counted = {"sessions": sessions, "totalUsers": sessions * 4 // 5, "eventCount": sessions * 6}
            fact = Fact(number, today - timedelta(days=ago), dimensions, counted)
            books.document("ga4", "fact", Document(**ga4_records.fact(fact)))


def whole(at: datetime) -> datetime:
    """Whole seconds: these systems keep no finer time."""
    return at.replace(microsecond=0)

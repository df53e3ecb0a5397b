"""A generated merchant behind the stand-ins, with known truth, so that stitching, segments and deliveries can be
scored.

The same seed and the same ``today`` give the same merchant, to the byte. Everything at first lies before midnight UTC
of ``today`` (as a rule the date of the server's first start), so that "in the last 30 days" is never empty. What is
true stands in `merchant_truth`; what means what at which system in `merchant_renderings`.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from include.standins import merchant_truth
from include.standins.merchant_books import Books, write_meta, write_record
from include.standins.merchant_days import apply_day
from include.standins.merchant_elsewhere import write_elsewhere, write_facts
from include.standins.merchant_mailings import Mailing, mailings, reactions_of
from include.standins.merchant_orders import carts_of, purchases_of
from include.standins.merchant_people import Person, Record, people, start_of
from include.standins.merchant_records import MAILCHIMP, Taken, records_of
from include.standins.merchant_renderings import ms
from include.standins.merchant_sales import drop
from include.standins.store import Store

__all__ = ["apply_day", "generate", "truth"]

FOUNDED_DAYS_AGO = 1_500


def generate(store: Store, *, customers: int, seed: int, today: date | None = None, drops: Path | None = None) -> None:
    """Fill an empty store with a merchant of so many customers; a store that has one is left as it is.

    :param today: the date (UTC) before which everything lies; this day's when not given.
    :param drops: folder for the till exports, ``till_<day>.csv.gz``; remembered for later days; none is written
    without.
    """
    if merchant_truth.meta(store):
        return
    today = today or datetime.now(UTC).date()
    books, taken, sent, reached = Books(store, 1), Taken(), mailings(today), Counter[str]()
    with _without_collector(), store.transaction():
        books.audience_list(ms(start_of(today - timedelta(days=FOUNDED_DAYS_AGO))))
        for person in people(customers, seed, today):
            records = records_of(person, taken, seed, today)
            _write_person(books, person, records, sent, reached, seed, today)
            write_elsewhere(books, person, records, taken, seed, today)
        write_facts(books, seed, today)
        for mailing in sent:
            books.mailing(mailing, reached[mailing.key])
        books.close()
        write_meta(store, {"seed": seed, "customers": customers, "today": today.isoformat(), "days": [1]})
        store.set_setting("drops", None if drops is None else str(drops))
    if drops is not None:
        drop(drops, 1, books.receipts)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the search for reference cycles: a third of the time goes into it, and documents make none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def truth(store: Store) -> dict[str, Any]:
    """All that is true by now, in the shape of `merchant_truth.told`."""
    return merchant_truth.told(store)


def _write_person(
    books: Books,
    person: Person,
    records: list[Record],
    sent: list[Mailing],
    reached: Counter[str],
    seed: int,
    today: date,
) -> None:
    bought = list(purchases_of(person, records, seed, today))
    for record in records:
        write_record(books, record, bought)
        if record.stream == MAILCHIMP:
            for reaction in reactions_of(record, sent, seed, start_of(today)):
                reached[reaction.mailing.key] += 1
                books.reaction(reaction)
    for one in bought:
        books.purchase(one)
    for cart in carts_of(person, records, seed, today):
        books.cart(cart)

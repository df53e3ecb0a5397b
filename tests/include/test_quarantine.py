"""Looking at what is held, and letting it through."""

import pytest

from include import quality, quarantine
from include.errors import FatalError
from tests.include.gate import CONTACTS, ORDERS, column, good, land, staged


@pytest.fixture
def held(conn, warehouse_url):
    """Two contacts and an order set aside, three rules among them."""
    land(conn, CONTACTS, good(CONTACTS, 1, email="canary", country="Germany"), good(CONTACTS, 2, email="canary"))
    land(conn, ORDERS, good(ORDERS, 1, currency="EURO"), good(ORDERS, 2))
    for stream in (CONTACTS, ORDERS):
        quality.check_stream(conn, warehouse_url, stream, staged=staged)
    return conn


def test_the_list_shows_key_rule_and_reason_and_no_value(held):
    entries = quarantine.listed(held)
    assert {(entry.stream, entry.record_key, entry.rule) for entry in entries} == {
        ("hubspot.contacts", "k1", "email_syntax"), ("hubspot.contacts", "k2", "email_syntax"),
        ("hubspot.contacts", "k1", "country_code"), ("shopify.orders", "k1", "currency_code")}
    assert "canary" not in repr(entries)


def test_the_list_is_filtered_by_stream_rule_and_state(held):
    assert len(quarantine.listed(held, stream="shopify.orders")) == 1
    assert len(quarantine.listed(held, rule="email_syntax")) == 2
    assert len(quarantine.listed(held, limit=3)) == 3
    assert quarantine.listed(held, state="released") == []
    assert len(quarantine.listed(held, state=None)) == 4


def test_counts_are_by_rule_with_the_most_first(held):
    counted = [(one.stream, one.rule, one.records) for one in quarantine.counts(held)]
    assert counted == [("hubspot.contacts", "email_syntax", 2), ("hubspot.contacts", "country_code", 1),
                       ("shopify.orders", "currency_code", 1)]


def test_a_release_by_rule_takes_only_that_stream_and_rule(held):
    assert quarantine.release(held, who="ana", stream="hubspot.contacts", rule="email_syntax") == 2
    left = column(held, "select rule from ops.quarantine where state = 'held' order by rule")
    assert left == ["country_code", "currency_code"]


def test_a_release_by_id_takes_only_that_entry_and_is_audited(held):
    entry = quarantine.listed(held, rule="currency_code")[0]
    assert quarantine.release(held, who="ana", ids=[entry.quarantine_id]) == 1
    assert quarantine.listed(held, state="released")[0].released_by == "ana"
    audited = held.execute("select actor, action, details -> 'ids', details -> 'released' from ops.audit").fetchall()
    assert audited == [("ana", "quarantine.release", [entry.quarantine_id], 1)]


def test_releasing_twice_releases_once(held):
    assert quarantine.release(held, who="ana", rule="currency_code") == 1
    assert quarantine.release(held, who="ben", rule="currency_code") == 0
    assert column(held, "select count(*) from ops.audit") == [1]


@pytest.mark.parametrize(("chosen", "said"), [
    ({"who": " ", "rule": "email_syntax"}, "say who"),
    ({"who": "ana"}, "Say what to release"),
    ({"who": "ana", "stream": "hubspot.contacts"}, "Say what to release"),
    ({"who": "ana", "ids": []}, "Say what to release"),
])
def test_a_release_needs_somebody_and_something(held, chosen, said):
    with pytest.raises(FatalError, match=said):
        quarantine.release(held, **chosen)
    assert column(held, "select count(*) from ops.quarantine where state = 'held'") == [4]

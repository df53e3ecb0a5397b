"""The gate: every rule of every suite catches the row that breaks it, and no value of a row gets out."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from include import publishing, quality, quarantine
from include.candidate import fill_candidate
from include.errors import ConfigError, CriticalCheckError
from include.pushdown import run_suite
from include.suites import SUITE_ROOT, read_suite
from tests.include.gate import CONTACTS, LANDED_AT, ORDERS, STREAMS, column, good, land, staged

FUTURE = "2026-11-23T00:00:00+00:00"  # the batch was landed three days before
NOBODY = {"email": None, "phone": None, "ids": {}}
# For each rule the change that breaks it in a good row. A rule without one fails the test.
BREAKS = {
    "key_missing": {"record_key": None},
    "key_doubled": {"record_key": "k1", "changed_at": "2026-11-19T11:00:00+00:00"},
    "email_missing": {"email": None},
    "email_syntax": {"email": "person at shop.example"},
    "identifier_missing": NOBODY,
    "customer_missing": NOBODY,
    "birth_date": {"birth_on": "2026-11-24"},
    "country_code": {"country": "Germany"},
    "changed_in_future": {"changed_at": FUTURE},
    "unreadable_value": {"bad_casts": ["birth_on"]},
    "consent_email_state": {"consent_email": "yes"},
    "consent_ads_state": {"consent_ads": "true"},
    "order_key_missing": {"order_key": None},
    "entry_no_missing": {"entry_no": None},
    "kind_missing": {"kind": None},
    "kind_unknown": {"kind": "gift"},
    "time_missing": {"occurred_at": None},
    "time_implausible": {"occurred_at": FUTURE},
    "amount_missing": {"amount_minor": None},
    "amount_sign": {"kind": "return"},
    "amount_negative": {"amount_minor": -1},
    "currency_missing": {"currency": None},
    "currency_code": {"currency": "EURO"},
    "not_a_product": {"sku": "POST", "bad_casts": ["sku:not_a_product"]},
    "name_missing": {"name": None},
    "name_unknown": {"name": "order_placed"},
    "properties_missing": {"properties": None},
    "sent_at_missing": {"sent_at": None},
    "sent_at_implausible": {"sent_at": FUTURE},
    **{f"{name}_missing": {name: None} for name in ("recipients", "opened", "clicked", "bounced", "unsubscribed")},
    "day_missing": {"on_date": None},
    "day_implausible": {"on_date": "2026-11-24"},
    "metrics_missing": {"metrics": None},
    "report_not_whole": {"lacks": ["sampled"]},
    "domain_syntax": {"domain": "acme"},
    "employees_negative": {"employees": -1},
    "stage_missing": {"stage": None},
    "state_unknown": {"state": "paused"},
    "close_date": {"closes_on": "0026-12-31"},
}
ABOUT_THE_TABLE = {"columns_missing", "volume", "emails_vanished"}  # each has a test of its own below
SUITES = sorted(path.stem for path in SUITE_ROOT.glob("*.json"))
GOOD_ROWS = 3


def candidate_of(conn, stream, *rows):
    """A candidate made of these rows exactly, without the staging statement's choice of the newest."""
    land(conn, stream, *[good(stream, number) for number in range(1, GOOD_ROWS + 1)])
    fill_candidate(conn, stream, staged=staged)
    for number, row in enumerate(rows, start=1000):
        conn.execute(
            "insert into raw.record (batch_id, stream, record_key, payload, payload_hash)"
            " select max(batch_id), %s, %s, '[]', %s from ops.batch",
            (stream.name, f"x{number}", str(number).encode()))
        names = list(row)
        conn.execute(
            psycopg_insert(stream, names),
            {"row": json.dumps(row | {"stream": stream.name, "raw_id": number, "batch_id": 1}), "shape": None})
    conn.commit()


def psycopg_insert(stream, names):
    from psycopg import sql

    columns = sql.SQL(", ").join(sql.Identifier(name) for name in [*names, "stream", "raw_id", "batch_id"])
    return sql.SQL("insert into checking.{table} ({columns}) select {columns}"
                   " from jsonb_populate_record(null::checking.{table}, %(row)s::jsonb)").format(
        table=sql.Identifier(stream.suite), columns=columns)


PARAMETERS = {"latest_at": "2026-11-21T03:00:00+00:00", "latest_on": "2026-11-21", "volume_min": 0, "volume_max": 10**9}


@pytest.mark.parametrize("name", SUITES)
def test_every_rule_catches_the_row_that_breaks_it_and_no_other_row(conn, warehouse_url, name):
    suite, stream = read_suite(name), STREAMS[name]
    rules = [rule.name for rule in suite.rules if rule.name not in ABOUT_THE_TABLE]
    assert set(rules) <= set(BREAKS), "a rule without a row that breaks it"
    broken = {rule: good(stream, number, **BREAKS[rule]) for number, rule in enumerate(rules, start=100)}
    candidate_of(conn, stream, *broken.values())
    outcomes = {outcome.rule.name: outcome for outcome in run_suite(warehouse_url, stream.suite, suite, PARAMETERS)}
    for number, rule in enumerate(rules, start=1000):
        outcome = outcomes[rule]
        assert not outcome.passed, rule
        assert outcome.failed_rows >= 1
        if outcome.failing_query:
            failing = {row[0] for row in conn.execute(outcome.failing_query)}
            assert number in failing, rule
            assert not failing & set(range(1, GOOD_ROWS + 1)), rule
    assert {rule for rule in ABOUT_THE_TABLE & set(outcomes) if not outcomes[rule].passed} == set()


def test_a_source_whose_addresses_have_vanished_stops_but_a_few_contacts_without_one_do_not(conn, warehouse_url):
    stream = STREAMS["hubspot_contacts"]
    land(conn, stream, *[good(stream, number, email=None) for number in range(1, 50)])
    assert quality.check_stream(conn, warehouse_url, stream, staged=staged).failed_rules == ()
    land(conn, stream, good(stream, 50, email=None))
    with pytest.raises(CriticalCheckError, match=r"emails_vanished \(50\)"):
        quality.check_stream(conn, warehouse_url, stream, staged=staged)


@pytest.mark.parametrize("name", SUITES)
def test_good_rows_break_no_rule(conn, warehouse_url, name):
    land(conn, STREAMS[name], *[good(STREAMS[name], number) for number in (1, 2)])
    checked = quality.check_stream(conn, warehouse_url, STREAMS[name], staged=staged)
    assert (checked.failed_rules, checked.quarantined, checked.records) == ((), 0, 2)
    results = conn.execute("select count(*), bool_and(passed) from ops.check_result").fetchone()
    assert results == (len(read_suite(name).for_rows(2).rules) + 1, True)


def test_every_stream_has_a_suite_and_every_suite_a_stream():
    assert set(SUITES) == set(STREAMS)
    assert {read_suite(name).name for name in SUITES} == set(SUITES)


def test_a_lost_column_stops_the_batch(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS))
    fill_candidate(conn, CONTACTS, staged=staged)
    conn.execute("alter table checking.hubspot_contacts drop column consent_text, drop column payload_hash")
    conn.commit()
    outcomes = run_suite(warehouse_url, "hubspot_contacts", read_suite("hubspot_contacts"), PARAMETERS)
    assert [outcome.rule.name for outcome in outcomes if not outcome.passed] == ["columns_missing"]


def test_an_unusual_volume_is_told_and_stops_nothing(conn, warehouse_url):
    for number in range(5):
        land(conn, CONTACTS, *[good(CONTACTS, 100 * number + n) for n in range(30)])
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
        publishing.publish_stream(conn, CONTACTS, staged=staged)
    land(conn, CONTACTS, good(CONTACTS, 9000))
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert checked.failed_rules == ("volume",)
    assert column(conn, "select state from ops.batch order by batch_id desc limit 1") == ["checked"]


def test_a_critical_failure_stops_the_batch(conn, warehouse_url):
    batch = land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2, consent_ads="maybe"))
    with pytest.raises(CriticalCheckError) as caught:
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert str(caught.value) == (
        "hubspot.contacts: 1 critical rule failed on 2 rows: consent_ads_state (1); expected none. "
        f"Full result: ops.check_result, batch {batch}.")
    assert column(conn, "select state from ops.batch") == ["failed"]
    assert column(conn, "select rule from ops.check_result where not passed") == ["consent_ads_state"]
    assert publishing.publish_stream(conn, CONTACTS, staged=staged).rows == 0
    assert column(conn, "select count(*) from staging.person_record") == [0]


def test_a_failed_batch_is_superseded_by_repaired_rows(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, consent_ads="maybe"), good(CONTACTS, 2))
    with pytest.raises(CriticalCheckError):
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    land(conn, CONTACTS, good(CONTACTS, 1, changed_at="2026-11-19T20:00:00Z"))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert publishing.publish_stream(conn, CONTACTS, staged=staged).rows == 2
    assert column(conn, "select distinct state from ops.batch") == ["published"]


def test_a_failed_batch_passes_after_its_suite_was_mended(conn, warehouse_url, tmp_path):
    document = json.loads((SUITE_ROOT / "hubspot_contacts.json").read_text())
    consent = next(one for one in document["expectations"] if one["meta"]["rule"] == "consent_ads_state")
    land(conn, CONTACTS, good(CONTACTS, 1, consent_ads="maybe"))
    with pytest.raises(CriticalCheckError):
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    consent["kwargs"]["value_set"].append("maybe")
    (tmp_path / "hubspot_contacts.json").write_text(json.dumps(document))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged, suite_root=tmp_path)
    assert publishing.publish_stream(conn, CONTACTS, staged=staged).rows == 1


def test_a_broken_row_is_held_with_every_rule_it_breaks_and_the_reasons(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2, email="nonsense", country="Germany"))
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert (checked.quarantined, set(checked.failed_rules)) == (1, {"email_syntax", "country_code"})
    held = conn.execute("select record_key, rule, reason, state from ops.quarantine order by rule").fetchall()
    assert held == [
        ("k2", "country_code", "The country is not a two-letter ISO 3166 code.", "held"),
        ("k2", "email_syntax", "The e-mail address is not written like one.", "held"),
    ]


def test_checking_again_holds_the_same_rows_once(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, email="nonsense"))
    for _ in range(2):
        assert quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).quarantined == 1
    assert column(conn, "select count(*) from ops.quarantine") == [1]


def test_beyond_its_share_of_broken_rows_a_batch_stops_and_holds_nothing(conn, warehouse_url):
    rows = [good(ORDERS, n, country="Germany" if n < 22 else "DE") for n in range(200)]
    land(conn, ORDERS, *rows)
    with pytest.raises(CriticalCheckError, match=r"22 of 200 records break a rule, 11.0%; expected at most 5.0%"):
        quality.check_stream(conn, warehouse_url, ORDERS, staged=staged)
    assert column(conn, "select count(*) from ops.quarantine") == [0]
    assert column(conn, "select state from ops.batch") == ["failed"]
    assert column(conn, "select failed_rows from ops.check_result where rule = 'quarantine_share'") == [22]
    checked = quality.check_stream(conn, warehouse_url, ORDERS, staged=staged, max_quarantine_share=0.4)
    assert checked.quarantined == 22


def test_a_few_broken_rows_of_a_small_batch_do_not_stop_it(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, country="Germany"), good(CONTACTS, 2))
    assert quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).quarantined == 1


def test_a_released_row_is_not_held_again_for_that_rule_but_for_another(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, email="nonsense", country="Germany"))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    quarantine.release(conn, who="ana", rule="email_syntax")
    assert quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).quarantined == 1
    states = dict(conn.execute("select rule, state from ops.quarantine").fetchall())
    assert states == {"email_syntax": "released", "country_code": "held"}
    quarantine.release(conn, who="ana", rule="country_code")
    assert quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).quarantined == 0
    assert publishing.publish_stream(conn, CONTACTS, staged=staged).rows == 1


def test_deletions_are_not_checked(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, deleted=True, **NOBODY, country="nowhere"))
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert (checked.quarantined, checked.failed_rules) == (0, ())


def test_an_empty_batch_passes(conn, warehouse_url):
    land(conn, CONTACTS)
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert (checked.records, checked.failed_rules) == (0, ())
    assert column(conn, "select state from ops.batch") == ["checked"]


def test_without_any_batch_there_is_nothing_to_check(conn, warehouse_url):
    assert quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).batch_id is None


def test_rules_about_time_look_at_the_day_of_landing_not_at_today(conn, warehouse_url):
    land(conn, ORDERS, good(ORDERS, 1, occurred_at="2020-01-03T00:00:00Z"),
         landed_at=LANDED_AT.replace(year=2020, month=1, day=1))
    assert quality.check_stream(conn, warehouse_url, ORDERS, staged=staged).failed_rules == ("time_implausible",)


def test_no_value_of_a_row_gets_out(conn, warehouse_url, caplog):
    caplog.set_level(logging.DEBUG)
    canary = "canary-7f3a"
    rows = [good(CONTACTS, n, email=canary, first_name=canary, country=canary, consent_ads=canary) for n in range(30)]
    land(conn, CONTACTS, *rows)
    with pytest.raises(CriticalCheckError) as stopped:
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    land(conn, CONTACTS, *[row | {"consent_ads": None, "changed_at": "2026-11-19T20:00:00Z"} for row in rows])
    with pytest.raises(CriticalCheckError) as too_many:
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged, max_quarantine_share=1)
    publishing.publish_stream(conn, CONTACTS, staged=staged)
    tables = column(conn, "select table_name from information_schema.tables where table_schema = 'ops'")
    from psycopg import sql

    kept = [str(conn.execute(sql.SQL("select * from ops.{}").format(sql.Identifier(table))).fetchall())
            for table in tables]
    said = [repr(stopped.value), repr(too_many.value), repr(checked), caplog.text, *kept]
    assert checked.quarantined == 30
    assert [text for text in said if canary in text] == []


def test_great_expectations_logs_no_password(conn, warehouse_url, caplog):
    caplog.set_level(logging.DEBUG)
    land(conn, CONTACTS, good(CONTACTS))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    password = warehouse_url.split("@")[0].rsplit(":", 1)[1]
    assert password not in caplog.text


def broken_suite(tmp_path: Path, old: str, new: str) -> Path:
    """The folder of a suite in which one piece of text is another."""
    text = (SUITE_ROOT / "hubspot_contacts.json").read_text()
    assert old in text
    (tmp_path / "hubspot_contacts.json").write_text(text.replace(old, new, 1))
    return tmp_path


@pytest.mark.parametrize(("old", "new", "said"), [
    ('"type": "expect_column_values_to_not_be_null"', '"type": "expect_no_such_thing"',
     'line 12: "expect_no_such_thing" is not an expectation the gate knows'),
    ('"type": "expect_column_values_to_not_be_null"', '"type": "expect_column_max_to_be_between"',
     "is not an expectation the gate knows"),
    ('"name": "hubspot_contacts",', '"name": "hubspot_contacts"', "line 3: not JSON"),
    ('"severity": "warning"', '"severity": "grave"', "severity must be one of critical, warning, info"),
    ('"column": "email"', '"column": "email", "mostly": 0.9', "needs a rule about rows and no mostly"),
    ('"max_quarantine_share": 0.05', '"max_quarantine_share": 5', "line 3: max_quarantine_share must be a number"),
    ('"rule": "email_syntax"', '"rule": "key_missing"', 'a second rule is called "key_missing"'),
    ('"owner": "data", ', "", 'meta needs "owner"'),
    ('{"$PARAMETER": "latest_on"}', '{"$PARAMETER": "today"}', 'unknown parameter "today"'),
    ('"column": "country"', '"column": "land"', "rule country_code asks for column land"),
    ("^[A-Z]{2}$", "^[A-Z", "has a pattern that Postgres cannot read"),
    ('"value_set": ["granted", "withdrawn"]', '"value_sets": ["granted"]',
     "rule consent_email_state has wrong arguments"),
])
def test_a_wrong_suite_is_refused_with_file_cause_and_mend(conn, warehouse_url, tmp_path, old, new, said):
    land(conn, CONTACTS, good(CONTACTS))
    root = broken_suite(tmp_path, old, new)
    with pytest.raises(ConfigError) as caught:
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged, suite_root=root)
    assert said in str(caught.value)
    assert "expectations/hubspot_contacts.json, line" in str(caught.value)


def test_a_missing_suite_is_refused(conn, warehouse_url):
    with pytest.raises(ConfigError, match=r"expectations/nowhere.json does not exist"):
        quality.check_stream(conn, warehouse_url, replace(CONTACTS, suite="nowhere"), staged=staged)


def test_after_a_refused_suite_the_next_check_is_not_locked_out(conn, warehouse_url, tmp_path):
    land(conn, CONTACTS, good(CONTACTS))
    with pytest.raises(ConfigError):
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged,
                             suite_root=broken_suite(tmp_path, '"column": "country"', '"column": "land"'))
    assert column(conn, "select count(*) from pg_locks where locktype = 'advisory'") == [0]
    assert quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).records == 1

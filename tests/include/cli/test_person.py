import uuid

import pytest

from tests.sql.conftest import insert


def ada(run) -> dict:
    done = run("person", "ada@posteo.example", "--json")
    assert done.code == 0, done.err
    (found,) = done.json["persons"]
    return found


def test_a_person_shows_records_identifiers_segments_and_consent_with_its_proof(run, merchant) -> None:
    found = ada(run)
    assert {(row["stream"], row["record_key"]) for row in found["records"] if row["shape"] == "person"} == {
        ("shopify.customers", "77"),
        ("hubspot.contacts", "9"),
    }
    assert {(row["type"], row["value"], row["joins"]) for row in found["identifiers"]} == {
        ("email", "ada@posteo.example", True),
        ("phone", "+4915112345678", True),
        ("shopify_customer", "77", True),
    }
    assert {"home_market", "outdoor_fans", "engaged_readers"} <= {row["segment"] for row in found["segments"]}
    consent = {row["purpose"]: (row["state"], row["stream"], row["text_version"]) for row in found["consent"]}
    assert consent == {"email": ("granted", "hubspot.contacts", "v3"), "ads": ("withdrawn", "shopify.customers", None)}
    assert found["profile"]["country"] == "DE"


@pytest.mark.parametrize("key", [" ADA@posteo.example ", "+49 151 12345678", "shopify_customer:77"])
def test_a_person_is_found_by_whatever_somebody_types(key, run, merchant) -> None:
    done = run("person", key, "--json")
    assert done.code == 0, done.err
    assert done.json["persons"][0]["profile"]["first_name"] == "Ada"


def test_a_person_is_found_by_todays_id_and_by_a_former_one(run, merchant, conn) -> None:
    today = ada(run)["person_id"]
    former = str(uuid.uuid4())
    insert(conn, "identity.redirect", {"old_person_id": former, "person_id": today})
    version = conn.execute("select version from segment.definition where segment = 'champions'").fetchone()[0]
    conn.execute(
        "insert into segment.membership (segment, person_id, version, entered_at, left_at, left_reason) "
        "values ('champions', %s, %s, '2026-01-01', '2026-02-01', 'merged')",
        (former, version),
    )
    conn.commit()
    for key in (today, former):
        (found,) = run("person", key, "--json").json["persons"]
        assert (found["person_id"], found["former_ids"]) == (today, [former])
        assert ("champions", "merged") in {(row["segment"], row["left_reason"]) for row in found["segments"]}


def test_what_was_sent_is_shown_with_when_why_and_the_answer(run, merchant, conn) -> None:
    today = ada(run)["person_id"]
    (membership,) = conn.execute(
        "select membership_id from segment.membership where segment = 'home_market' and person_id = %s", (today,)
    ).fetchone()
    (consent,) = conn.execute(
        "select consent_id from consent.person_consent where purpose = 'email' and person_id = %s", (today,)
    ).fetchone()
    (audience,) = conn.execute(
        "insert into audience.audience (destination, audience_key, segment, purpose) "
        "values ('mailchimp', 'home-market', 'home_market', 'email') returning audience_id"
    ).fetchone()
    insert(
        conn,
        "audience.line",
        {
            "audience_id": audience,
            "person_id": today,
            "operation": "add",
            "outcome": "rejected",
            "error_code": "compliance_state",
            "error_text": "left the list",
            "membership_id": membership,
            "consent_id": consent,
        },
    )
    conn.commit()
    (sent,) = ada(run)["deliveries"]
    assert (sent["destination"], sent["audience"], sent["operation"], sent["outcome"], sent["error_code"]) == (
        "mailchimp",
        "home-market",
        "add",
        "rejected",
        "compliance_state",
    )
    assert sent["because_of"].startswith("home_market since ")
    assert sent["consent"] == "granted 2026-01-05 by hubspot.contacts"
    shown = run("person", today).out
    assert "home-market" in shown
    assert "left the list" in shown


def test_an_identifier_that_joins_nobody_shows_everybody_who_carries_it(run, merchant, conn) -> None:
    conn.execute(
        "insert into identity.edge (record_id, identifier_id, raw_value, dropped_reason) "
        "select r.record_id, i.identifier_id, 'x', 'shared' from identity.record r, identity.identifier i "
        "where r.record_key = '10' and i.value = 'ada@posteo.example'"
    )
    conn.commit()
    done = run("person", "ada@posteo.example", "--json")
    assert {found["profile"]["first_name"] for found in done.json["persons"]} == {"Ada", "Bo"}


@pytest.mark.parametrize(
    "key", ["nobody@posteo.example", "00000000-0000-0000-0000-000000000001", "shopify_customer:78"]
)
def test_whoever_is_not_known_is_not_found(key, run, merchant) -> None:
    done = run("person", key)
    assert (done.code, done.out, done.err.strip()) == (1, "", "No person is known by that.")


def test_what_can_be_no_identifier_is_wrong_use(run, merchant) -> None:
    done = run("person", "what?")
    assert done.code == 2
    assert "neither an e-mail address" in done.err


def test_markup_in_a_value_is_shown_as_it_is(run, merchant, conn) -> None:
    conn.execute("update profile.person set city = '[bold]x[/nope]' where first_name = 'Ada'")
    conn.commit()
    done = run("person", "ada@posteo.example")
    assert done.code == 0
    assert "[bold]x[/nope]" in done.out

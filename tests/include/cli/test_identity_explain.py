"""Why two ends are one person or not, and what one person is made of, as the command says it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.identity.build import build_persons
from include.identity.rules import IdentifierRule, IdentityRules, Limit
from tests.include.cli.conftest import DAY, Ran, record

CRM, SHOP, MAIL = "hubspot.contacts", "shopify.customers", "mailchimp.members"
WORDS = ("ada@posteo", "ada.l@posteo", "+4915112345678", "bo@posteo", "info@firm")


def made(days: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)


@pytest.fixture
def chained(conn: psycopg.Connection) -> psycopg.Connection:
    """Ada: a chain of three records over phone and customer number; Bo, who shares a role mailbox; Cy, alone."""
    record(conn, CRM, "1", email="ada@posteo.example", phone="+49 151 12345678", first_name="Ada", created_at=made(1))
    record(conn, SHOP, "77", phone="+4915112345678", ids=Jsonb({"shopify_customer": "77"}), created_at=made(2))
    record(
        conn,
        MAIL,
        "m1",
        email="info@firm.example",
        ids=Jsonb({"shopify_customer": "77"}),
        first_name="Ada",
        created_at=made(3),
    )
    record(conn, CRM, "2", email="info@firm.example", ids=Jsonb({"email": "bo@posteo.example"}), created_at=made(4))
    record(conn, CRM, "3", email="cy@mailhaus.example", created_at=made(5))
    build_persons(conn, as_of=DAY)
    conn.commit()
    return conn


def person_of(conn: psycopg.Connection, key: str) -> UUID:
    return conn.execute("select person_id from identity.record where record_key = %s", (key,)).fetchone()[0]


def link(run, a: str, b: str, *more: str) -> Ran:
    done = run("identity", "explain", "link", a, b, *more)
    assert done.code == 0, done.err
    return done


def test_the_chain_names_every_record_and_value_between_two_ends(run, chained) -> None:
    found = link(run, f"{CRM}:1", f"{MAIL}:m1", "--json").json
    assert found["verdict"] == "joined"
    assert [(step["stream"], step["record"], step["what"], step["why_not"]) for step in found["steps"]] == [
        (CRM, "1", "phone", None),
        (SHOP, "77", "phone", None),
        (SHOP, "77", "shopify_customer", None),
        (MAIL, "m1", "shopify_customer", None),
    ]
    assert found["steps"][0]["record_first_seen_at"] == "2026-01-02T00:00:00+00:00"
    assert found["because"] == ["One person: 2 values and 3 records lead from one to the other."]


def test_an_end_is_a_record_a_person_or_an_identifier(run, chained) -> None:
    person = str(person_of(chained, "1"))
    for end in (
        "email= ADA@posteo.example",
        "Ada@posteo.example",
        "phone=+49 151 12345678",
        "shopify_customer=77",
        person,
        f"{SHOP}:77",
    ):
        assert link(run, end, f"{MAIL}:m1", "--json").json["verdict"] == "joined"


def test_ends_are_apart_with_the_link_that_was_dropped_and_its_reason(run, chained) -> None:
    found = link(run, f"{CRM}:1", f"{CRM}:2", "--json").json
    assert found["verdict"] == "apart"
    dropped = {(step["record"], step["what"], step["why_not"]) for step in found["steps"] if step["why_not"]}
    assert dropped == {
        ("m1", "email", "role mailbox (2 records carry it)"),
        ("2", "email", "role mailbox (2 records carry it)"),
    }
    assert [(one["type"], one["why_not"]) for one in found["shared"]] == [("email", "role mailbox")]
    assert "does not join them: role mailbox" in found["because"][1]


def test_a_limit_that_dropped_the_link_is_named(run, chained) -> None:
    rules = IdentityRules(20, (), (IdentifierRule("phone", 1), IdentifierRule("email", 2, (Limit(1, "ever"),))))
    record(chained, CRM, "4", email="ada.l@posteo.example", phone="+4915112345678", created_at=made(6))
    record(chained, CRM, "5", email="ada.l@posteo.example", created_at=made(7))
    build_persons(chained, as_of=DAY, rules=rules)
    chained.commit()
    found = link(run, f"{CRM}:1", f"{CRM}:5", "--json").json
    assert (found["verdict"], [one["why_not"] for one in found["shared"]]) == (
        "apart",
        ["the person would have more than 1 email"],
    )
    assert [step["why_not"] for step in found["steps"] if step["why_not"]] == [
        "the person would have more than 1 email"
    ]
    dropped = run("identity", "explain", "person", f"{CRM}:1", "--json").json["dropped"]
    assert ("email", "the person would have more than 1 email") in {(one["type"], one["why_not"]) for one in dropped}


def test_an_accepted_proposal_is_a_link_of_the_chain(run, chained) -> None:
    chained.execute(
        "insert into identity.link (stream_a, record_key_a, stream_b, record_key_b, weight, accepted_by) "
        "values (%(crm)s, '1', %(crm)s, '3', 12.5, 'ada')",
        {"crm": CRM},
    )
    chained.commit()
    assert link(run, f"{CRM}:1", f"{CRM}:3", "--json").json["verdict"] == "waiting"
    build_persons(chained, as_of=DAY)
    chained.commit()
    found = link(run, f"{CRM}:1", f"{CRM}:3", "--json").json
    assert (found["verdict"], {step["what"] for step in found["steps"]}) == ("joined", {"match"})
    assert "accepted by ada" in found["steps"][0]["value"]


def test_the_chain_through_a_person_of_thousands_of_records_is_found_whole(run, conn) -> None:
    size = 2_000
    conn.execute(
        "insert into identity.record (shape, stream, record_key, first_seen_at, person_id) select 'person', %s, "
        "n::text, timestamptz '2026-01-01', '00000000-0000-0000-0000-000000000007' from generate_series(1, %s) as n",
        (CRM, size),
    )
    conn.execute(
        "insert into identity.identifier (type, value) select 'device', n from generate_series(1, %s) n", (size,)
    )
    conn.execute(
        "insert into identity.edge (record_id, identifier_id, raw_value) select r.record_id, i.identifier_id, '' "
        "from identity.record r "
        "cross join lateral (values (r.record_key), ((r.record_key::int + 1)::text)) as v (value) "
        "inner join identity.identifier i on v.value = i.value"
    )
    conn.commit()
    found = link(run, f"{CRM}:1", f"{CRM}:{size}", "--json").json
    assert (found["verdict"], len(found["steps"])) == ("joined", 2 * (size - 1))
    assert f"… {2 * (size - 1) - 40:,} links" in link(run, f"{CRM}:1", f"{CRM}:{size}").out


def test_ends_that_share_nothing_are_said_to_share_nothing(run, chained) -> None:
    found = link(run, f"{CRM}:1", f"{CRM}:3", "--json").json
    assert (found["verdict"], found["steps"], found["shared"]) == ("apart", [], [])
    assert "No chain of values leads from one to the other" in found["because"][-1]


def test_a_record_its_source_deleted_is_nobodys(run, chained) -> None:
    chained.execute("delete from staging.person_record where record_key = '3'")
    chained.execute("insert into staging.changed_record (stream, record_key, batch_id) values (%s, '3', 0)", (CRM,))
    build_persons(chained, as_of=DAY)
    chained.commit()
    found = link(run, f"{CRM}:3", f"{CRM}:1", "--json").json
    assert found["verdict"] == "apart"
    assert f"{CRM}:3 was deleted by its source" in found["because"][1]


def test_values_are_masked_unless_they_are_asked_for_and_asking_is_written_down(run, chained) -> None:
    person = str(person_of(chained, "1"))
    for arguments in (
        ("link", f"{CRM}:1", f"{CRM}:2"),
        ("link", "email=ada@posteo.example", person),
        ("person", person),
    ):
        for form in ((), ("--json",)):
            shown = run("identity", "explain", *arguments, *form)
            assert shown.code == 0, shown.err
            assert [word for word in WORDS if word in shown.out] == []
    assert chained.execute("select count(*) from ops.audit").fetchone() == (0,)
    shown = run("identity", "explain", "person", person, "--show-values", "--by", "dpo")
    assert "ada@posteo.example" in shown.out
    chained.rollback()
    assert chained.execute("select actor, action, subject from ops.audit").fetchall() == [
        ("dpo", "identity values shown", f"person {person}")
    ]


def test_who_may_not_write_the_audit_is_shown_no_values(run, chained) -> None:
    chained.execute("alter table ops.audit rename to audit_gone")
    chained.commit()
    shown = run("identity", "explain", "person", f"{CRM}:1", "--show-values")
    chained.execute("alter table ops.audit_gone rename to audit")
    chained.commit()
    assert shown.code == 2
    assert "ada@posteo" not in shown.out + shown.err


def test_an_end_is_read_from_stdin(run, chained, monkeypatch) -> None:
    from io import StringIO

    monkeypatch.setattr("sys.stdin", StringIO("email=ada@posteo.example\nshopify_customer=77\n"))
    assert link(run, "-", "-", "--json").json["verdict"] == "joined"


UNKNOWN = (
    (f"{CRM}:99", 1, "No record hubspot.contacts:99 is known"),
    ("email=no@where.example", 1, "No record carries the email n***@w***.example."),
    ("00000000-0000-0000-0000-000000000001", 1, "No person 00000000"),
    ("a+x=b@posteo.example", 1, "No record carries the email a***@p***.example."),
    ("posteo, or what", 2, "type=value"),
)


def test_an_end_nobody_knows_is_refused_in_words_that_name_nobody(run, chained) -> None:
    for end, code, text in UNKNOWN:
        done = run("identity", "explain", "link", end, f"{CRM}:1")
        assert (done.code, done.out) == (code, "")
        assert text in done.err
        assert "posteo" not in done.err and "no@where" not in done.err


def test_a_former_id_leads_to_todays_person_with_the_merge_and_the_record_it_was_made_of(run, chained) -> None:
    former = person_of(chained, "3")
    record(chained, CRM, "bridge", email="cy@mailhaus.example", phone="+4915112345678", created_at=made(9))
    build_persons(chained, as_of=DAY)
    chained.commit()
    found = run("identity", "explain", "person", str(former), "--json").json
    today = str(person_of(chained, "1"))
    assert found["person_id"] == today
    assert [(one["old_person_id"], one["record"]) for one in found["former"]] == [(str(former), f"{CRM}:3")]
    assert [
        (one["kind"], one["from_person_id"], one["to_person_id"], one["records"], one["because"])
        for one in found["changes"]
    ] == [("merge", str(former), today, 1, "records and rules")]
    steps = link(run, str(former), today, "--json").json["steps"]
    assert (steps[0]["record"], steps[-1]["record"]) == ("3", "1")


def test_a_person_is_told_with_records_identifiers_dropped_links_consent_and_audiences(run, chained) -> None:
    found = run("identity", "explain", "person", f"{SHOP}:77", "--json").json
    assert [(one["record"], one["links"]) for one in found["records"]] == [
        (f"{CRM}:1", 2),
        (f"{SHOP}:77", 2),
        (f"{MAIL}:m1", 1),
    ]
    assert {(one["type"], one["joins"], one["dropped"], one["carried_by"]) for one in found["identifiers"]} == {
        ("phone", 2, 0, 2),
        ("shopify_customer", 2, 0, 2),
        ("email", 1, 0, 1),
        ("email", 0, 1, 2),
    }
    assert [(one["record"], one["type"], one["why_not"]) for one in found["dropped"]] == [
        (f"{MAIL}:m1", "email", "role mailbox")
    ]
    shown = run("identity", "explain", "person", f"{SHOP}:77").out
    for heading in (
        "Records (3)",
        "Links that do not hold (1)",
        "Merges and splits: never merged",
        "Audiences: in none",
    ):
        assert heading in shown


def test_a_value_that_joins_nobody_is_no_person(run, chained) -> None:
    done = run("identity", "explain", "person", "email=info@firm.example")
    assert done.code == 1
    assert "joins nobody" in done.err and str(person_of(chained, "1")) in done.err

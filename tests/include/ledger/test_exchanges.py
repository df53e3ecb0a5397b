"""A batch's request and answer can be looked at, and nobody is found in them."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from include.cli.app import NotFoundError
from include.cli.exchanges import commands
from include.destinations.mailchimp import MailchimpDestination
from include.errors import RetriableError
from include.ledger import exchanges
from include.ledger.audiences import Declared
from include.ledger.sync import sync_destination
from include.masked_json import masked, masked_path
from tests.include.ledger.world import AS_OF, KEY, SEGMENT, World
from tests.standins import Standins

CANARIES = ("zanzibar.ocelot@quokka.example", "Zephyrine", "Quillfeather", "bad address")


NUMBERS = ("4711004711", "+4915112345678")


@pytest.fixture
def delivered(warehouse_url: str, empty_standins: Standins) -> Iterator[World]:
    """Three people sent to Mailchimp, one of whom it refuses."""
    world = World(warehouse_url)
    world.person(CANARIES[0], first_name=CANARIES[1])
    world.person("second.ocelot@quokka.example", first_name=CANARIES[2])
    world.person(CANARIES[3])
    sync_destination(
        warehouse_url,
        MailchimpDestination(**empty_standins.account("mailchimp")),
        as_of=AS_OF,
        run_id="run",
        declared=[Declared("mailchimp", KEY, SEGMENT, "email", {"limits": {}})],
    )
    yield world
    world.close()


def calls(world: World) -> list[dict[str, Any]]:
    """What is kept, oldest first."""
    with world.conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute("select * from audience.exchange order by exchange_id").fetchall()


def test_each_call_of_a_batch_is_kept_with_what_was_asked_and_answered(
    delivered: World, empty_standins: Standins
) -> None:
    kept = calls(delivered)
    batch_id = delivered.one("select batch_id from audience.batch")
    assert {call["batch_id"] for call in kept} == {batch_id}
    sent = [one for one in empty_standins.recorded("mailchimp", "POST") if one.json().get("members")]
    [put] = [call for call in kept if call["request"] and '"members":[' in call["request"]]
    assert (put["method"], put["status"], put["request_bytes"], put["answer_bytes"]) == (
        "POST", 200, len(sent[0].body), len(sent[0].answer),
    )  # fmt: skip
    assert json.loads(put["request"]) == {
        "members": [
            {"email_address": "<text>", "status": "subscribed", "merge_fields": {"FNAME": "<text>"}},
            {"email_address": "<text>", "status": "subscribed", "merge_fields": {"FNAME": "<text>"}},
            "<1 more>",
        ],
        "update_existing": False,
    }
    answer = json.loads(put["answer"])
    assert (answer["total_created"], answer["error_count"]) == (2, 1)


def test_nobody_is_found_in_what_is_kept(delivered: World) -> None:
    """Whole requests lie in logs of other tools, addresses and names included."""
    kept = calls(delivered)
    assert kept
    text = str([{**call, "at": None} for call in kept]).casefold()
    for canary in (*CANARIES, *(one.partition("@")[0] for one in CANARIES)):
        assert canary.casefold() not in text
        for algorithm in ("md5", "sha256"):
            assert hashlib.new(algorithm, canary.lower().encode()).hexdigest() not in text


@pytest.mark.parametrize(
    "value",
    [
        {"data": [list(CANARIES)], "phone": NUMBERS[1], "id": int(NUMBERS[0])},
        {"profiles": [{"attributes": {"city": CANARIES[1], "zip": NUMBERS[0], "code": CANARIES[0]}}]},
        {"errors": [{"message": f"{CANARIES[0]} looks fake", "context": {"ids": [NUMBERS[0]]}}]},
        {CANARIES[0]: 1, "samples": {CANARIES[0]: CANARIES[1]}},
        {"rows": [{"order_count": int(NUMBERS[0]), "spent_total": 4711004711.5, "total": int(NUMBERS[0])}]},
        {"hash": hashlib.sha256(CANARIES[0].encode()).hexdigest()},
        [CANARIES[0]] * 3,
        f"{CANARIES[0]};{CANARIES[1]}",
        CANARIES[0].encode(),
    ],
    ids=["rows", "fields", "sentences", "keys", "numbers", "hashes", "list", "text", "bytes"],
)
def test_whatever_form_a_body_has_its_values_are_masked(value: Any) -> None:
    kept = masked(value)
    for canary in (*CANARIES, *NUMBERS, hashlib.sha256(CANARIES[0].encode()).hexdigest()):
        assert canary not in kept


def test_codes_counts_and_structure_are_left_to_look_at() -> None:
    errors = [{"code": "invalid", "status": 400}]
    answer = {"num_received": 10_000, "num_invalid_entries": 3, "errors": errors, "ok": True}
    assert json.loads(masked(answer)) == answer


def test_a_body_of_any_size_is_kept_short() -> None:
    assert len(masked({f"key_{n}": ["x"] * 10 for n in range(10_000)})) < 5_000


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/lists/a1/members/0cc175b9c0f1b6a831c399e269772661", "/lists/a1/members/…"),
        ("/contacts/ann%40x.example?identifierType=email", "/contacts/…"),
        ("/contacts/customer-4711", "/contacts/…"),
        ("/crm/v3/objects/contacts/501", "/crm/v3/objects/contacts/…"),
        ("/crm/v3/objects/contacts/batch/upsert", "/crm/v3/objects/contacts/batch/upsert"),
        ("/act_12/customaudiences", "/act_12/customaudiences"),
        ("/23842/users", "/23842/users"),
    ],
)
def test_ids_of_people_are_masked_in_a_path(path: str, kept: str) -> None:
    assert masked_path(path) == kept


def test_what_is_older_than_the_retention_is_forgotten(delivered: World) -> None:
    before = len(calls(delivered))
    delivered.conn.execute(
        "update audience.exchange set at = now() - interval '31 days'"
        " where exchange_id = (select min(exchange_id) from audience.exchange)"
    )
    assert exchanges.prune(delivered.conn) == 1
    assert len(calls(delivered)) == before - 1


def test_a_call_that_got_no_answer_is_kept_too(delivered: World, empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "mailchimp", "kind": "reset", "method": "POST"})
    delivered.person("third@quokka.example")
    with pytest.raises(RetriableError):
        sync_destination(
            delivered.url,
            MailchimpDestination(**empty_standins.account("mailchimp"), tries=1),
            as_of=AS_OF,
            run_id="run",
            declared=[Declared("mailchimp", KEY, SEGMENT, "email", {"limits": {}})],
        )
    last = calls(delivered)[-1]
    assert (last["method"], last["status"], last["answer"]) == ("POST", None, None)


def test_the_command_shows_a_batch_s_calls(delivered: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", delivered.url)
    batch = str(delivered.one("select batch_id from audience.batch"))
    shown = CliRunner().invoke(commands, ["show", "--batch", batch, "--json"])
    assert shown.exit_code == 0
    document = json.loads(shown.stdout)
    assert document["batch"]["sent"] == 3
    assert [call["path"] for call in document["exchanges"]] == [call["path"] for call in calls(delivered)]
    table = CliRunner().invoke(commands, ["show", "--batch", batch])
    assert "1 rejected" in table.stdout
    assert CANARIES[0] not in table.stdout


def test_the_command_says_when_there_is_no_such_batch(delivered: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", delivered.url)
    with pytest.raises(NotFoundError, match="There is no batch 99999"):
        CliRunner().invoke(commands, ["show", "--batch", "99999"], catch_exceptions=False)


def test_a_delivery_goes_on_when_nothing_can_be_kept(delivered: World, empty_standins: Standins) -> None:
    delivered.conn.execute("alter table audience.exchange rename to elsewhere")
    delivered.person("third@quokka.example")
    [result] = sync_destination(
        delivered.url,
        MailchimpDestination(**empty_standins.account("mailchimp")),
        as_of=AS_OF,
        run_id="run",
        declared=[Declared("mailchimp", KEY, SEGMENT, "email", {"limits": {}})],
    )
    assert result.added == 1

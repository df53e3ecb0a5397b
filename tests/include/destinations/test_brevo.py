"""Brevo, against its stand-in: what is special to it. What all destinations share is in contract/."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from requests import Response

from include.brevo_api import classify
from include.destinations.base import Answer, Audience, Member
from include.destinations.brevo import BrevoDestination
from include.destinations.brevo_requests import MAX_BYTES
from include.errors import AudienceflowError, AuthError, FatalError, QuotaError
from tests.conformance import check_openapi
from tests.include.standins.test_standin_brevo import FAULTS_OF_THE_FILE, PREFIX, Brevo, row
from tests.standins import Standins


def make(standins: Standins, **arguments: Any) -> BrevoDestination:
    account = standins.account("brevo")
    return BrevoDestination(account["base_url"], account["token"], **{"tries": 2, "poll_seconds": 0, **arguments})


@pytest.fixture
def brevo(empty_standins: Standins) -> BrevoDestination:
    return make(empty_standins)


@pytest.fixture
def vip(brevo: BrevoDestination) -> Audience:
    wanted = Audience(1, "brevo", "vip", "segment", "email")
    return replace(wanted, remote_id=brevo.open_audience(wanted))


@pytest.fixture
def caller(empty_standins: Standins) -> Brevo:
    return Brevo(empty_standins)


def people(*addresses: str, **fields: str) -> list[Member]:
    return [Member(place, {"email": address}, fields) for place, address in enumerate(addresses)]


def result(
    standins: Standins, brevo: BrevoDestination, audience: Audience, members: list[Member], answer: Answer
) -> Any:
    """What became of an import, when the platform has worked it off."""
    standins.advance(60)
    confirmed = brevo.confirm_members(audience, str(answer.job_id), lambda: members)
    assert confirmed is not None
    return {one.row: (one.outcome, one.code) for one in confirmed.exceptions}


def test_the_list_is_made_once_in_a_folder_of_our_own(brevo: BrevoDestination, empty_standins: Standins) -> None:
    wanted = Audience(1, "brevo", "vip", "segment", "email")
    first = brevo.open_audience(wanted)
    assert brevo.open_audience(wanted) == first
    [folder] = [one for one in empty_standins.documents("brevo", "folder").values() if one["id"] != "1"]
    assert folder["body"]["name"] == "audienceflow"
    assert brevo.has_audience(replace(wanted, remote_id=first))
    assert not brevo.has_audience(replace(wanted, remote_id="99"))


def test_people_are_imported_confirmed_and_taken_off(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins
) -> None:
    empty_standins.settings({"brevo.process_seconds": 30})
    both = people("A@x.example", "b@x.example", first_name="Ann")
    answer = brevo.add(vip, both)
    assert brevo.confirm(vip, str(answer.job_id)) is None
    assert result(empty_standins, brevo, vip, both, answer) == {}
    assert empty_standins.members("brevo")["vip"] == ["a@x.example", "b@x.example"]
    removed = brevo.remove(vip, [*both[:1], Member(1, {"email": "never@x.example"}), Member(2, {"email": "odd..@x"})])
    assert removed.exceptions == ()
    assert brevo.confirm_members(vip, str(removed.job_id), list) == Answer(job_id=removed.job_id)
    assert empty_standins.members("brevo")["vip"] == ["b@x.example"]


def test_a_removal_of_many_takes_a_hundred_and_fifty_a_call_and_survives_an_odd_address(
    brevo: BrevoDestination, vip: Audience, caller: Brevo
) -> None:
    rows = [row(f"p{number}@x.example") for number in range(301)]
    caller.imported([int(vip.remote_id or 0)], *rows)
    members = people(*(one["email"] for one in rows))
    members[7] = Member(7, {"email": "odd..one@x.example"})
    assert brevo.remove(vip, members).exceptions == ()
    assert caller.standins.members("brevo")["vip"] == ["p7@x.example"]
    sizes = [len(one.json()["emails"]) for one in caller.standins.recorded("brevo", path="%/remove")]
    assert max(sizes) == 150


def test_nobody_is_taken_off_the_blacklist_or_put_back_on_a_list_they_left(
    brevo: BrevoDestination, vip: Audience, caller: Brevo
) -> None:
    number = int(vip.remote_id or 0)
    caller.imported([number], row("black@x.example"), row("left@x.example"), row("stays@x.example"))
    caller.call("PUT", "/contacts/black@x.example", {"emailBlacklisted": True})
    documents = caller.standins.documents("brevo", "contact")
    [left] = [one for one in documents.values() if one["body"]["email"] == "left@x.example"]
    caller.call("PUT", "/contacts/left@x.example", {"unlinkListIds": [number]})
    unsubscribed = {**left["body"], "listIds": [], "_left": [number]}
    caller.standins.put("brevo", "contact", {"id": left["id"], "body": unsubscribed})
    caller.standins.forget_requests()
    everybody = people("black@x.example", "left@x.example", "stays@x.example", "new@x.example")
    for call in (brevo.add, brevo.update):
        answer = call(vip, everybody)
        assert {one.row: (one.outcome, one.code) for one in answer.exceptions} == {
            0: ("rejected", "blacklisted"),
            1: ("rejected", "unsubscribed"),
        }
        assert result(caller.standins, brevo, vip, everybody[2:], answer) == {}
    assert caller.contact("black@x.example")["emailBlacklisted"] is True
    assert caller.contact("left@x.example")["listUnsubscribed"] == [number]
    imports = [one.json() for one in caller.standins.recorded("brevo", path="%/import")]
    assert not any("lacklist" in name for one in imports for name in one)


def test_a_row_the_import_left_out_is_found_and_named(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins
) -> None:
    members = people("a@x.example", "two..dots@x.example", "b@x.example")
    answer = brevo.add(vip, members)
    assert result(empty_standins, brevo, vip, members, answer) == {1: ("rejected", "address_refused")}


def test_an_import_that_failed_as_a_whole_is_made_again(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins
) -> None:
    empty_standins.settings({"brevo.imports_fail": True})
    members = people("a@x.example", "b@x.example")
    answer = brevo.add(vip, members)
    failed = ("retriable", "not_on_list")
    assert result(empty_standins, brevo, vip, members, answer) == {0: failed, 1: failed}


def test_whom_an_import_at_work_would_bring_back_is_taken_off_again_when_it_is_over(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins
) -> None:
    empty_standins.settings({"brevo.process_seconds": 1000})
    left, stays = people("left@x.example", "stays@x.example")
    brevo.add(vip, [left, stays])
    removal = brevo.remove(vip, [left])
    assert removal.exceptions == ()
    assert make(empty_standins).confirm_members(vip, str(removal.job_id), lambda: [left]) is None
    empty_standins.advance(2000)
    assert "left@x.example" in empty_standins.members("brevo")["vip"]
    assert result(empty_standins, make(empty_standins), vip, [left], removal) == {}
    assert empty_standins.members("brevo")["vip"] == ["stays@x.example"]


def test_a_later_run_can_confirm_what_an_earlier_one_imported(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins
) -> None:
    members = people("a@x.example", "two..dots@x.example")
    answer = brevo.add(vip, members)
    later = make(empty_standins)
    assert result(empty_standins, later, vip, members, answer) == {1: ("rejected", "address_refused")}


def test_a_cleared_column_is_cleared_and_nobody_else_s(brevo: BrevoDestination, vip: Audience, caller: Brevo) -> None:
    number = int(vip.remote_id or 0)
    addresses = ("a@x.example", "b@x.example", "c@x.example")
    caller.imported([number], *(row(address, FIRSTNAME="Ann", LASTNAME="Lee") for address in addresses))
    members = [
        Member(0, {"email": addresses[0]}, {"first_name": "Eve"}, cleared=("last_name",)),
        Member(1, {"email": addresses[1]}, {}, cleared=("first_name",)),
        Member(2, {"email": addresses[2]}, {"first_name": "Zoe"}),
    ]
    answer = brevo.update(vip, members)
    assert result(caller.standins, brevo, vip, members, answer) == {}
    assert [caller.contact(address)["attributes"] for address in addresses] == [
        {"FIRSTNAME": "Eve"},
        {"LASTNAME": "Lee"},
        {"FIRSTNAME": "Zoe", "LASTNAME": "Lee"},
    ]


def test_attributes_an_account_does_not_have_are_made_before_names_are_sent(
    brevo: BrevoDestination, vip: Audience, caller: Brevo
) -> None:
    caller.call("DELETE", "/contacts/attributes/normal/LASTNAME")
    assert brevo.check().missing == ()
    answer = brevo.add(vip, people("a@x.example", first_name="Ann", last_name="Lee"))
    result(caller.standins, brevo, vip, people("a@x.example"), answer)
    assert [one.path for one in caller.standins.recorded("brevo", "POST", "%/attributes/%")] == [
        "/brevo/v3/contacts/attributes/normal/LASTNAME"
    ]


def test_an_attribute_of_another_type_is_told_before_names_are_lost(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins
) -> None:
    wrong = {"name": "FIRSTNAME", "category": "normal", "type": "float"}
    empty_standins.put("brevo", "attribute", {"id": "FIRSTNAME", "body": wrong})
    assert "FIRSTNAME is of type float" in brevo.check().missing[0]
    with pytest.raises(FatalError, match="FIRSTNAME is of type float"):
        brevo.add(vip, people("a@x.example", first_name="Ann"))


def test_an_import_stays_below_the_advised_size(brevo: BrevoDestination, vip: Audience, caller: Brevo) -> None:
    members = people(*(f"p{number}@x.example" for number in range(30)), first_name="A" * 500_000)
    answer = brevo.add(vip, members)
    bodies = [len(one.body) for one in caller.standins.recorded("brevo", path="%/import")]
    assert len(bodies) == len(str(answer.job_id).split(",")) == 2
    assert max(bodies) < MAX_BYTES + 1000


def test_processes_are_asked_about_in_one_call_and_seldom(vip: Audience, empty_standins: Standins) -> None:
    brevo = make(empty_standins, poll_seconds=60)
    jobs = [str(brevo.add(vip, people(f"p{number}@x.example")).job_id) for number in range(3)]
    empty_standins.forget_requests()
    assert [brevo.confirm(vip, job) for job in jobs * 3] == [None] * 9
    assert len(empty_standins.recorded("brevo")) == 1


def test_used_up_calls_of_the_hour_leave_a_job_to_the_next_run(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins
) -> None:
    answer = brevo.add(vip, people("a@x.example"))
    empty_standins.faults({"platform": "brevo", "kind": "throttle", "path": "processes", "seconds": 3000})
    empty_standins.advance(60)
    assert brevo.confirm(vip, str(answer.job_id)) is None


def test_one_of_many_contacts_is_asked_about_by_itself_and_few_contacts_are_read_at_once(
    brevo: BrevoDestination, vip: Audience, caller: Brevo
) -> None:
    rows = [row(f"p{number}@x.example") for number in range(2100)]
    caller.imported([int(vip.remote_id or 0)], *rows)
    caller.standins.forget_requests()
    answer = brevo.add(vip, people("p2000@x.example"))
    assert result(caller.standins, brevo, vip, people("p2000@x.example"), answer) == {}
    singles = [one for one in caller.standins.recorded("brevo", "GET") if "p2000" in one.path]
    assert len(singles) == 2
    caller.standins.forget_requests()
    many = people(*(f"p{number}@x.example" for number in range(50)))
    assert result(caller.standins, brevo, vip, many, brevo.add(vip, many)) == {}
    assert len(caller.standins.recorded("brevo", "GET", "%/contacts")) == 3 + 5


def test_a_throttle_waits_as_long_as_the_vendor_s_header_says() -> None:
    throttled = Response()
    throttled.status_code, throttled._content = 429, b"{}"
    throttled.headers["x-sib-ratelimit-reset"] = "7"
    error = classify(throttled)
    assert isinstance(error, QuotaError)
    assert error.retry_after == 7


def test_refused_credentials_stop_at_once(brevo: BrevoDestination, vip: Audience, empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "brevo", "kind": "expired_token"})
    empty_standins.forget_requests()
    with pytest.raises(AuthError):
        brevo.add(vip, people("a@x.example"))
    assert len(empty_standins.recorded("brevo")) == 1


def test_no_address_is_in_a_log_or_an_error_though_a_path_may_have_one(
    brevo: BrevoDestination, vip: Audience, caller: Brevo, caplog: pytest.LogCaptureFixture
) -> None:
    caller.imported([int(vip.remote_id or 0)], *(row(f"p{number}@x.example") for number in range(2001)))
    caplog.set_level(logging.DEBUG)
    path = "contacts/canary"
    for fault in ({"kind": "error", "status": 500}, {"kind": "throttle", "seconds": 3000}, {"kind": "reset"}):
        caller.standins.faults({"platform": "brevo", "path": path, **fault})
        with pytest.raises(AudienceflowError) as caught:
            brevo.add(vip, people("canary@x.example"))
        told = caplog.text + str(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)
        assert "canary" not in told
        assert "GET /contacts/{identifier}" in str(caught.value)


def test_requests_carry_only_what_the_specification_declares(
    brevo: BrevoDestination, vip: Audience, empty_standins: Standins, vendor_specs: str
) -> None:
    members = people("a@x.example", "two..dots@x.example", first_name="Mary")
    answer = brevo.add(vip, members)
    result(empty_standins, brevo, vip, members, answer)
    brevo.remove(vip, members)
    brevo.has_audience(vip)
    brevo.check()
    spec = Path(vendor_specs) / "brevo/brevo-v3.openapi.json"
    recorded = empty_standins.recorded("brevo")
    assert len(recorded) > 10
    assert check_openapi(spec, recorded, PREFIX, allowed=FAULTS_OF_THE_FILE) == []

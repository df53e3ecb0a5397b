"""Mailchimp, against its stand-in: a tag follows the audience, and nobody's status ever changes."""

import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Barrier

import pytest
from requests import Response

from include.destinations.base import Audience, Member
from include.destinations.mailchimp import MailchimpDestination, classify, member_id
from include.errors import AuthError, FatalError, QuotaError
from include.mailchimp_api import CONNECTIONS
from include.standins.mailchimp_shapes import member_body
from tests.conformance import check_openapi
from tests.include.destinations.conftest import LIST, audience
from tests.include.sources.small_server import Answer, Asked, serving
from tests.standins import Standins

VIP = Audience(1, "mailchimp", "vip", "champions", "email", {}, "7")
SPECIFICATION = "mailchimp/mailchimp-marketing-3.0.openapi.json"


def people(*addresses: str, **fields: str) -> list[Member]:
    return [Member(row, {"email": address}, fields) for row, address in enumerate(addresses)]


def on_list(standins: Standins, status: str, *addresses: str, **merge: str) -> None:
    standins.put("mailchimp", f"member:{LIST}", *(
        {"id": member_id(address), "archived": status == "archived",
         "body": member_body(LIST, address, status=status, changed_ms=1, merge_fields=merge)} for address in addresses
    ))  # fmt: skip


def tagged(standins: Standins, key: str = "vip") -> Mapping[str, str]:
    return standins.members("mailchimp").get(key, {})


def status(standins: Standins, address: str) -> str:
    return standins.documents("mailchimp", f"member:{LIST}")[member_id(address)]["body"]["status"]


def merge_fields(standins: Standins, address: str) -> Mapping[str, str]:
    return standins.documents("mailchimp", f"member:{LIST}")[member_id(address)]["body"]["merge_fields"]


def test_a_tag_is_made_once_and_found_on_any_page(mailchimp: MailchimpDestination, empty_standins: Standins) -> None:
    first = audience(mailchimp, "VIP").remote_id
    assert audience(mailchimp, "vip").remote_id == first
    assert [one["body"]["name"] for one in empty_standins.documents("mailchimp", f"segment:{LIST}").values()] == ["VIP"]


def test_new_people_are_put_on_the_list_and_tagged(mailchimp: MailchimpDestination, empty_standins: Standins) -> None:
    answer = mailchimp.add(audience(mailchimp), people("Ada@shop.example", "bob@shop.example", first_name="Ada"))
    assert answer.exceptions == ()
    assert tagged(empty_standins) == {"ada@shop.example": "subscribed", "bob@shop.example": "subscribed"}
    assert merge_fields(empty_standins, "bob@shop.example")["FNAME"] == "Ada"


@pytest.mark.parametrize("left", ["unsubscribed", "cleaned", "archived"])
def test_pain_14_who_left_is_never_brought_back(
    mailchimp: MailchimpDestination, empty_standins: Standins, left: str
) -> None:
    on_list(empty_standins, left, "left@shop.example")
    answer = mailchimp.add(audience(mailchimp), people("ada@shop.example", "left@shop.example"))
    assert [(one.row, one.outcome, one.code) for one in answer.exceptions] == [(1, "rejected", left)]
    assert status(empty_standins, "left@shop.example") == left
    assert set(tagged(empty_standins)) == {"ada@shop.example"}


def test_who_was_archived_is_no_member_any_more_and_leaves_without_the_tag(
    mailchimp: MailchimpDestination, empty_standins: Standins
) -> None:
    vip, both = audience(mailchimp), people("stays@shop.example", "leaves@shop.example", first_name="Ada")
    mailchimp.add(vip, both)
    for id, held in empty_standins.documents("mailchimp", f"member:{LIST}").items():
        body = {**held["body"], "status": "archived"}
        empty_standins.put("mailchimp", f"member:{LIST}", {**held, "id": id, "archived": True, "body": body})
    assert tagged(empty_standins) == {}
    account = empty_standins.account("mailchimp")
    tomorrow = MailchimpDestination(account["base_url"], account["token"], LIST)
    told = tomorrow.update(vip, both[:1])
    assert [(one.outcome, one.code, one.absent) for one in told.exceptions] == [("rejected", "archived", True)]
    assert tomorrow.remove(vip, both[1:]).exceptions == ()
    tags = {
        held["body"]["email_address"]: [tag["name"] for tag in held["body"]["tags"]]
        for held in empty_standins.documents("mailchimp", f"member:{LIST}").values()
    }
    assert tags == {"stays@shop.example": ["vip"], "leaves@shop.example": []}


@pytest.mark.parametrize("kept", ["subscribed", "pending", "transactional"])
def test_a_member_keeps_its_status_and_gets_tag_and_fields(
    mailchimp: MailchimpDestination, empty_standins: Standins, kept: str
) -> None:
    on_list(empty_standins, kept, "ada@shop.example", FNAME="Old", LNAME="Kept")
    answer = mailchimp.add(audience(mailchimp), people("ADA@shop.example", first_name="Ada"))
    assert answer.exceptions == ()
    assert tagged(empty_standins) == {"ada@shop.example": kept}
    assert merge_fields(empty_standins, "ada@shop.example").items() >= {"FNAME": "Ada", "LNAME": "Kept"}.items()


def test_pain_34_a_missing_value_clears_nothing(mailchimp: MailchimpDestination, empty_standins: Standins) -> None:
    on_list(empty_standins, "subscribed", "ada@shop.example", FNAME="Ada")
    vip = audience(mailchimp)
    mailchimp.add(vip, people("ada@shop.example"))
    mailchimp.update(vip, people("ada@shop.example"))
    assert merge_fields(empty_standins, "ada@shop.example")["FNAME"] == "Ada"


def test_an_update_changes_fields_and_makes_nobody_a_member(
    mailchimp: MailchimpDestination, empty_standins: Standins
) -> None:
    vip = audience(mailchimp)
    mailchimp.add(vip, people("ada@shop.example", first_name="Ada"))
    on_list(empty_standins, "unsubscribed", "left@shop.example")
    answer = mailchimp.update(
        vip, people("ada@shop.example", "left@shop.example", "gone@shop.example", first_name="Eve")
    )
    assert [(one.row, one.code) for one in answer.exceptions] == [(2, "404")]
    assert merge_fields(empty_standins, "ada@shop.example")["FNAME"] == "Eve"
    assert status(empty_standins, "left@shop.example") == "unsubscribed"
    assert member_id("gone@shop.example") not in empty_standins.documents("mailchimp", f"member:{LIST}")


def test_a_removal_takes_the_tag_and_leaves_the_member(
    mailchimp: MailchimpDestination, empty_standins: Standins
) -> None:
    vip = audience(mailchimp)
    mailchimp.add(vip, people("ada@shop.example", "bob@shop.example"))
    assert mailchimp.remove(vip, people("ada@shop.example", "stranger@shop.example")).exceptions == ()
    assert set(tagged(empty_standins)) == {"bob@shop.example"}
    assert status(empty_standins, "ada@shop.example") == "subscribed"


def test_two_persons_with_one_address_are_one_member(mailchimp: MailchimpDestination, empty_standins: Standins) -> None:
    assert mailchimp.add(audience(mailchimp), people("a@shop.example", "A@shop.example")).exceptions == ()
    assert set(tagged(empty_standins)) == {"a@shop.example"}


def test_pain_30_a_refused_address_does_not_fail_the_others(
    mailchimp: MailchimpDestination, empty_standins: Standins
) -> None:
    answer = mailchimp.add(audience(mailchimp), people("ada@shop.example", "looks-fake@example.com"))
    assert [(one.row, one.outcome) for one in answer.exceptions] == [(1, "rejected")]
    assert "example.com" not in answer.exceptions[0].text
    assert set(tagged(empty_standins)) == {"ada@shop.example"}


def test_a_full_batch_is_added_again_without_a_call_a_person(
    mailchimp: MailchimpDestination, empty_standins: Standins
) -> None:
    vip, batch = audience(mailchimp), people(*(f"p{number}@shop.example" for number in range(500)), first_name="Ada")
    mailchimp.add(vip, batch)
    assert len(tagged(empty_standins)) == 500
    empty_standins.forget_requests()
    assert mailchimp.add(vip, batch).exceptions == ()
    assert len(empty_standins.recorded("mailchimp")) <= 4


def test_a_lost_answer_is_asked_again(mailchimp: MailchimpDestination, empty_standins: Standins) -> None:
    vip = audience(mailchimp)
    empty_standins.faults({"platform": "mailchimp", "kind": "lost_answer", "method": "POST", "next": 1})
    assert mailchimp.add(vip, people("ada@shop.example")).exceptions == ()
    assert set(tagged(empty_standins)) == {"ada@shop.example"}


def test_a_throttle_is_waited_for_and_a_bare_403_is_one(
    mailchimp: MailchimpDestination, empty_standins: Standins
) -> None:
    empty_standins.faults({"platform": "mailchimp", "kind": "throttle", "next": 2})
    assert audience(mailchimp).remote_id is not None
    bare, refused = Response(), Response()
    bare.status_code = refused.status_code = 403
    bare._content, refused._content = b"<html>Access Denied</html>", b'{"title": "Forbidden"}'
    assert isinstance(classify(bare), QuotaError)
    assert isinstance(classify(refused), AuthError)


def test_a_wrong_key_stops_at_once(empty_standins: Standins, mailchimp: MailchimpDestination) -> None:
    wrong = MailchimpDestination(empty_standins.account("mailchimp")["base_url"], "wrong-us1", LIST)
    with pytest.raises(AuthError):
        audience(wrong)


def test_no_address_is_in_a_log_or_an_error(
    mailchimp: MailchimpDestination, empty_standins: Standins, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vip = audience(mailchimp)
    mailchimp.add(vip, people("canary@shop.example", "canary@example.com", first_name="canary"))
    empty_standins.faults({"platform": "mailchimp", "kind": "error", "status": 400})
    with pytest.raises(FatalError) as caught:
        mailchimp.add(vip, people("canary@shop.example"))
    told = caplog.text + str(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)
    assert "canary" not in told


def test_requests_and_answers_fit_the_specification(
    mailchimp: MailchimpDestination, empty_standins: Standins, vendor_specs: str
) -> None:
    on_list(empty_standins, "unsubscribed", "left@shop.example")
    vip = audience(mailchimp)
    for _ in range(2):
        mailchimp.add(vip, people("ada@shop.example", "left@shop.example", first_name="Ada"))
    mailchimp.update(vip, people("ada@shop.example", first_name="Eve"))
    mailchimp.remove(vip, people("ada@shop.example"))
    recorded = empty_standins.recorded("mailchimp")
    assert len(recorded) > 8
    assert check_openapi(Path(vendor_specs) / SPECIFICATION, recorded, "/mailchimp/3.0") == []


def test_fields_of_many_are_changed_as_many_at_once_as_the_account_allows() -> None:
    """One after the other, the few hundred whose name changed since yesterday would take minutes."""
    together = Barrier(CONNECTIONS, timeout=20)

    def answer(asked: Asked) -> Answer:
        if asked.method == "PATCH":
            together.wait()  # breaks when fewer come, and no call is answered
            return Answer({})
        return Answer({"members": [], "total_items": 0})

    with serving(answer) as url:
        mailchimp = MailchimpDestination(url, "key-us1", LIST, tries=1)
        changed = people(*(f"p{number}@x.example" for number in range(CONNECTIONS * 2)), first_name="Ada")
        assert mailchimp.update(VIP, changed).exceptions == ()
    assert not together.broken


def test_a_refused_key_ends_the_calls_that_have_not_begun() -> None:
    asked: list[str] = []

    def answer(one: Asked) -> Answer:
        asked.append(one.method)
        if one.method == "PATCH":
            return Answer({"title": "API Key Invalid"}, 401)
        return Answer({"members": [], "total_items": 0})

    with serving(answer) as url, pytest.raises(AuthError):
        everybody = people(*(f"p{number}@x.example" for number in range(500)), first_name="Ada")
        MailchimpDestination(url, "key-us1", LIST, tries=1).update(VIP, everybody)
    assert 0 < asked.count("PATCH") < 250

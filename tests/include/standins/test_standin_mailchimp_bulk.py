"""Mailchimp: many members in one call, tags and segments, batches."""

import io
import tarfile

import orjson
import pytest
import requests

from tests.include.standins.mailchimp_caller import Mailchimp
from tests.standins import Standins


@pytest.fixture
def mailchimp(empty_standins: Standins) -> Mailchimp:
    return Mailchimp(empty_standins)


def one(address: str, status: str = "subscribed", **body: object) -> dict:
    return {"email_address": address, "status": status, **body}


def test_a_good_answer_hides_the_members_that_were_refused(mailchimp: Mailchimp) -> None:
    mailchimp.put("there@x.example")
    answer = mailchimp.batch(
        one("new@x.example"), one("there@x.example"), one("broken"), {"email_address": "c@x.example"}
    )
    assert [member["email_address"] for member in answer["new_members"]] == ["new@x.example"]
    assert [(e["email_address"], e["error_code"]) for e in answer["errors"]] == [
        ("there@x.example", "ERROR_CONTACT_EXISTS"),
        ("broken", "ERROR_GENERIC"),
        ("c@x.example", "ERROR_GENERIC"),
    ]
    assert (answer["total_created"], answer["total_updated"], answer["error_count"]) == (1, 0, 3)


def test_update_existing_changes_the_status_of_who_is_there(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example", "unsubscribed")
    answer = mailchimp.batch(one("a@x.example"), update_existing=True)
    assert (answer["total_updated"], mailchimp.status("a@x.example")) == (1, "subscribed")
    mailchimp.batch(one("a@x.example", "unsubscribed"), update_existing=True)
    assert mailchimp.status("a@x.example") == "unsubscribed"


def test_update_existing_without_a_status_keeps_it(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example", "unsubscribed")
    mailchimp.batch({"email_address": "a@x.example", "merge_fields": {"FNAME": "Ann"}}, update_existing=True)
    member = mailchimp.call("GET", mailchimp.member("a@x.example")).json()
    assert (member["status"], member["merge_fields"]["FNAME"]) == ("unsubscribed", "Ann")


def test_who_left_is_an_error_in_a_batch_and_the_others_go_on(mailchimp: Mailchimp) -> None:
    mailchimp.put("left@x.example")
    mailchimp.leaves_by_themselves("left@x.example")
    answer = mailchimp.batch(one("left@x.example"), one("b@x.example"), update_existing=True)
    assert "compliance state" in answer["errors"][0]["error"]
    assert (answer["total_created"], mailchimp.status("left@x.example")) == (1, "unsubscribed")


def test_of_an_address_that_comes_twice_the_first_counts(mailchimp: Mailchimp) -> None:
    twice = [one("a@x.example", "unsubscribed"), one("A@x.example", "subscribed")]
    assert mailchimp.batch(*twice)["error_count"] == 1
    answer = mailchimp.call(
        "POST",
        mailchimp.list,
        {"members": [one("b@x.example"), one("B@x.example", "cleaned")]},
        skip_duplicate_check="true",
    ).json()
    assert (answer["total_created"], answer["error_count"]) == (1, 0)
    assert (mailchimp.status("a@x.example"), mailchimp.status("b@x.example")) == ("unsubscribed", "subscribed")


def test_more_than_five_hundred_members_are_refused_as_a_whole(mailchimp: Mailchimp) -> None:
    many = [one(f"p{n}@x.example") for n in range(501)]
    answer = mailchimp.call("POST", mailchimp.list, {"members": many})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "members")
    assert mailchimp.batch(*many[:500])["total_created"] == 500
    assert mailchimp.call("GET", mailchimp.list + "/members").json()["total_items"] == 500


def test_sync_tags_replaces_all_tags_and_tags_alone_add(mailchimp: Mailchimp) -> None:
    mailchimp.batch(one("a@x.example", tags=["one"]), update_existing=True)
    mailchimp.batch(one("a@x.example", tags=["two"]), update_existing=True)
    assert {tag["name"] for tag in mailchimp.call("GET", mailchimp.member("a@x.example")).json()["tags"]} == {
        "one",
        "two",
    }
    mailchimp.batch(one("a@x.example", tags=["three"]), update_existing=True, sync_tags=True)
    held = mailchimp.standins.members("mailchimp")
    assert held == {"one": {}, "two": {}, "three": {"a@x.example": "subscribed"}}


def test_a_segment_ignores_strangers_and_the_archived_without_a_word(mailchimp: Mailchimp) -> None:
    mailchimp.batch(one("a@x.example"), one("b@x.example"), one("gone@x.example"))
    mailchimp.call("DELETE", mailchimp.member("gone@x.example"))
    segment = mailchimp.segment("vip", "A@x.example", "stranger@x.example")
    answer = mailchimp.call(
        "POST",
        segment,
        {
            "members_to_add": ["b@x.example", "gone@x.example", "who@x.example"],
            "members_to_remove": ["a@x.example", "nobody@x.example"],
        },
    ).json()
    assert (answer["total_added"], answer["total_removed"], answer["error_count"]) == (1, 1, 0)
    assert [member["email_address"] for member in answer["members_added"]] == ["b@x.example"]
    assert mailchimp.standins.members("mailchimp") == {"vip": {"b@x.example": "subscribed"}}


def test_adding_who_is_in_counts_nothing(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example")
    segment = mailchimp.segment("vip", "a@x.example")
    again = mailchimp.call("POST", segment, {"members_to_add": ["a@x.example"]}).json()
    assert (again["total_added"], again["members_added"]) == (0, [])


def test_a_segment_takes_five_hundred_each_way_a_call(mailchimp: Mailchimp) -> None:
    segment = mailchimp.segment("vip")
    for side in ("members_to_add", "members_to_remove"):
        assert mailchimp.call("POST", segment, {side: ["a@x.example"] * 501}).status_code == 400
        assert mailchimp.call("POST", segment, {side: ["a@x.example"] * 500}).status_code == 200


def test_a_segment_s_name_is_taken_once_and_listings_have_ten_rows(mailchimp: Mailchimp) -> None:
    for number in range(12):
        mailchimp.segment(f"tag {number}")
    again = mailchimp.call("POST", mailchimp.list + "/segments", {"name": "TAG 3", "static_segment": []})
    assert (again.status_code, again.json()["detail"]) == (400, "Sorry, that tag already exists.")
    listing = mailchimp.call("GET", mailchimp.list + "/segments").json()
    assert (len(listing["segments"]), listing["total_items"]) == (10, 12)
    assert len(mailchimp.call("GET", mailchimp.list + "/segments", count=1000, type="static").json()["segments"]) == 12
    found = mailchimp.call("GET", mailchimp.list + "/tag-search", name="tag 1").json()
    assert [tag["name"] for tag in found["tags"]] == ["tag 1", "tag 10", "tag 11"]


def test_a_segment_counts_the_subscribed_unless_asked_for_more(mailchimp: Mailchimp) -> None:
    mailchimp.batch(one("a@x.example"), one("b@x.example", "unsubscribed"))
    segment = mailchimp.segment("vip", "a@x.example", "b@x.example")
    assert mailchimp.call("GET", segment).json()["member_count"] == 1
    assert mailchimp.call("GET", segment, include_unsubscribed="true").json()["member_count"] == 2
    assert mailchimp.call("GET", segment + "/members").json()["total_items"] == 1
    assert mailchimp.standins.members("mailchimp")["vip"] == {
        "a@x.example": "subscribed",
        "b@x.example": "unsubscribed",
    }


def test_tags_of_one_member_make_the_tag_and_take_it_away(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example")
    path = mailchimp.member("a@x.example") + "/tags"
    assert (
        mailchimp.call("POST", path, {"tags": [{"name": "vip", "status": "active"}], "is_syncing": True}).status_code
        == 204
    )
    assert [tag["name"] for tag in mailchimp.call("GET", path).json()["tags"]] == ["vip"]
    mailchimp.call("POST", path, {"tags": [{"name": "VIP", "status": "inactive"}, {"name": "x", "status": "inactive"}]})
    assert mailchimp.standins.members("mailchimp") == {"vip": {}}
    assert mailchimp.call("POST", mailchimp.member("no@x.example") + "/tags", {"tags": []}).status_code in (400, 404)


def test_a_deleted_segment_takes_its_tag_from_everybody(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example")
    segment = mailchimp.segment("vip", "a@x.example")
    assert mailchimp.call("DELETE", segment).status_code == 204
    assert mailchimp.call("GET", mailchimp.member("a@x.example")).json()["tags"] == []
    assert mailchimp.call("POST", segment, {"members_to_add": []}).status_code == 404


def test_a_renamed_segment_keeps_its_members_and_a_replaced_one_does_not(mailchimp: Mailchimp) -> None:
    mailchimp.batch(one("a@x.example"), one("b@x.example"))
    segment = mailchimp.segment("vip", "a@x.example")
    mailchimp.call("PATCH", segment, {"name": "best"})
    assert mailchimp.standins.members("mailchimp") == {"best": {"a@x.example": "subscribed"}}
    mailchimp.call("PATCH", segment, {"name": "best", "static_segment": ["b@x.example"]})
    assert mailchimp.standins.members("mailchimp") == {"best": {"b@x.example": "subscribed"}}
    assert mailchimp.call("GET", mailchimp.member("a@x.example")).json()["tags_count"] == 0


def finished(mailchimp: Mailchimp, batch_id: str) -> dict:
    for _ in range(600):
        batch = mailchimp.call("GET", f"/batches/{batch_id}").json()
        if batch["status"] == "finished":
            return batch
    raise AssertionError("the batch did not finish")


def outcomes(url: str) -> dict[str, dict]:
    packed = requests.get(url, timeout=30)
    with tarfile.open(fileobj=io.BytesIO(packed.content), mode="r:gz") as tar:
        rows = [row for entry in tar.getmembers() for row in orjson.loads(tar.extractfile(entry).read())]
    return {row["operation_id"]: row for row in rows}


def test_a_batch_runs_later_and_tells_each_operation_s_outcome(mailchimp: Mailchimp) -> None:
    good = {"email_address": "a@x.example", "status_if_new": "subscribed"}
    operations = [
        {
            "method": "PUT",
            "path": mailchimp.member("a@x.example"),
            "body": orjson.dumps(good).decode(),
            "operation_id": "1",
        },
        {"method": "PUT", "path": mailchimp.member("b@x.example"), "body": "{}", "operation_id": "2"},
        {"method": "GET", "path": mailchimp.list + "/members", "params": {"count": 5}, "operation_id": "3"},
        {"method": "GET", "path": "/nowhere", "operation_id": "4"},
    ]
    taken = mailchimp.call("POST", "/batches", {"operations": operations}).json()
    assert (taken["status"], taken["total_operations"]) == ("pending", 4)
    batch = finished(mailchimp, taken["id"])
    assert (batch["finished_operations"], batch["errored_operations"]) == (4, 2)
    told = outcomes(batch["response_body_url"])
    assert {id: row["status_code"] for id, row in told.items()} == {"1": 200, "2": 400, "3": 200, "4": 404}
    assert orjson.loads(told["1"]["response"])["email_address"] == "a@x.example"


def test_a_result_s_address_expires_and_asking_again_renews_it(mailchimp: Mailchimp) -> None:
    taken = mailchimp.call("POST", "/batches", {"operations": [{"method": "GET", "path": "/ping"}]}).json()
    url = finished(mailchimp, taken["id"])["response_body_url"]
    mailchimp.standins.advance(601)
    assert requests.get(url, timeout=30).status_code == 403
    assert requests.get(finished(mailchimp, taken["id"])["response_body_url"], timeout=30).status_code == 200


def test_a_batch_has_at_most_a_thousand_operations_and_bodies_are_text(mailchimp: Mailchimp) -> None:
    ping = {"method": "GET", "path": "/ping"}
    assert mailchimp.call("POST", "/batches", {"operations": [ping] * 1001}).status_code == 400
    assert mailchimp.call("POST", "/batches", {"operations": [{**ping, "body": {}}]}).status_code == 400

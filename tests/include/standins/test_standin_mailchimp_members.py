"""Mailchimp: who may be put on a list, and what a listing shows."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.include.standins.mailchimp_caller import Mailchimp
from tests.standins import Standins


@pytest.fixture
def mailchimp(empty_standins: Standins) -> Mailchimp:
    return Mailchimp(empty_standins)


def subscribed(*addresses: str) -> list[dict]:
    return [{"email_address": address, "status": "subscribed"} for address in addresses]


def test_a_wrong_key_is_refused_even_where_nothing_is(mailchimp: Mailchimp) -> None:
    mailchimp._session.auth = ("any", "wrong")
    for path in ("/ping", "/nothing"):
        answer = mailchimp.call("GET", path)
        assert (answer.status_code, answer.json()["title"]) == (401, "API Key Invalid")


def test_a_bearer_token_is_taken_too(mailchimp: Mailchimp) -> None:
    mailchimp._session.auth = None
    mailchimp._session.headers["Authorization"] = "Bearer standinkey-us1"
    assert mailchimp.call("GET", "/ping").json() == {"health_status": "Everything's Chimpy!"}


def test_put_needs_a_status_for_who_is_new(mailchimp: Mailchimp) -> None:
    answer = mailchimp.call("PUT", mailchimp.member("a@x.example"), {"email_address": "a@x.example"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "status_if_new")


def test_status_if_new_leaves_who_is_there_as_they_are(mailchimp: Mailchimp) -> None:
    assert mailchimp.put("a@x.example", "unsubscribed").json()["status"] == "unsubscribed"
    assert mailchimp.put("A@X.example", "subscribed", merge_fields={"FNAME": "Ann"}).json()["status"] == "unsubscribed"
    assert mailchimp.call("GET", mailchimp.member("a@x.example")).json()["merge_fields"]["FNAME"] == "Ann"


@pytest.mark.parametrize("body", [{"status": "subscribed"}, {"status": "transactional"}])
def test_who_left_by_themselves_cannot_be_subscribed_by_the_api(mailchimp: Mailchimp, body: dict) -> None:
    mailchimp.put("a@x.example")
    mailchimp.leaves_by_themselves("a@x.example")
    for answer in (
        mailchimp.put("a@x.example", **body),
        mailchimp.call("PATCH", mailchimp.member("a@x.example"), body),
    ):
        assert (answer.status_code, answer.json()["title"]) == (400, "Member In Compliance State")
    assert mailchimp.status("a@x.example") == "unsubscribed"
    assert mailchimp.put("a@x.example", status="pending").json()["status"] == "pending"
    assert mailchimp.put("a@x.example", **body).status_code == 400


def test_who_the_api_unsubscribed_may_be_subscribed_again(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example")
    gone = mailchimp.call("PATCH", mailchimp.member("a@x.example"), {"status": "unsubscribed"}).json()
    assert gone["unsubscribe_reason"] == "N/A (Unsubscribed by an admin)"
    assert mailchimp.put("a@x.example", status="subscribed").json()["status"] == "subscribed"


def test_who_left_stays_left_through_an_archive(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example")
    mailchimp.leaves_by_themselves("a@x.example")
    assert mailchimp.call("DELETE", mailchimp.member("a@x.example")).status_code == 204
    assert mailchimp.put("a@x.example", status="subscribed").json()["title"] == "Member In Compliance State"


def test_a_bounced_address_cannot_be_subscribed_nor_archived(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example", "cleaned")
    assert mailchimp.put("a@x.example", status="subscribed").json()["title"] == "Member In Compliance State"
    assert mailchimp.call("DELETE", mailchimp.member("a@x.example")).status_code == 405


def test_an_archived_member_is_hidden_and_comes_back_only_with_a_status(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example")
    mailchimp.call("DELETE", mailchimp.member("a@x.example"))
    assert mailchimp.call("GET", mailchimp.list + "/members").json()["total_items"] == 0
    assert mailchimp.call("GET", mailchimp.list + "/members", status="archived").json()["total_items"] == 1
    assert mailchimp.put("a@x.example").json()["status"] == "archived"
    assert mailchimp.call("DELETE", mailchimp.member("a@x.example")).status_code == 405
    assert mailchimp.put("a@x.example", status="subscribed").json()["status"] == "subscribed"
    assert mailchimp.call("GET", mailchimp.list + "/members").json()["total_items"] == 1


def test_who_was_deleted_for_good_can_never_be_imported_again(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example")
    assert mailchimp.call("POST", mailchimp.member("a@x.example") + "/actions/delete-permanent").status_code == 204
    assert mailchimp.call("GET", mailchimp.member("a@x.example")).status_code == 404
    answer = mailchimp.put("A@x.example")
    assert (answer.status_code, answer.json()["title"]) == (400, "Forgotten Email Not Subscribed")
    assert mailchimp.batch(*subscribed("a@x.example"))["error_count"] == 1


@pytest.mark.parametrize(
    "address",
    [
        "no-at",
        "a@b",
        "two@@x.example",
        "a..b@x.example",
        ".a@x.example",
        "a b@x.example",
        "grüße@x.example",
        "shopper@example.com",
        "x" * 65 + "@x.example",
    ],
)
def test_what_is_no_address_or_looks_fake_is_refused(mailchimp: Mailchimp, address: str) -> None:
    answer = mailchimp.call("POST", mailchimp.list + "/members", subscribed(address)[0])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "email_address")


@pytest.mark.parametrize("address", ["a+tag@x.example", "o'neil@x.example", "a_b@sub.x.example", "A.B@bücher.example"])
def test_unusual_but_good_addresses_are_taken(mailchimp: Mailchimp, address: str) -> None:
    assert mailchimp.put(address).json()["email_address"] == address


def test_an_unknown_merge_field_is_dropped_in_silence_and_a_wrong_value_refused(mailchimp: Mailchimp) -> None:
    assert "NOPE" not in mailchimp.put("a@x.example", merge_fields={"NOPE": "x"}).json()["merge_fields"]
    answer = mailchimp.put("a@x.example", merge_fields={"BIRTHDAY": "1990-13-01"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "Your merge fields were invalid.")
    mailchimp.call("POST", mailchimp.list + "/merge-fields", {"name": "Nope", "type": "text", "tag": "NOPE"})
    assert mailchimp.put("a@x.example", merge_fields={"NOPE": "x"}).json()["merge_fields"]["NOPE"] == "x"


def test_an_address_can_be_changed_but_not_to_one_that_is_taken(mailchimp: Mailchimp) -> None:
    mailchimp.put("old@x.example")
    mailchimp.put("taken@x.example")
    assert mailchimp.call("PATCH", mailchimp.member("old@x.example"), {"email_address": "new@x.example"}).ok
    assert mailchimp.call("GET", mailchimp.member("old@x.example")).status_code == 404
    answer = mailchimp.call("PATCH", mailchimp.member("new@x.example"), {"email_address": "taken@x.example"})
    assert answer.json()["title"] == "Member Exists"
    assert mailchimp.status("new@x.example") == "subscribed"


def test_a_page_has_ten_rows_unless_asked_and_a_thousand_at_most(mailchimp: Mailchimp) -> None:
    mailchimp.batch(*subscribed(*(f"p{n}@x.example" for n in range(30))))
    first = mailchimp.call("GET", mailchimp.list + "/members").json()
    assert (len(first["members"]), first["total_items"]) == (10, 30)
    pages = [mailchimp.call("GET", mailchimp.list + "/members", count=12, offset=at).json() for at in (0, 12, 24)]
    assert len({one["id"] for page in pages for one in page["members"]}) == 30
    assert mailchimp.call("GET", mailchimp.list + "/members", count=1001).status_code == 400


def test_since_last_changed_is_after_in_whole_seconds(mailchimp: Mailchimp) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    kind = f"member:{mailchimp.list_id}"
    mailchimp.put("a@x.example")
    known = mailchimp.standins.documents("mailchimp", kind).popitem()[1]
    mailchimp.standins.put("mailchimp", kind, {**known, "changed_at": int(at.timestamp() * 1000) + 400})

    def total(**params: str) -> int:
        return mailchimp.call("GET", mailchimp.list + "/members", **params).json()["total_items"]

    assert total(since_last_changed=at.isoformat()) == 0
    assert total(since_last_changed=(at - timedelta(seconds=1)).isoformat()) == 1
    assert total(before_last_changed=at.isoformat()) == 0
    assert total(before_last_changed=(at + timedelta(seconds=1)).isoformat()) == 1
    assert mailchimp.call("GET", mailchimp.list + "/members", since_last_changed="yesterday").status_code == 400


def test_fields_and_exclude_fields_choose_what_comes_back(mailchimp: Mailchimp) -> None:
    mailchimp.put("a@x.example", merge_fields={"FNAME": "Ann"})
    asked = mailchimp.call("GET", mailchimp.list + "/members", fields="members.merge_fields.FNAME,total_items").json()
    assert asked == {"members": [{"merge_fields": {"FNAME": "Ann"}}], "total_items": 1}
    rest = mailchimp.call("GET", mailchimp.list + "/members", exclude_fields="members.stats,_links").json()
    assert "stats" not in rest["members"][0]
    assert "_links" not in rest


def test_a_parameter_the_endpoint_does_not_have_is_refused(mailchimp: Mailchimp) -> None:
    answer = mailchimp.call("GET", mailchimp.list + "/members", since_changed="2026-01-01")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "since_changed")


def test_a_list_counts_its_members_by_status(mailchimp: Mailchimp) -> None:
    mailchimp.batch(
        *subscribed("a@x.example", "b@x.example"), {"email_address": "c@x.example", "status": "unsubscribed"}
    )
    stats = mailchimp.call("GET", mailchimp.list).json()["stats"]
    assert (stats["member_count"], stats["unsubscribe_count"], stats["cleaned_count"]) == (2, 1, 0)
    assert mailchimp.call("GET", "/lists/nope").status_code == 404

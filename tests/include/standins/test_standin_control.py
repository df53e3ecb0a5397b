"""The control interface over the generated merchant."""

import pytest
import requests

from tests.include.standins.mailchimp_caller import Mailchimp
from tests.standins import Standins


def test_the_accounts_open_their_platforms(standins: Standins) -> None:
    assert set(standins.account("mailchimp")) == {"base_url", "token", "list_id"}
    assert Mailchimp(standins).call("GET", Mailchimp(standins).list).status_code == 200
    assert standins.account("meta")["account_id"].isdigit()
    assert standins.account("hubspot")["base_url"].startswith(standins.url)


def test_the_merchant_s_members_are_on_the_list_with_every_status(standins: Standins) -> None:
    mailchimp = Mailchimp(standins)
    found = mailchimp.call("GET", mailchimp.list + "/members", count=1000).json()
    assert found["total_items"] == len(found["members"]) > 50
    assert {"subscribed", "unsubscribed"} <= {member["status"] for member in found["members"]}
    left = next(one["email_address"] for one in found["members"] if one["status"] == "unsubscribed")
    assert mailchimp.put(left, status="subscribed").json()["title"] == "Member In Compliance State"


def test_activity_names_every_recipient_and_since_cuts_activities_only(standins: Standins) -> None:
    mailchimp = Mailchimp(standins)
    campaign = mailchimp.call("GET", "/campaigns").json()["campaigns"][0]
    path = f"/reports/{campaign['id']}/email-activity"
    everybody = mailchimp.call("GET", path, count=1000).json()
    later = mailchimp.call("GET", path, count=1000, since="2099-01-01T00:00:00Z").json()
    assert everybody["total_items"] == later["total_items"] == campaign["emails_sent"]
    assert any(one["activity"] for one in everybody["emails"])
    assert not any(one["activity"] for one in later["emails"])
    assert len(mailchimp.call("GET", path).json()["emails"]) == 10
    opens = sum(1 for one in everybody["emails"] for act in one["activity"] if act["action"] == "open")
    assert mailchimp.call("GET", f"/reports/{campaign['id']}").json()["opens"]["opens_total"] == opens


def test_a_day_changes_members_once_and_a_reset_takes_it_back(standins: Standins) -> None:
    before = standins.documents("mailchimp", "member:" + standins.account("mailchimp")["list_id"])
    standins.apply_day(2)
    after = standins.documents("mailchimp", "member:" + standins.account("mailchimp")["list_id"])
    assert after != before
    standins.apply_day(2)
    assert standins.documents("mailchimp", "member:" + standins.account("mailchimp")["list_id"]) == after
    standins.reset()
    assert standins.documents("mailchimp", "member:" + standins.account("mailchimp")["list_id"]) == before


def test_a_day_that_does_not_exist_is_refused(standins: Standins) -> None:
    with pytest.raises(requests.HTTPError, match="422"):
        standins.apply_day(1_000)


def test_the_truth_is_told(standins: Standins) -> None:
    assert standins.truth()


def test_members_are_told_of_platforms_with_audiences_only(standins: Standins) -> None:
    mailchimp = Mailchimp(standins)
    mailchimp.put("New@x.example")
    mailchimp.segment("vip", "new@X.example")
    assert standins.members("mailchimp") == {"vip": {"new@x.example": "subscribed"}}
    assert standins.members("meta") == {}
    with pytest.raises(requests.HTTPError, match="404"):
        standins.members("slack")

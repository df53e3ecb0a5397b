"""The webhook, against a receiver that verifies with the specification's own library."""

import base64
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from include.destinations.base import Audience, Member
from include.destinations.webhook import WebhookDestination
from include.errors import AuthError, ConfigError, LostAnswerError
from include.standins.kit import TOKENS
from tests.standins import Standins, running_standins

SECRET = TOKENS["webhook"]
OTHER = "whsec_" + base64.b64encode(b"another secret of thirty-two by.").decode()
VIP = Audience(1, "webhook", "vip", "champions", "email", remote_id="own-vip")


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("receiver"), platforms=("webhook",)) as running:
        yield running


@pytest.fixture
def receiver(receivers: Standins) -> Standins:
    receivers.reset()
    return receivers


def webhook(receiver: Standins, secrets: str = SECRET, **arguments: Any) -> WebhookDestination:
    url = f"{receiver.account('webhook')['base_url']}/events"
    return WebhookDestination(url, secrets, **{"tries": 2, **arguments})


def people(count: int, **fields: Any) -> list[Member]:
    return [Member(row, {"email": f"p{row}@shop.example"}, fields) for row in range(count)]


def told(receiver: Standins) -> list[Mapping[str, Any]]:
    return [one.json()["data"] for one in receiver.recorded("webhook", "POST")]


def test_a_batch_is_signed_as_the_specification_has_it(receiver: Standins) -> None:
    webhook(receiver).add(VIP, people(2))
    [one] = receiver.recorded("webhook")
    Webhook(SECRET).verify(one.body, dict(one.headers))
    assert one.json()["type"] == "audience.members.added"
    assert one.headers["webhook-id"].startswith("msg_")


def test_while_a_secret_is_changed_receivers_with_the_old_and_with_the_new_one_take_the_batch(
    receiver: Standins,
) -> None:
    for known in ([SECRET], [OTHER]):
        receiver.settings({"webhook.secrets": known})
        assert webhook(receiver, f"{OTHER} {SECRET}").add(VIP, people(1)).exceptions == ()


def test_a_receiver_that_does_not_know_the_secret_stops_everything(receiver: Standins) -> None:
    with pytest.raises(AuthError):
        webhook(receiver, OTHER).add(VIP, people(1))
    assert len(receiver.recorded("webhook")) == 1


@pytest.mark.parametrize("secret", ["", "whsec_short", "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_ä"])
def test_a_secret_the_specification_does_not_allow_is_refused_and_not_shown(receiver: Standins, secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        webhook(receiver, secret)
    assert "short" not in str(caught.value).replace("whsec_…", "")


def test_a_batch_that_is_tried_again_keeps_its_id_and_is_not_done_twice(receiver: Standins) -> None:
    destination = webhook(receiver)
    receiver.faults({"platform": "webhook", "kind": "lost_answer", "next": 1})
    assert destination.add(VIP, people(3)).exceptions == ()
    first, second = receiver.recorded("webhook")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    destination.add(VIP, people(3))
    assert receiver.recorded("webhook")[-1].headers["webhook-id"] != first.headers["webhook-id"]


def test_a_request_is_never_larger_than_allowed_and_a_row_that_alone_is_larger_is_refused(receiver: Standins) -> None:
    members = people(100, city="x" * 200)
    members[7] = Member(7, {"email": "large@shop.example"}, {"city": "x" * 9000})
    answer = webhook(receiver, max_bytes=8_000).add(VIP, members)
    assert [(one.row, one.code) for one in answer.exceptions] == [(7, "too_large")]
    sizes = [len(one.body) for one in receiver.recorded("webhook")]
    assert len(sizes) > 2
    assert max(sizes) <= 8_000
    assert sum(len(data["members"]) for data in told(receiver)) == 99


def test_fields_go_out_under_the_names_the_segment_chose(receiver: Standins) -> None:
    mapped = Audience(1, "webhook", "vip", "s", "email", {"fields": {"first_name": "given", "birth_on": "born"}}, "vip")
    member = Member(0, {"email": "a@x.example"}, {"first_name": "Ada", "city": "Bonn"}, cleared=("birth_on", "city"))
    webhook(receiver).add(mapped, [member])
    [data] = told(receiver)
    expected = {"row": 0, "identifiers": {"email": "a@x.example"}, "fields": {"given": "Ada"}, "cleared": ["born"]}
    assert data["members"] == [expected]


def test_dates_go_out_as_iso_8601(receiver: Standins) -> None:
    webhook(receiver).add(VIP, people(1, birth_on=date(1990, 2, 28)))
    assert told(receiver)[0]["members"][0]["fields"] == {"birth_on": "1990-02-28"}


@pytest.mark.parametrize("fields", [["nickname"], {"city": "email"}, {"city": "x", "region": "x"}])
def test_fields_that_cannot_be_are_refused_before_anything_is_sent(receiver: Standins, fields: Any) -> None:
    with pytest.raises(ConfigError, match="first_name"):
        webhook(receiver).add(Audience(1, "webhook", "vip", "s", "email", {"fields": fields}, "vip"), people(1))
    assert receiver.recorded("webhook") == []


@pytest.mark.parametrize("errors", [[{"row": 99, "code": "x"}], ["x"], [{"code": "x"}]])
def test_an_answer_about_rows_that_were_not_sent_is_no_answer(receiver: Standins, errors: list[Any]) -> None:
    receiver.settings({"webhook.answers": {"errors": errors}})
    with pytest.raises(LostAnswerError):
        webhook(receiver).add(VIP, people(1))


def test_a_text_in_place_of_a_code_is_not_taken_over(receiver: Standins) -> None:
    errors = [{"row": 0, "code": "no such person p0@shop.example"}, {"row": 1, "code": "busy", "retriable": True}]
    receiver.settings({"webhook.answers": {"errors": errors}})
    found = webhook(receiver).add(VIP, people(2)).exceptions
    assert [(one.outcome, one.code) for one in found] == [("rejected", "refused"), ("retriable", "busy")]


def test_the_check_tells_whom_the_url_belongs_to_and_changes_nothing(receiver: Standins) -> None:
    assert webhook(receiver).check().account == "warehouse of the merchant"
    assert receiver.members("webhook") == {}

"""TikTok, against its stand-in: what is special to it. What all destinations share is in contract/."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from requests import Response

from include.destinations.base import Answer, Audience, Member
from include.destinations.tiktok import TikTokDestination, classify
from include.destinations.tiktok_files import content
from include.errors import AudienceflowError, AuthError, ConfigError, FatalError, QuotaError, RetriableError
from tests.conformance import check_openapi
from tests.include.standins.test_standin_tiktok import PREFIX, STRUCK_OUT, TikTok, sha
from tests.standins import Standins

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def make(standins: Standins, **arguments: Any) -> TikTokDestination:
    account = standins.account("tiktok")
    return TikTokDestination(
        account["base_url"], account["token"], account["advertiser_id"], **{"tries": 2, "patience": 5.0, **arguments}
    )


@pytest.fixture
def tiktok(empty_standins: Standins) -> TikTokDestination:
    empty_standins.settings({"tiktok.minimum_size": 0})
    return make(empty_standins)


@pytest.fixture
def vip(tiktok: TikTokDestination, empty_standins: Standins) -> Audience:
    """An audience whose first file has been worked off."""
    wanted = Audience(1, "tiktok", "vip", "segment", "ads")
    made = replace(wanted, remote_id=tiktok.open_audience(wanted))
    empty_standins.advance(60)
    return made


@pytest.fixture
def caller(empty_standins: Standins) -> TikTok:
    return TikTok(empty_standins)


def people(tiktok: TikTokDestination, *addresses: str, phone: str | None = None) -> list[Member]:
    named = [tiktok.identify({"email": address, "phone": phone}) or {} for address in addresses]
    return [Member(row, identifiers) for row, identifiers in enumerate(named)]


def held(standins: Standins, key: str = "vip") -> set[str]:
    return {value for one in standins.members("tiktok")[key] for value in one.values()}


def settled(standins: Standins, tiktok: TikTokDestination, audience: Audience, answer: Answer) -> dict[int, Any]:
    standins.advance(60)
    told = tiktok.confirm(audience, str(answer.job_id))
    assert told is not None
    return {one.row: (one.outcome, one.code) for one in told.exceptions}


def test_an_audience_is_made_once_and_holds_nobody(tiktok: TikTokDestination, caller: TikTok, vip: Audience) -> None:
    assert caller.held() == []
    assert tiktok.open_audience(vip) == vip.remote_id
    assert tiktok.has_audience(vip)
    assert not tiktok.has_audience(replace(vip, remote_id="99"))


def test_an_audience_is_found_on_any_page(tiktok: TikTokDestination, vip: Audience, caller: TikTok) -> None:
    [made] = caller.standins.documents("tiktok", "audience").values()
    others = [{"id": str(number), "body": {**made["body"], "name": f"a{number}"}} for number in range(1, 102)]
    caller.standins.put("tiktok", "audience", *others)
    assert tiktok.open_audience(Audience(1, "tiktok", "a101", "segment", "ads")) == "101"
    assert len(caller.standins.recorded("tiktok", path="%/list/")) == 3


def test_an_audience_of_other_files_is_told_and_not_used(tiktok: TikTokDestination, caller: TikTok) -> None:
    caller.audience("a", name="vip")
    with pytest.raises(ConfigError, match="takes files of type EMAIL_SHA256"):
        tiktok.open_audience(Audience(1, "tiktok", "vip", "segment", "ads"))
    with pytest.raises(ConfigError, match="at most 128 characters"):
        tiktok.open_audience(Audience(1, "tiktok", "v" * 129, "segment", "ads"))


def test_people_come_in_and_leave_by_both_identifiers(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins
) -> None:
    both = people(tiktok, "A@x.example", phone="+1 (657) 777-0000")
    one = people(tiktok, "b@x.example")
    empty_standins.settings({"tiktok.update_seconds": 30})
    answer = tiktok.add(vip, [*both, one[0]._replace(row=1)])
    assert tiktok.confirm(vip, str(answer.job_id)) is None
    assert settled(empty_standins, tiktok, vip, answer) == {}
    assert held(empty_standins) == {sha("a@x.example"), sha("+16577770000"), sha("b@x.example")}
    assert settled(empty_standins, tiktok, vip, tiktok.remove(vip, both)) == {}
    assert held(empty_standins) == {sha("b@x.example")}
    sent = b"".join(one.body for one in empty_standins.recorded("tiktok"))
    assert NOTHING.encode() not in sent
    assert b"x.example" not in sent


def test_a_file_has_a_line_a_person_and_an_empty_cell_for_what_is_not_known() -> None:
    members = [Member(0, {"email": "e1", "phone": "p1"}), Member(1, {"phone": "p2"}), Member(2, {"email": "e3"})]
    assert content(members) == b"Email_SHA256,Phone_SHA256\ne1,p1\n,p2\ne3,\n"


def test_nobody_is_ever_replaced(tiktok: TikTokDestination, vip: Audience, empty_standins: Standins) -> None:
    for call in (tiktok.add, tiktok.update, tiktok.remove):
        settled(empty_standins, tiktok, vip, call(vip, people(tiktok, "a@x.example")))
    updates = [one.json() for one in empty_standins.recorded("tiktok", path="%/update/")]
    assert [one["action"] for one in updates] == ["APPEND", "APPEND", "REMOVE"]


def test_a_value_that_is_no_hash_never_leaves_the_house(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins
) -> None:
    empty_standins.forget_requests()
    bad = Member(0, {"email": "ann@x.example"})
    answer = tiktok.add(vip, [bad])
    assert [(one.row, one.outcome, one.code) for one in answer.exceptions] == [(0, "rejected", "not_a_hash")]
    assert empty_standins.recorded("tiktok") == []
    assert tiktok.confirm(vip, str(answer.job_id)) == Answer(job_id=answer.job_id)
    answer = tiktok.add(vip, [bad, *(one._replace(row=1) for one in people(tiktok, "b@x.example"))])
    assert [one.row for one in answer.exceptions] == [0]
    assert settled(empty_standins, tiktok, vip, answer) == {}


def test_a_change_waits_for_the_one_before_and_each_is_confirmed_by_its_own_entry(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins
) -> None:
    first = tiktok.add(vip, people(tiktok, "a@x.example"))
    second = tiktok.add(vip, people(tiktok, "b@x.example"))
    third = tiktok.remove(vip, people(tiktok, "a@x.example"))
    assert tiktok.confirm(vip, str(first.job_id)) == Answer(job_id=first.job_id)
    assert tiktok.confirm(vip, str(second.job_id)) == Answer(job_id=second.job_id)
    assert settled(empty_standins, tiktok, vip, third) == {}
    assert held(empty_standins) == {sha("b@x.example")}


def test_what_a_busy_audience_does_not_take_is_left_to_the_next_run(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins
) -> None:
    empty_standins.settings({"tiktok.update_seconds": 10**9})
    tiktok.add(vip, people(tiktok, "a@x.example"))
    impatient = make(empty_standins, patience=0)
    answer = impatient.remove(vip, people(tiktok, "b@x.example"))
    assert [(one.outcome, one.code) for one in answer.exceptions] == [("retriable", "busy")]


@pytest.mark.parametrize(("operation", "outcome"), [("add", "retriable"), ("remove", "debt")])
def test_a_file_that_failed_leaves_all_its_people_open(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins, operation: str, outcome: str
) -> None:
    settled(empty_standins, tiktok, vip, tiktok.add(vip, people(tiktok, "a@x.example", "b@x.example")))
    empty_standins.settings({"tiktok.minimum_size": 1000})
    answer = getattr(tiktok, operation)(vip, people(tiktok, "a@x.example", "b@x.example"))
    failed = (outcome, "file_failed")
    assert settled(empty_standins, tiktok, vip, answer) == {0: failed, 1: failed}


@pytest.mark.parametrize(("operation", "told"), [("add", {0: ("retriable", "too_few_members")}), ("remove", {})])
def test_in_an_audience_that_was_always_too_small_people_wait_and_nobody_is_to_be_removed(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins, operation: str, told: dict[int, Any]
) -> None:
    empty_standins.settings({"tiktok.minimum_size": 1000})
    settled(empty_standins, tiktok, vip, tiktok.add(vip, people(tiktok, "a@x.example")))
    answer = getattr(tiktok, operation)(vip, people(tiktok, "a@x.example"))
    assert settled(empty_standins, tiktok, vip, answer) == told


def test_a_lost_answer_changes_nothing_twice(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins
) -> None:
    empty_standins.faults({"platform": "tiktok", "kind": "lost_answer", "path": "update", "next": 1})
    answer = tiktok.add(vip, people(tiktok, "a@x.example"))
    assert settled(empty_standins, tiktok, vip, answer) == {}
    assert held(empty_standins) == {sha("a@x.example")}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40016, QuotaError),
        (40100, QuotaError),
        (40133, QuotaError),
        (40105, AuthError),
        (40001, AuthError),
        (40002, FatalError),
        (50000, RetriableError),
        (51065, RetriableError),
    ],
)
def test_the_code_in_the_body_decides_though_the_status_is_200(code: int, kind: type[AudienceflowError]) -> None:
    answered = Response()
    answered.status_code = 200
    answered._content = orjson.dumps({"code": code, "message": "ann@x.example", "request_id": "R1", "data": {}})
    error = classify(answered)
    assert type(error) is kind
    assert "ann" not in str(error)
    assert "request R1" in str(error)


def test_refused_credentials_stop_at_once(tiktok: TikTokDestination, vip: Audience, empty_standins: Standins) -> None:
    empty_standins.faults({"platform": "tiktok", "kind": "expired_token"})
    empty_standins.forget_requests()
    with pytest.raises(AuthError):
        tiktok.add(vip, people(tiktok, "a@x.example"))
    assert len(empty_standins.recorded("tiktok")) == 1


def test_requests_carry_only_what_the_sdk_declares(
    tiktok: TikTokDestination, vip: Audience, empty_standins: Standins, vendor_specs: str
) -> None:
    answer = tiktok.add(vip, people(tiktok, "a@x.example", phone="+16577770000"))
    settled(empty_standins, tiktok, vip, answer)
    tiktok.has_audience(vip)
    assert tiktok.check().account == empty_standins.account("tiktok")["advertiser_id"]
    recorded = empty_standins.recorded("tiktok")
    assert {one.path.rsplit("/", 2)[1] for one in recorded} == {"list", "upload", "create", "get", "update"}
    spec = Path(vendor_specs) / "tiktok/tiktok-custom-audience.derived.openapi.json"
    assert check_openapi(spec, recorded, PREFIX, allowed=STRUCK_OUT) == []

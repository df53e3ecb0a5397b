"""Klaviyo, against its stand-in: what is special to it."""

import logging
from pathlib import Path
from typing import Any

import pytest
import requests

from include.destinations.base import Answer, Audience, Member
from include.destinations.klaviyo import KlaviyoDestination
from include.destinations.klaviyo_requests import groups, rows, spans
from include.errors import AudienceflowError, AuthError, QuotaError, RetriableError
from include.ledger.audiences import Declared
from include.ledger.sync import SyncResult
from include.standins.klaviyo_profiles import subscriptions
from tests.conformance import check_openapi
from tests.include.destinations.conftest import audience
from tests.include.ledger.world import KEY, SEGMENT, World
from tests.standins import Standins

JOBS = "/klaviyo/api/profile-bulk-import-jobs"


@pytest.fixture
def klaviyo(empty_standins: Standins) -> KlaviyoDestination:
    """An account without lists."""
    account = empty_standins.account("klaviyo")
    return KlaviyoDestination(account["base_url"], account["token"], tries=2)


def people(*addresses: str, cleared: tuple[str, ...] = (), **fields: str) -> list[Member]:
    return [Member(row, {"email": address}, fields, cleared) for row, address in enumerate(addresses)]


def added(klaviyo: KlaviyoDestination, standins: Standins, to: Audience, members: list[Member]) -> Answer:
    """The result of adding them, when the platform has worked it off."""
    answer = klaviyo.add(to, members)
    standins.advance(60)
    told = klaviyo.confirm(to, answer.job_id) if answer.job_id else Answer()
    assert told is not None
    return Answer((*answer.exceptions, *told.exceptions), answer.job_id)


def held(standins: Standins, key: str = "vip") -> dict[str, dict[str, Any]]:
    return standins.members("klaviyo").get(key, {})


def known(standins: Standins, address: str, subscribed: dict[str, Any]) -> None:
    """A profile that is at the platform already."""
    id = f"01{address.encode().hex().upper()}"
    standins.put("klaviyo", "profile", {"id": id, "body": {"email": address, "_subscriptions": subscribed}})
    standins.put("klaviyo", "address", {"id": address, "body": {"profile": id}})


def test_a_list_is_made_once_and_found_by_its_name(klaviyo: KlaviyoDestination, empty_standins: Standins) -> None:
    made = {key: audience(klaviyo, key).remote_id for key in ('name with "quotes"', "vip", "vip, too")}
    assert {key: audience(klaviyo, key).remote_id for key in made} == made
    vip = audience(klaviyo)
    assert klaviyo.has_audience(vip)
    account = empty_standins.account("klaviyo")
    requests.delete(
        f"{account['base_url']}/api/lists/{vip.remote_id}",
        headers={"Authorization": f"Klaviyo-API-Key {account['token']}", "revision": "2026-07-15"},
        timeout=30,
    ).raise_for_status()
    assert not klaviyo.has_audience(vip)


def test_nobody_is_there_before_the_job_has_ended(klaviyo: KlaviyoDestination, empty_standins: Standins) -> None:
    empty_standins.settings({"klaviyo.job_seconds": 600})
    vip = audience(klaviyo)
    answer = klaviyo.add(vip, people("a@x.example", "b@x.example", first_name="Mary", city="Leeds"))
    assert answer.job_id is not None
    assert klaviyo.confirm(vip, answer.job_id) is None
    assert held(empty_standins) == {}
    empty_standins.advance(601)
    assert klaviyo.confirm(vip, answer.job_id) == Answer(job_id=answer.job_id)
    assert set(held(empty_standins)) == {"a@x.example", "b@x.example"}
    assert held(empty_standins)["a@x.example"]["location"] == {"city": "Leeds"}


def test_pain_30_malformed_rows_are_named_at_once_and_the_others_are_sent_in_one_more_call(
    klaviyo: KlaviyoDestination, empty_standins: Standins
) -> None:
    vip = audience(klaviyo)
    empty_standins.forget_requests()
    answer = added(klaviyo, empty_standins, vip, people("a@x.example", "b..b@x.example", "c@x.example", "d@@x"))
    assert [(one.row, one.outcome, one.code) for one in answer.exceptions] == [
        (1, "rejected", "invalid"),
        (3, "rejected", "invalid"),
    ]
    assert set(held(empty_standins)) == {"a@x.example", "c@x.example"}
    assert [one.status for one in empty_standins.recorded("klaviyo", "POST", JOBS)] == [400, 202]


def test_rows_that_fail_later_are_named_by_their_row_whoever_was_left_out_before(
    klaviyo: KlaviyoDestination, empty_standins: Standins
) -> None:
    known(empty_standins, "left@x.example", subscriptions("UNSUBSCRIBED", suppressed="UNSUBSCRIBE"))
    vip = audience(klaviyo)
    members = people("left@x.example", "a@x.example", "bad..form@x.example", "b@nowhere.invalid", "c@x.example")
    answer = added(klaviyo, empty_standins, vip, members)
    assert [(one.row, one.code) for one in answer.exceptions] == [
        (0, "unsubscribe"),
        (2, "invalid"),
        (3, "invalid_email"),
    ]
    assert answer.job_id is not None
    assert answer.job_id.endswith("@1,3-4")
    assert set(held(empty_standins)) == {"a@x.example", "c@x.example"}


def test_who_may_not_be_written_to_is_refused_and_no_consent_is_touched(
    klaviyo: KlaviyoDestination, empty_standins: Standins
) -> None:
    vip, other = audience(klaviyo), audience(klaviyo, "other")
    for number, reason in enumerate(("UNSUBSCRIBE", "HARD_BOUNCE", "SPAM_COMPLAINT", "USER_SUPPRESSED")):
        known(empty_standins, f"s{number}@x.example", subscriptions("UNSUBSCRIBED", suppressed=reason))
    known(empty_standins, "list@x.example", subscriptions("SUBSCRIBED", left={str(vip.remote_id): "USER_SUPPRESSED"}))
    known(empty_standins, "elsewhere@x.example", subscriptions("SUBSCRIBED", left={str(other.remote_id): "X"}))
    before = {id: one["body"]["_subscriptions"] for id, one in empty_standins.documents("klaviyo", "profile").items()}
    everybody = [f"s{number}@x.example" for number in range(4)]
    answer = added(klaviyo, empty_standins, vip, people(*everybody, "list@x.example", "elsewhere@x.example"))
    assert [one.row for one in answer.exceptions] == [0, 1, 2, 3, 4]
    assert set(held(empty_standins)) == {"elsewhere@x.example"}
    profiles = empty_standins.documents("klaviyo", "profile")
    assert {id: profiles[id]["body"]["_subscriptions"] for id in before} == before
    paths = " ".join(one.path for one in empty_standins.recorded("klaviyo"))
    assert "subscription" not in paths
    assert "suppression" not in paths


def test_a_removal_finds_the_ids_and_leaves_the_profile(klaviyo: KlaviyoDestination, empty_standins: Standins) -> None:
    vip = audience(klaviyo)
    everybody = people(*(f"p{number}@x.example" for number in range(1_250)))
    assert added(klaviyo, empty_standins, vip, everybody).exceptions == ()
    empty_standins.forget_requests()
    for _ in range(2):  # nobody is on the list any more, and somebody never was known
        assert klaviyo.remove(vip, [*everybody[:1_120], Member(1_120, {"email": "never@x.example"})]).exceptions == ()
        empty_standins.advance(60)
    assert set(held(empty_standins)) == {f"p{number}@x.example" for number in range(1_120, 1_250)}
    assert len(empty_standins.documents("klaviyo", "profile")) == 1_250
    sizes = [len(one.json()["data"]) for one in empty_standins.recorded("klaviyo", "DELETE")]
    assert sizes == [1_000, 120, 1_000, 120]


def test_a_removal_while_an_import_is_at_work_is_tried_again(
    klaviyo: KlaviyoDestination, empty_standins: Standins
) -> None:
    empty_standins.settings({"klaviyo.job_seconds": 600})
    vip, other = audience(klaviyo), audience(klaviyo, "other")
    both = people("a@x.example", "b@x.example")
    klaviyo.add(vip, both)
    assert [(one.row, one.outcome) for one in klaviyo.remove(vip, both).exceptions] == [
        (0, "retriable"),
        (1, "retriable"),
    ]
    assert klaviyo.remove(other, both).exceptions == ()
    empty_standins.advance(601)
    assert klaviyo.remove(vip, both).exceptions == ()
    assert held(empty_standins) == {}


@pytest.mark.parametrize("setting", [{"klaviyo.cancelled_after": 0.5}, {"klaviyo.job_days": 0}])
def test_an_import_without_a_result_is_sent_again(
    klaviyo: KlaviyoDestination, empty_standins: Standins, setting: dict[str, Any]
) -> None:
    empty_standins.settings(setting)
    vip = audience(klaviyo)
    everybody = people("a@x.example", "b@x.example")
    answer = added(klaviyo, empty_standins, vip, everybody)
    assert [(one.row, one.outcome) for one in answer.exceptions] == [(0, "retriable"), (1, "retriable")]
    empty_standins.settings({"klaviyo.cancelled_after": None, "klaviyo.job_days": 7})
    assert added(klaviyo, empty_standins, vip, everybody).exceptions == ()
    assert set(held(empty_standins)) == {"a@x.example", "b@x.example"}


def test_a_null_clears_and_what_is_not_named_stays(klaviyo: KlaviyoDestination, empty_standins: Standins) -> None:
    vip = audience(klaviyo)
    added(klaviyo, empty_standins, vip, people("a@x.example", first_name="Ada", last_name="King", city="Leeds"))
    cleared = people("A@x.example", cleared=("first_name", "city"), country="GB")
    answer = klaviyo.update(vip, cleared)
    empty_standins.advance(60)
    assert klaviyo.confirm(vip, answer.job_id or "") is not None
    [profile] = held(empty_standins).values()
    assert (profile["first_name"], profile["last_name"]) == (None, "King")
    assert profile["location"] == {"city": None, "country": "GB"}


def test_an_import_of_more_than_five_megabytes_is_two(klaviyo: KlaviyoDestination, empty_standins: Standins) -> None:
    vip = audience(klaviyo)
    long = people(*(f"p{number}@x.example" for number in range(60)), first_name="A" * 90_000)
    answer = klaviyo.add(vip, long)
    assert [one.status for one in empty_standins.recorded("klaviyo", "POST", JOBS)] == [202, 202]
    assert [rows(job.partition("@")[2]) for job in (answer.job_id or "").split()] == [
        list(range(55)),
        list(range(55, 60)),
    ]


def test_rows_are_kept_as_spans_and_filters_stay_short() -> None:
    for given in ([0], [0, 1, 2], [0, 2, 3, 9], list(range(5, 9_999))):
        assert rows(spans(given)) == given
    assert spans([0, 2, 3, 4, 9]) == "0,2-4,9"
    addresses = [f"{'x' * 60}{number}@{'y' * 180}.example" for number in range(30)]
    made = list(groups(addresses))
    assert [one for group in made for one in group] == addresses
    assert all(sum(map(len, group)) < 5_000 for group in made)
    assert [len(group) for group in groups([f"{number}@x.de" for number in range(150)])] == [100, 50]


def test_limits_are_waited_out_as_the_platform_says(klaviyo: KlaviyoDestination, empty_standins: Standins) -> None:
    vip = audience(klaviyo)
    empty_standins.faults({"platform": "klaviyo", "kind": "throttle", "seconds": 0.05, "path": "jobs", "next": 1})
    assert klaviyo.add(vip, people("a@x.example")).job_id is not None
    account = empty_standins.account("klaviyo")
    session = requests.Session()
    session.headers.update({"Authorization": f"Klaviyo-API-Key {account['token']}", "revision": "2026-07-15"})
    answers = [session.get(f"{account['base_url']}/api/profile-bulk-import-jobs", timeout=30) for _ in range(12)]
    assert 429 in {one.status_code for one in answers}
    refused = next(one for one in answers if one.status_code == 429)
    assert (refused.headers["Retry-After"], "RateLimit-Remaining" in refused.headers) == ("1", False)
    assert answers[0].headers["RateLimit-Limit"] == "150, 10;w=1, 150;w=60"


def test_errors_are_sorted(klaviyo: KlaviyoDestination, empty_standins: Standins) -> None:
    vip = audience(klaviyo)
    empty_standins.faults({"platform": "klaviyo", "kind": "expired_token"})
    with pytest.raises(AuthError):
        klaviyo.add(vip, people("a@x.example"))
    empty_standins.faults({"platform": "klaviyo", "kind": "error", "status": 500})
    with pytest.raises(RetriableError):
        klaviyo.add(vip, people("a@x.example"))
    empty_standins.faults({"platform": "klaviyo", "kind": "throttle", "seconds": 3600})
    with pytest.raises(QuotaError):
        klaviyo.add(vip, people("a@x.example"))


def test_no_address_is_in_a_log_or_an_error(
    klaviyo: KlaviyoDestination, empty_standins: Standins, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vip = audience(klaviyo)
    added(klaviyo, empty_standins, vip, people("canary@x.example", "canary..bad@x.example", "canary@no.invalid"))
    klaviyo.remove(vip, people("canary@x.example"))
    empty_standins.faults({"platform": "klaviyo", "kind": "error", "status": 400})
    with pytest.raises(AudienceflowError) as caught:
        klaviyo.add(vip, people("canary@x.example"))
    assert "canary" not in caplog.text + str(caught.value) + repr(caught.value.__context__)


def import_of(*profiles: Any, **more: Any) -> dict[str, Any]:
    attributes = {"profiles": {"data": [{"type": "profile", "attributes": one} for one in profiles]}}
    return {"data": {"type": "profile-bulk-import-job", "attributes": attributes, **more}}


@pytest.mark.parametrize(
    ("method", "path", "arguments", "status"),
    [
        ("GET", "lists", {"params": {"pages": "1"}}, 400),
        ("GET", "lists", {"params": {"page[size]": "11"}}, 400),
        ("GET", "lists", {"params": {"filter": "contains(name,'x')"}}, 400),
        ("GET", "profiles", {"params": {"filter": f"any(email,{['a@x.de'] * 101})".replace("'", '"')}}, 400),
        ("GET", "profiles", {"params": {"filter": f'equals(email,"{"x" * 8_000}")'}}, 414),
        ("GET", "profiles", {"params": {"fields[profile]": "e_mail"}}, 400),
        ("GET", "lists", {"headers": {"revision": ""}}, 400),
        ("GET", "lists", {"headers": {"revision": "2023-02-22"}}, 410),
        ("GET", "lists", {"headers": {"Authorization": "Bearer pk_standin_klaviyo"}}, 401),
        ("POST", "lists", {"json": {"data": {"type": "list", "attributes": {"name": "x", "colour": "y"}}}}, 400),
        ("POST", "lists", {"data": "x", "headers": {"Content-Type": "application/vnd.api+json"}}, 400),
        ("POST", "lists", {"data": "{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "lists/none/relationships/profiles", {"json": {"data": [{"type": "profile", "id": "x"}]}}, 404),
        ("POST", "profile-bulk-import-jobs", {"json": import_of(*[{"email": "a@x.de"}] * 10_001)}, 400),
        ("POST", "profile-bulk-import-jobs", {"json": import_of({"email": "a@x.de", "firstname": "A"})}, 400),
        ("POST", "profile-bulk-import-jobs", {"json": import_of({"email": "a@x.de", "title": "A" * 100_001})}, 400),
        (
            "POST",
            "profile-bulk-import-jobs",
            {"json": import_of(*[{"email": "a@x.de", "title": "A" * 9_999}] * 500)},
            413,
        ),
        ("POST", "profile-bulk-import-jobs", {"json": import_of({"first_name": "A"})}, 400),
        ("POST", "profile-subscription-bulk-create-jobs", {"json": {}}, 404),
        ("POST", "profile-subscription-bulk-delete-jobs", {"json": {}}, 404),
        ("POST", "profile-suppression-bulk-create-jobs", {"json": {}}, 404),
    ],
)
def test_the_stand_in_refuses_what_the_platform_refuses(
    empty_standins: Standins, method: str, path: str, arguments: dict[str, Any], status: int
) -> None:
    account = empty_standins.account("klaviyo")
    headers = {
        "Authorization": f"Klaviyo-API-Key {account['token']}",
        "revision": "2026-07-15",
        **arguments.pop("headers", {}),
    }
    answer = requests.request(method, f"{account['base_url']}/api/{path}", headers=headers, timeout=30, **arguments)
    assert answer.status_code == status
    assert empty_standins.documents("klaviyo", "job") == {}


def test_klaviyo_and_its_stand_in_keep_to_the_vendor_s_openapi_file(
    klaviyo: KlaviyoDestination, empty_standins: Standins, vendor_specs: str
) -> None:
    vip = audience(klaviyo)
    members = people("a@x.example", "b..b@x.example", "c@no.invalid", first_name="Ada", city="Leeds")
    added(klaviyo, empty_standins, vip, members)
    klaviyo.remove(vip, members)
    klaviyo.has_audience(vip)
    klaviyo.check()
    use_the_rest(empty_standins, str(vip.remote_id))
    found = empty_standins.recorded("klaviyo")
    assert {one.status for one in found} == {200, 201, 202, 204, 400, 401, 404, 410}
    assert all(one.headers["revision"] for one in found)
    spec = Path(vendor_specs) / "klaviyo/klaviyo-2026-07-15.openapi.json"
    assert check_openapi(spec, found, "/klaviyo") == []


def use_the_rest(standins: Standins, list_id: str) -> None:
    """Endpoints and refusals that the connector does not come by."""
    account = standins.account("klaviyo")
    base = f"{account['base_url']}/api"
    session = requests.Session()
    session.headers.update({"Authorization": f"Klaviyo-API-Key {account['token']}", "revision": "2026-07-15"})
    id = next(iter(standins.documents("klaviyo", "profile")))
    members, json = f"{base}/lists/{list_id}/relationships/profiles", {"data": [{"type": "profile", "id": id}]}
    jsonapi = {"Content-Type": "application/vnd.api+json"}
    job = next(iter(standins.documents("klaviyo", "job")))
    session.post(members, json=json, headers=jsonapi, timeout=30)
    session.get(members, params={"page[size]": "1"}, timeout=30)
    session.get(f"{base}/lists/{list_id}/profiles", params={"additional-fields[profile]": "subscriptions"}, timeout=30)
    session.get(f"{base}/profile-bulk-import-jobs/{job}/profiles", timeout=30)
    session.get(f"{base}/lists/none", timeout=30)
    session.get(f"{base}/lists", headers={"revision": "2021-01-01"}, timeout=30)
    session.get(f"{base}/lists", headers={"Authorization": "Klaviyo-API-Key other"}, timeout=30)
    session.delete(f"{base}/lists/{list_id}", timeout=30)


class Way(World):
    """A segment that feeds a list; the platform has worked off its jobs when the ledger asks for them."""

    def __init__(self, url: str, destination: KlaviyoDestination, standins: Standins) -> None:
        super().__init__(url)
        self.destination = destination
        self.standins = standins

    def _declared(self) -> list[Declared]:
        return [Declared("klaviyo", KEY, SEGMENT, "email", {})]

    def run(self) -> SyncResult:
        return self.sync(lambda step: self.standins.advance(60) if step == "delivered" else None)


def test_who_was_added_and_whose_update_the_import_refused_is_still_removed(
    klaviyo: KlaviyoDestination, empty_standins: Standins, warehouse_url: str
) -> None:
    way = Way(warehouse_url, klaviyo, empty_standins)
    ada = way.person("ada@x.example")
    way.person("eve@x.example")
    assert way.run().outcome == "success"
    way.change(ada, first_name="A" * 300)
    assert way.run().outcome == "partial"
    assert way.one("select error_code from audience.delivery where outcome = 'rejected'") == "invalid_first_name"
    way.leave(ada)
    assert way.run().removed == 1
    assert set(held(empty_standins, KEY)) == {"eve@x.example"}
    way.close()

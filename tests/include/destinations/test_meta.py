"""Meta, against its stand-in."""

import logging
import math
from pathlib import Path

import orjson
import pytest
from requests import Response

from include.destinations.base import Answer, Member
from include.destinations.meta import MetaDestination, classify
from include.errors import AudienceflowError, AuthError, FatalError, QuotaError, RetriableError
from tests.include.destinations.conftest import audience
from tests.standins import Standins

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def people(meta: MetaDestination, *addresses: str, **fields: str) -> list[Member]:
    named = [meta.identify({"email": address, "phone": None}) or {} for address in addresses]
    return [Member(row, identifiers, fields) for row, identifiers in enumerate(named)]


def held(standins: Standins, key: str = "vip") -> set[str]:
    return {user["EMAIL"] for user in standins.members("meta")[key]}


def test_an_audience_is_made_once_and_found_on_any_page(meta: MetaDestination, empty_standins: Standins) -> None:
    made = {f"audience {number}": audience(meta, f"audience {number}").remote_id for number in range(103)}
    assert {key: audience(meta, key).remote_id for key in ("audience 0", "audience 102")}.items() <= made.items()
    assert len(empty_standins.members("meta")) == 103


def test_people_are_added_and_removed_by_hashes(meta: MetaDestination, empty_standins: Standins) -> None:
    vip, both = audience(meta), people(meta, "a@x.example", "b@x.example", first_name="Mary", country="DE")
    assert meta.add(vip, both).exceptions == ()
    assert held(empty_standins) == {member.identifiers["email"] for member in both}
    assert meta.remove(vip, [Member(0, both[0].identifiers)]).exceptions == ()
    assert held(empty_standins) == {both[1].identifiers["email"]}
    sent = b"".join(one.body for one in empty_standins.recorded("meta"))
    assert NOTHING.encode() not in sent
    assert b"x.example" not in sent


def test_each_call_may_be_repeated(meta: MetaDestination, empty_standins: Standins) -> None:
    vip, both = audience(meta), people(meta, "a@x.example", "b@x.example")
    for call in (meta.add, meta.update, meta.add):
        call(vip, both)
    assert len(empty_standins.members("meta")["vip"]) == 2
    for _ in range(2):
        assert meta.remove(vip, both) is not None
    assert empty_standins.members("meta").get("vip", []) == []


@pytest.mark.parametrize("bad", [[0], [6543], [9999], [17, 18, 5000]])
def test_pain_30_bad_rows_in_ten_thousand_are_found_by_halving(
    meta: MetaDestination, empty_standins: Standins, bad: list[int]
) -> None:
    vip = audience(meta)
    rows = [Member(row, {"email": f"{row:064x}" if row not in bad else "not a hash"}) for row in range(10_000)]
    empty_standins.forget_requests()
    answer = meta.add(vip, rows)
    assert [one.row for one in answer.exceptions] == bad
    assert {one.outcome for one in answer.exceptions} == {"rejected"}
    assert len(empty_standins.members("meta")["vip"]) == 10_000 - len(bad)
    assert len(empty_standins.recorded("meta")) - 1 <= 2 * math.log2(10_000) * len(bad)


def test_an_upload_is_confirmed_when_its_session_is_worked_off(meta: MetaDestination, empty_standins: Standins) -> None:
    empty_standins.settings({"meta.session_seconds": 30})
    vip = audience(meta)
    answer = meta.add(vip, people(meta, "a@x.example"))
    assert answer.job_id is not None
    assert meta.confirm(vip, answer.job_id) is None
    empty_standins.advance(60)
    assert isinstance(meta.confirm(vip, answer.job_id), Answer)


def test_a_lost_answer_is_asked_again_in_the_same_session(meta: MetaDestination, empty_standins: Standins) -> None:
    vip = audience(meta)
    empty_standins.faults({"platform": "meta", "kind": "lost_answer", "path": "users", "next": 1})
    empty_standins.forget_requests()
    assert meta.add(vip, people(meta, "a@x.example")).exceptions == ()
    first, second = [orjson.loads(one.body)["session"] for one in empty_standins.recorded("meta")]
    assert first == second


def test_refused_credentials_stop_at_once(meta: MetaDestination, empty_standins: Standins) -> None:
    vip = audience(meta)
    empty_standins.faults({"platform": "meta", "kind": "expired_token"})
    empty_standins.forget_requests()
    with pytest.raises(AuthError):
        meta.add(vip, people(meta, "a@x.example"))
    assert len(empty_standins.recorded("meta")) == 1


def test_a_throttle_is_known_by_its_code_though_it_is_a_400(meta: MetaDestination, empty_standins: Standins) -> None:
    throttled = Response()
    throttled.status_code = 400
    throttled._content = b'{"error": {"code": 80003, "error_subcode": 2446079}}'
    throttled.headers["X-Business-Use-Case-Usage"] = '{"1": [{"estimated_time_to_regain_access": 7}]}'
    error = classify(throttled)
    assert isinstance(error, QuotaError)
    assert error.retry_after == 420
    empty_standins.faults({"platform": "meta", "kind": "throttle", "seconds": 0, "next": 2})
    assert audience(meta).remote_id is not None


def test_a_flagged_audience_makes_removals_a_debt_and_additions_an_error(
    meta: MetaDestination, empty_standins: Standins
) -> None:
    vip = audience(meta)
    [document] = empty_standins.documents("meta", "audience").values()
    empty_standins.put("meta", "audience", {"id": document["id"], "body": {**document["body"], "_flagged": True}})
    assert [one.outcome for one in meta.remove(vip, people(meta, "a@x.example")).exceptions] == ["debt"]
    with pytest.raises(FatalError, match="1713230"):
        meta.add(vip, people(meta, "a@x.example"))


def test_server_errors_are_tried_again_and_then_told(meta: MetaDestination, empty_standins: Standins) -> None:
    vip = audience(meta)
    empty_standins.faults({"platform": "meta", "kind": "error", "status": 500})
    with pytest.raises(RetriableError):
        meta.add(vip, people(meta, "a@x.example"))


def test_no_address_and_no_hash_is_in_a_log_or_an_error(
    meta: MetaDestination, empty_standins: Standins, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vip, canaries = audience(meta), people(meta, "canary@x.example")
    meta.add(vip, canaries)
    empty_standins.faults({"platform": "meta", "kind": "error", "status": 400})
    with pytest.raises(AudienceflowError) as caught:
        meta.add(vip, canaries)
    told = caplog.text + str(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)
    assert "canary" not in told
    assert canaries[0].identifiers["email"] not in told


def test_requests_carry_only_what_the_specification_declares(
    meta: MetaDestination, empty_standins: Standins, vendor_specs: str
) -> None:
    vip = audience(meta)
    answer = meta.add(vip, people(meta, "a@x.example", first_name="Mary"))
    meta.remove(vip, people(meta, "a@x.example"))
    meta.confirm(vip, answer.job_id or "")
    declared = _declared(Path(vendor_specs) / "meta")
    for one in empty_standins.recorded("meta"):
        edge = one.path.rsplit("/", 1)[1]
        names = set(orjson.loads(one.body)) if one.body else {pair.split("=")[0] for pair in one.query.split("&")}
        assert names - {"fields", "limit", "after"} <= declared[one.method, edge]


def _declared(folder: Path) -> dict[tuple[str, str], set[str]]:
    files = (folder / "CustomAudience.json", folder / "AdAccount.customaudience-edges.json")
    return {
        (api["method"], api["endpoint"].strip("/")): {parameter["name"] for parameter in api["params"]}
        for file in files
        for api in orjson.loads(file.read_bytes())["apis"]
        if api.get("endpoint")
    }

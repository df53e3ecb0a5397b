"""Google Analytics' stand-in is no gentler than the platform: schema, maxima, order, quotas, what a report lacks."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from include.google_auth import GoogleAuth
from include.sources.ga4_client import SCOPE
from include.standins.ga4 import MESSAGES, PROPERTY
from include.standins.ga4_records import Fact, fact
from include.standins.google_sign_in import key_file
from tests.conformance_discovery import check_discovery
from tests.include.sources.contract.stage import Stage

DAY = date(2025, 11, 19)  # the stage's present is two days later
PATH = f"/v1beta/properties/{PROPERTY}:runReport"
DOCUMENT = "ga4-data-api/analyticsdata.v1beta.discovery.json"


@pytest.fixture(scope="module")
def platform() -> Iterator[Stage]:
    stage = Stage("ga4")
    with stage.serving():
        yield stage


class Caller:
    """A caller that writes requests by hand."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._session = requests.Session()
        self._session.auth = GoogleAuth(key_file(stage.store, "ga4", stage.url), SCOPE)

    def call(self, path: str = PATH, /, **changed: Any) -> requests.Response:
        body = {
            "dateRanges": [{"startDate": DAY.isoformat(), "endDate": DAY.isoformat()}],
            "dimensions": [{"name": "sessionSource"}],
            "metrics": [{"name": "sessions"}],
            "orderBys": [{"dimension": {"dimensionName": "sessionSource"}}],
            **changed,
        }
        known = {name: value for name, value in body.items() if value is not None}
        return self._session.post(self.stage.url + path, json=known, timeout=30)

    def rows(self, **changed: Any) -> dict[str, str]:
        """First dimension → first metric."""
        answer = self.call(**changed).json()
        return {row["dimensionValues"][0]["value"]: row["metricValues"][0]["value"] for row in answer.get("rows", ())}

    def facts(self, *facts: Fact) -> None:
        for one in map(fact, facts):
            self.stage.store.put("ga4", "fact", one["id"], one["body"], changed_at=0)


@pytest.fixture
def caller(platform: Stage) -> Caller:
    platform.renew()
    made = Caller(platform)
    made.facts(*(Fact(n, DAY, {"sessionSource": f"s{n:02}"}, {"sessions": n, "totalUsers": n}) for n in range(1, 13)))
    return made


@pytest.fixture
def document(vendor_specs: str) -> Path:
    return Path(vendor_specs) / DOCUMENT


def test_the_messages_are_those_of_the_discovery_document(document: Path) -> None:
    schemas = json.loads(document.read_bytes())["schemas"]

    def kind(declared: Mapping[str, Any]) -> Any:
        if "$ref" in declared:
            return "@" + declared["$ref"]
        if declared["type"] == "array":
            return {"repeated": kind(declared["items"])}
        return declared.get("enum") or declared.get("format", declared["type"])

    for name, fields in MESSAGES.items():
        assert dict(fields) == {field: kind(one) for field, one in schemas[name].get("properties", {}).items()}, name


def test_the_stand_in_keeps_to_the_discovery_document(caller: Caller, document: Path) -> None:
    store = caller.stage.store
    caller.call(returnPropertyQuota=True)
    caller.call(dimensions=[{"name": "day"}])
    caller.call("/v1beta/properties/1:runReport")
    store.set_setting("ga4.cardinality", 3)
    store.set_setting("ga4.threshold", 2)
    store.set_setting("ga4.sampled", [100, 1000])
    caller.call(limit="2", offset="1")
    store.set_setting("ga4.fail_next", 1)
    caller.call()
    store.set_setting("ga4.tokens", {"day": 1})
    caller.call()

    recorded = [one for one in caller.stage.context.log.read() if not one.path.endswith("/token")]

    assert {one.status for one in recorded} == {200, 400, 403, 429, 500}
    assert check_discovery(document, recorded, "") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"dimension": "sessionSource"},
        {"dimensions": [{"name": "yearOfTheDog"}]},
        {"dimensions": [{"name": "sessionSource"}] * 2},
        {"metrics": None},
        {"metrics": [{"name": "charm"}]},
        {"metrics": [{"name": "sessions"}] * 11},
        {"dateRanges": None},
        {"dateRanges": [{"startDate": "20251119", "endDate": "20251119"}]},
        {"dateRanges": [{"startDate": "2025-11-20", "endDate": "2025-11-19"}]},
        {"limit": "0"},
        {"limit": "some"},
        {"offset": "-1"},
        {"orderBys": [{"dimension": {"dimensionName": "city"}}]},
    ],
    ids=str,
)
def test_what_is_not_of_the_schema_or_beyond_its_maxima_is_refused(caller: Caller, changed: dict[str, Any]) -> None:
    answer = caller.call(**changed)

    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_nobody_is_let_in_without_a_token_of_the_right_scope(caller: Caller) -> None:
    url = caller.stage.url + PATH
    assert requests.post(url, json={}, timeout=30).status_code == 401
    assert requests.post(url, json={}, headers={"Authorization": "Bearer ya29.x"}, timeout=30).status_code == 401
    wrong = GoogleAuth(key_file(caller.stage.store, "ga4", caller.stage.url), SCOPE + ".edit")
    with pytest.raises(Exception, match="refused"):
        requests.post(url, json={}, auth=wrong, timeout=30)


def test_pages_go_by_offset_up_to_the_row_count_and_without_an_order_nothing_is_promised(caller: Caller) -> None:
    pages = [caller.call(limit="5", offset=str(offset)).json() for offset in (0, 5, 10)]
    loose = [tuple(caller.rows(orderBys=None)) for _ in range(3)]

    assert [page["rowCount"] for page in pages] == [12, 12, 12]
    assert [len(page["rows"]) for page in pages] == [5, 5, 2]
    names = [row["dimensionValues"][0]["value"] for page in pages for row in page["rows"]]
    assert names == sorted(names)
    assert len(set(loose)) > 1


def test_values_are_texts_and_days_the_property_s_own(caller: Caller) -> None:
    answer = caller.call(
        dimensions=[{"name": "date"}],
        orderBys=None,
        dateRanges=[{"startDate": "2daysAgo", "endDate": "yesterday"}],
        returnPropertyQuota=True,
    ).json()

    assert answer["rows"] == [{"dimensionValues": [{"value": "20251119"}], "metricValues": [{"value": "78"}]}]
    assert answer["metricHeaders"] == [{"name": "sessions", "type": "TYPE_INTEGER"}]
    assert answer["metadata"]["timeZone"] == "Europe/Berlin"
    assert answer["propertyQuota"]["tokensPerDay"]["consumed"] == 1


def test_a_day_is_restated_as_time_goes_on(caller: Caller) -> None:
    now = caller.stage.context.now()
    late, back = now + timedelta(hours=30), now + timedelta(hours=60)
    caller.facts(Fact(50, DAY, {"sessionSource": "s01"}, {"sessions": 4}, known_at=late),
                 Fact(51, DAY, {"sessionSource": "bot"}, {"sessions": 9}, gone_at=back))  # fmt: skip
    seen = []
    for hours in (0, 31, 61):
        caller.stage.clock.now = (now + timedelta(hours=hours)).timestamp()
        rows = caller.rows()
        seen.append((rows["s01"], rows.get("bot")))

    assert seen == [("1", "9"), ("5", "9"), ("5", None)]


def test_what_a_report_lacks_is_told(caller: Caller) -> None:
    store = caller.stage.store
    store.set_setting("ga4.cardinality", 3)
    rolled = caller.call().json()
    store.set_setting("ga4.cardinality", None)
    store.set_setting("ga4.threshold", 10)
    hidden = caller.call().json()

    assert rolled["metadata"]["dataLossFromOtherRow"] is True
    assert [row["dimensionValues"][0]["value"] for row in rolled["rows"]] == ["(other)", "s10", "s11", "s12"]
    assert rolled["rows"][0]["metricValues"][0]["value"] == "45"
    assert hidden["metadata"]["subjectToThresholding"] is True
    assert hidden["rowCount"] == 3


def test_tokens_of_the_hour_run_out_and_come_back_and_server_errors_are_counted(caller: Caller) -> None:
    store = caller.stage.store
    store.set_setting("ga4.tokens", {"project": 20})
    store.set_setting("ga4.cost", 10)
    codes = [caller.call().status_code for _ in range(3)]
    caller.stage.clock.pass_(3_601)
    codes.append(caller.call().status_code)
    assert codes == [200, 200, 429, 200]

    store.set_setting("ga4.tokens", {})
    store.set_setting("ga4.fail_next", 11)
    assert [caller.call().status_code for _ in range(12)] == [500] * 10 + [429, 200]

"""Google Analytics' reports: pages, restated days, what a report lacks, quotas, and what stands in staging."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import psycopg
import pytest
import requests

from include import landing, quality
from include.errors import AuthError, ConfigError, FatalError, QuotaError, RetriableError
from include.limits import Quota
from include.sources import ga4, ga4_client
from include.sources.checks.ga4 import check
from include.sources.mapping import table_mapping
from include.sources.pages import TOMBSTONE, Page, Window
from include.sources.registry import STREAMS
from include.standins.faults import Fault
from include.standins.ga4 import PROPERTY
from include.standins.ga4_records import Fact, fact
from include.standins.google_sign_in import key_file
from tests.conformance_discovery import check_discovery
from tests.include.sources.contract.stage import NoLimits, Stage
from tests.include.sources.small_server import Answer, Asked, serving
from tests.include.sources.web_visits import publish

STREAM = "ga4.reports"
UNTIL = datetime(2025, 11, 21, 8, 0, tzinfo=UTC)
TODAY = date(2025, 11, 21)
SOURCES = {"sources": {"dimensions": ["sessionSource"], "metrics": ["sessions", "purchaseRevenue"]}}
DOCUMENT = "ga4-data-api/analyticsdata.v1beta.discovery.json"


@pytest.fixture(scope="module")
def platform() -> Iterator[Stage]:
    stage = Stage("ga4")
    with stage.serving():
        yield stage


@pytest.fixture
def stage(platform: Stage) -> Stage:
    platform.renew()
    platform.clock.now = UNTIL.timestamp()
    return platform


def put(stage: Stage, *facts: Fact) -> None:
    for one in map(fact, facts):
        stage.store.put("ga4", "fact", one["id"], one["body"], changed_at=0)


def row(number: int, days_ago: int = 1, source: str | None = None, sessions: float = 1, **more: Any) -> Fact:
    name = source or f"s{number:03}"
    counts = {"sessions": sessions, "eventCount": 1, "purchaseRevenue": 2.5}
    return Fact(number, TODAY - timedelta(days=days_ago), {"sessionSource": name}, counts, **more)


def mapping(**options: Any) -> dict[str, Any]:
    known = table_mapping(STREAM)
    return {**known, "options": {**known["options"], "reports": SOURCES, **options}}


def client(stage: Stage) -> ga4.Ga4Client:
    return ga4.client(stage.url, key_file(stage.store, "ga4", stage.url), PROPERTY, limiter=NoLimits())


def read(stage: Stage, since: datetime | None = None, **options: Any) -> list[Page]:
    return list(ga4.reports(client(stage), Window(since, UNTIL), mapping(**options)))


def payloads(pages: list[Page]) -> list[dict[str, Any]]:
    return [orjson.loads(one.payload) for page in pages for one in page.rows]


def land(conn: psycopg.Connection, stage: Stage, until: datetime = UNTIL, **options: Any) -> landing.Landed:
    return landing.land(conn, STREAM, client(stage), until=until, mapping=mapping(**options))


def staged(conn: psycopg.Connection) -> dict[tuple[str, str], float]:
    """(day, source) → sessions."""
    found = conn.execute("select on_date, dimensions, metrics from staging.ga4_reports")
    return {(str(day), dimensions["sessionSource"]): metrics["sessions"] for day, dimensions, metrics in found}


def reports_asked(stage: Stage) -> list[dict[str, Any]]:
    recorded = [one.json() for one in stage.context.log.read() if one.path.endswith(":runReport")]
    return [body for body in recorded if body["dimensions"] != [{"name": "date"}]]


def test_requests_keep_to_the_discovery_document(stage: Stage, vendor_specs: str) -> None:
    put(stage, *(row(n) for n in range(5)))

    list(ga4.reports(client(stage), Window(None, UNTIL), table_mapping(STREAM)))
    read(stage, page_size=2)

    recorded = [one for one in stage.context.log.read() if not one.path.endswith("/token")]
    assert len(recorded) >= 7
    assert {one.status for one in recorded} == {200}
    assert check_discovery(Path(vendor_specs) / DOCUMENT, recorded, "") == []


def test_a_first_load_asks_only_about_days_that_measured_anything_and_never_about_today(stage: Stage) -> None:
    put(stage, row(1, 200), row(2, 3), row(3, 0), row(4, 500))

    found = payloads(read(stage, history_days=365))

    assert [one["date"] for one in found] == ["2025-05-05", "2025-11-18"]
    assert len(reports_asked(stage)) == 2


def test_a_day_is_read_page_by_page_in_an_order_of_ours(stage: Stage) -> None:
    put(stage, *(row(n, sessions=n + 1) for n in range(11)))

    found = payloads(read(stage, page_size=4))

    assert [one["dimensions"] for one in found] == [
        {"report": "sources", "sessionSource": f"s{n:03}"} for n in range(11)
    ]
    assert found[3]["metrics"] == {"sessions": "4", "purchaseRevenue": "2.5"}
    assert [body["offset"] for body in reports_asked(stage)] == ["0", "4", "8"]
    assert all(body["orderBys"] for body in reports_asked(stage))


def test_a_day_that_is_restated_between_two_pages_is_read_anew_and_what_went_is_gone(stage: Stage) -> None:
    put(stage, *(row(n) for n in range(8)))
    asked: list[int] = []

    def restate() -> None:
        asked.append(1)
        if len(asked) == 4:  # a token, the overview, the first page
            stage.store.delete("ga4", "fact", "1")

    stage.before = restate

    newest = {one.key: one.payload for page in read(stage, page_size=4) for one in page.rows}

    assert sorted(payload == TOMBSTONE for payload in newest.values()) == [False] * 7 + [True]


def test_a_report_that_never_keeps_still_is_given_up_for_now() -> None:
    counts = iter(range(100, 200))

    def answer(asked: Asked) -> Answer:
        headers = {"dimensionHeaders": [{"name": "sessionSource"}], "metricHeaders": [{"name": "sessions"}]}
        some = [{"dimensionValues": [{"value": "20251120"}], "metricValues": [{"value": "1"}]}]
        return Answer({**headers, "rows": some, "rowCount": next(counts)})

    with serving(answer) as url, pytest.raises(RetriableError, match="keeps changing"):
        list(ga4.reports(ga4.client(url, "ya29.token", "1"), Window(None, UNTIL), mapping(page_size=1)))


def test_a_page_that_brings_nothing_new_ends_the_reading() -> None:
    def answer(asked: Asked) -> Answer:
        headers = {"dimensionHeaders": [{"name": "sessionSource"}], "metricHeaders": [{"name": "sessions"}]}
        some = [{"dimensionValues": [{"value": "20251120"}], "metricValues": [{"value": "1"}]}]
        return Answer({**headers, "rows": some, "rowCount": 9})

    with serving(answer) as url, pytest.raises(FatalError, match="paging would never end"):
        list(ga4.reports(ga4.client(url, "ya29.token", "1"), Window(None, UNTIL), mapping(page_size=1)))


def test_the_last_three_days_are_restated_and_rows_that_vanished_are_deleted(
    conn: psycopg.Connection, stage: Stage
) -> None:
    later = UNTIL + timedelta(days=1)
    put(stage, row(1, 1, "ads"), row(2, 1, "bots", 50, gone_at=UNTIL + timedelta(hours=9)), row(3, 9, "old"))
    land(conn, stage)
    publish(conn, STREAM)
    before = staged(conn)
    put(stage, row(4, 1, "ads", 6, known_at=UNTIL + timedelta(hours=5)), row(5, 9, "old", 7), row(6, 0, "new"))
    stage.clock.now = later.timestamp()

    land(conn, stage, later)
    done = publish(conn, STREAM)

    assert before == {("2025-11-20", "ads"): 1, ("2025-11-20", "bots"): 50, ("2025-11-12", "old"): 1}
    assert staged(conn) == {("2025-11-20", "ads"): 7, ("2025-11-12", "old"): 1, ("2025-11-21", "new"): 1}
    assert (done.rows, done.deleted) == (2, 1)


def test_days_are_those_of_the_property_s_own_clock(stage: Stage) -> None:
    stage.store.set_setting("ga4.timezone", "Pacific/Auckland")  # 21:00 there: the 21st; in UTC the 20th still lasts
    put(stage, row(1, 0), row(2, 1))
    window = Window(None, datetime(2025, 11, 20, 12, tzinfo=UTC))
    stage.clock.now = window.until.timestamp()

    found = payloads(list(ga4.reports(client(stage), window, mapping())))

    assert [one["date"] for one in found] == ["2025-11-20"]


@pytest.mark.parametrize(
    ("setting", "value", "lacks"),
    [("cardinality", 2, "other_row"), ("threshold", 3, "thresholded"), ("sampled", [10, 1000], "sampled")],
)
def test_what_a_report_lacks_stands_with_its_rows_and_is_told_by_the_check(
    conn: psycopg.Connection, warehouse_url: str, stage: Stage, setting: str, value: Any, lacks: str
) -> None:
    put(stage, *(row(n, sessions=n) for n in range(1, 6)))
    stage.store.set_setting(f"ga4.{setting}", value)

    land(conn, stage)
    checked = quality.check_stream(conn, warehouse_url, STREAMS[STREAM])

    assert checked.failed_rules == ("report_not_whole",)
    assert conn.execute("select distinct lacks from checking.ga4_reports").fetchall() == [([lacks],)]


def test_a_report_of_which_every_row_is_hidden_is_told_in_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    put(stage, row(1))
    stage.store.set_setting("ga4.threshold", 1)
    put(stage, Fact(2, TODAY - timedelta(days=2), {"sessionSource": "x"}, {"eventCount": 5}))

    read(stage)

    assert "sources of 2025-11-19 has no row to show (thresholded)" in caplog.text


def test_pain_28_a_load_stops_before_the_quota_is_used_up_and_the_next_goes_on_there(
    conn: psycopg.Connection, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    put(stage, *(row(n, n) for n in range(1, 21)))
    stage.store.set_setting("ga4.tokens", {"hour": 10})

    land(conn, stage, keep_tokens=3)
    first = len(staged_days(conn))
    stage.clock.pass_(3_700)
    land(conn, stage, keep_tokens=3)
    second = len(staged_days(conn))
    stage.store.set_setting("ga4.tokens", {})
    land(conn, stage, keep_tokens=3)

    assert 0 < first < second < 20
    assert len(staged_days(conn)) == 20
    assert "nearly used up" in caplog.text
    assert {one.status for one in stage.context.log.read()} == {200}


def test_pain_28_what_was_read_before_the_quota_ended_is_kept(
    conn: psycopg.Connection, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    put(stage, *(row(n, n) for n in range(1, 9)))
    stage.store.set_setting("ga4.tokens", {"hour": 5})
    until = UNTIL - timedelta(hours=1)

    land(conn, stage, until, keep_tokens=-1)
    stage.store.set_setting("ga4.tokens", {"hour": 1})

    assert len(staged_days(conn)) == 4
    assert "quota is used up" in caplog.text
    with pytest.raises(QuotaError):
        land(conn, stage, keep_tokens=-1)


def staged_days(conn: psycopg.Connection) -> set[str]:
    found = conn.execute("select distinct payload ->> 'date' from raw.record where stream = %s", (STREAM,))
    return {day for (day,) in found}


# As other connectors recorded them.
PACIFIC = ZoneInfo("America/Los_Angeles")
HOURS_LEFT = 23 - datetime.now(PACIFIC).hour  # of the day at Google, whole ones


@pytest.mark.parametrize(
    ("message", "least", "most"),
    [
        ("Exhausted property tokens per hour. These quota tokens will return in under one hour.", 1, 3_601),
        ("Exhausted property tokens for a project per hour.", 1, 3_601),
        ("Exhausted potentially thresholded requests quota.", 1, 3_601),
        (
            "Exhausted property tokens per day. These quota tokens will return in under 24 hours.",
            (HOURS_LEFT - 1) * 3_600,
            (HOURS_LEFT + 2) * 3_600,
        ),
        ("Exhausted concurrent requests quota.", None, None),
    ],
)
def test_a_used_up_quota_is_waited_for_as_long_as_it_lasts(message: str, least: float | None,
                                                          most: float | None) -> None:  # fmt: skip
    body = {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}}
    raised: list[QuotaError] = []

    def keep(response: Any) -> Any:
        raised.append(ga4_client.classify(response))
        return FatalError("seen")

    with serving(lambda asked: Answer(body, 429)) as url:
        made = ga4.client(url, "ya29.token", "1")
        made._classify = keep
        with pytest.raises(FatalError, match="seen"):
            made.report({})

    [told] = raised
    assert isinstance(told, QuotaError)
    assert told.retry_after is None if least is None else least <= told.retry_after <= most


@pytest.mark.parametrize(
    ("status", "error", "kind", "says"),
    [
        (403, {"status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}, AuthError, "switch on"),
        (403, {"status": "PERMISSION_DENIED"}, AuthError, "viewer of the property"),
        (403, {"status": "RESOURCE_EXHAUSTED"}, QuotaError, "used up"),
    ],
)
def test_what_403_means_is_told_by_its_code(
    status: int, error: dict[str, Any], kind: type[Exception], says: str
) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = status, orjson.dumps({"error": {**error, "message": "quota per hour"}})

    told = ga4_client.classify(answer)

    assert type(told) is kind
    assert says in str(told)


def test_pain_41_before_the_night_is_told_what_is_left_of_the_property_s_tokens(stage: Stage) -> None:
    stage.store.set_setting("ga4.cost", 10)

    checked = check(client(stage))

    assert (checked.account, checked.limits) == (f"property {PROPERTY}", {"time zone": "Europe/Berlin"})
    assert checked.quota == {
        "tokens a day": Quota(200_000, 199_990, lasts=True),
        "tokens an hour": Quota(14_000, 13_990),
    }
    with pytest.raises(AuthError):
        check(ga4.client(stage.url, key_file(stage.store, "ga4", stage.url), "1"))


def test_a_busy_moment_and_a_server_error_are_tried_again(stage: Stage) -> None:
    put(stage, row(1))
    stage.context.faults.replace(Fault("ga4", "throttle", path="runReport", next=1, seconds=0.01))
    stage.store.set_setting("ga4.fail_next", 1)

    assert len(payloads(read(stage))) == 1


def test_another_property_and_an_unknown_metric_are_refused_with_what_to_mend(stage: Stage) -> None:
    secret = key_file(stage.store, "ga4", stage.url)
    with pytest.raises(AuthError, match="viewer of the property"):
        list(ga4.reports(ga4.client(stage.url, secret, "1"), Window(None, UNTIL), mapping()))
    put(stage, row(1))
    wrong = {"odd": {"dimensions": ["sessionSource"], "metrics": ["charm"]}}
    with pytest.raises(FatalError, match=r"ga4\.yaml"):
        read(stage, reports=wrong)


@pytest.mark.parametrize(
    ("reports", "said"),
    [
        ({}, "names no report"),
        ({"a": {"dimensions": ["city"]}}, "'a' needs a list of 1 to 10 metrics"),
        ({"a": {"dimensions": "city", "metrics": ["sessions"]}}, "'a' needs a list of 1 to 9 dimensions"),
        ({"a": {"dimensions": ["city"] * 10, "metrics": ["sessions"]}}, "'a' needs a list of 1 to 9 dimensions"),
        ({"a": {"dimensions": ["date"], "metrics": ["sessions"]}}, "take date out"),
    ],
    ids=["none", "no_metrics", "a_text", "too_many", "date"],
)
def test_a_wrong_report_is_named(reports: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ga4.reports_of({"reports": reports})


def test_the_reports_that_ship_are_valid(stage: Stage) -> None:
    put(stage, row(1))

    names = {report.name for report in ga4.reports_of(table_mapping(STREAM)["options"])}
    pages = list(ga4.reports(client(stage), Window(None, UNTIL), table_mapping(STREAM)))

    assert names == {"traffic", "pages"}
    assert {one["report"] for one in payloads(pages)} == names

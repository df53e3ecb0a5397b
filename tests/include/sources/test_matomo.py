"""Matomo: what is asked for, what is landed and what is not, and what becomes of it up to a segment."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson
import psycopg
import pytest

from include import landing
from include.destinations.base import Checked
from include.errors import AudienceflowError, AuthError, FatalError, RetriableError
from include.sources import matomo
from include.sources.checks.matomo import check
from include.sources.pages import Page, Window
from include.standins.matomo import REFUSED_TEXT, SITE, SLOW_TEXT
from include.standins.matomo_records import Act, Visit, visit
from tests.include.sources.contract.stage import Stage
from tests.include.sources.small_server import Answer, Asked, serving
from tests.include.sources.web_visits import STREAM, client, mapping, put

UNTIL = datetime(2025, 11, 21, 8, 30, tzinfo=UTC)
YESTERDAY = UNTIL - timedelta(days=1)
EVERYTHING = Window(None, UNTIL)
# The Reporting API's parameters (developer.matomo.org/api-reference/reporting-api, "Standard API parameters" and Live).
DECLARED = {
    "module", "method", "format", "token_auth", "language", "idSite", "period", "date", "segment", "minTimestamp",
    "countVisitorsToFetch", "flat", "doNotFetchActions", "enhanced", "filter_limit", "filter_offset",
    "filter_sort_order", "filter_sort_column", "hideColumns", "showColumns",
}  # fmt: skip


@pytest.fixture(scope="module")
def platform() -> Iterator[Stage]:
    stage = Stage("matomo")
    with stage.serving():
        yield stage


@pytest.fixture
def stage(platform: Stage) -> Stage:
    platform.renew()
    platform.clock.now = UNTIL.timestamp()
    return platform


def read(stage: Stage, window: Window = EVERYTHING, *sites: str, **options: Any) -> list[Page]:
    return list(matomo.visits(client(stage, *sites), window, mapping(**options)))


def payloads(pages: list[Page]) -> list[dict[str, Any]]:
    return [orjson.loads(row.payload) for page in pages for row in page.rows]


def test_every_question_is_a_post_with_the_token_in_its_body_and_parameters_that_are_declared(stage: Stage) -> None:
    put(stage, *(Visit(n, 1, YESTERDAY + timedelta(seconds=n // 3)) for n in range(1, 9)))

    read(stage, page_size=2)
    read(stage, Window(YESTERDAY, UNTIL), keep_addresses=True)

    recorded = list(stage.context.log.read())
    forms = [parse_qs(one.body.decode()) for one in recorded]
    assert {(one.method, one.path, one.query) for one in recorded} == {("POST", "/index.php", "")}
    assert {form["token_auth"][0] for form in forms} == {stage.context.tokens["matomo"]}
    assert set().union(*forms) <= DECLARED
    assert {form["period"][0] for form in forms if "period" in form} == {"range"}
    assert any("hideColumns" in form for form in forms)


def test_more_visits_of_one_second_than_a_page_holds_arrive_whole(stage: Stage) -> None:
    put(stage, *(Visit(n, 1, YESTERDAY) for n in range(1, 40)), Visit(99, 1, YESTERDAY + timedelta(seconds=1)))

    found = payloads(read(stage, page_size=3))

    assert sorted(int(one["idVisit"]) for one in found) == [*range(1, 40), 99]


def test_pain_32_a_visit_that_grows_while_pages_are_read_takes_nobody_with_it(
    stage: Stage,
) -> None:
    put(stage, *(Visit(n, 1, YESTERDAY + timedelta(seconds=n)) for n in range(1, 30)))
    grown = iter(range(1, 30))

    def grow() -> None:
        number = next(grown, None)
        if number:
            put(stage, Visit(number, 1, YESTERDAY + timedelta(seconds=number), (Act(0), Act(7200)), count=2))

    stage.before = grow

    newest = {one["idVisit"]: one["visitCount"] for one in payloads(read(stage, page_size=4))}

    assert set(newest) == {str(n) for n in range(1, 30)}
    assert "2" in newest.values()


def test_addresses_and_query_strings_stay_at_the_platform_unless_the_mapping_asks_for_them(stage: Stage) -> None:
    url = "https://shop.example/reset?mail=ada%40inbox.example#token"
    put(stage, Visit(1, 1, YESTERDAY, (Act(0, what=url),), referrer=("website", "x", "https://x.example/?q=ada")))

    text, everything = (
        b"".join(row.payload for page in pages for row in page.rows)
        for pages in (read(stage), read(stage, keep_addresses=True, keep_queries=True))
    )

    for canary in (b"203.0.113.7", b"ada", b"token", b"52.52", b"f0000"):
        assert canary not in text
    assert b"https://shop.example/reset" in text
    assert b"203.0.113.7" in everything
    assert b"mail=ada%40inbox.example" in everything


def test_days_are_those_of_each_sites_own_clock(stage: Stage) -> None:
    zones = {"1": "Europe/Berlin", "3": "America/Los_Angeles", "4": "Mars/Olympus"}
    stage.store.set_setting(
        "matomo.sites",
        {
            id: {**SITE, "idsite": id, "timezone": zone, "ts_created": "2025-11-19 20:00:00"}
            for id, zone in zones.items()
        },
    )
    began = datetime(2025, 11, 19, 23, 30, tzinfo=UTC)
    put(stage, *(Visit(10 + site, site, began) for site in (1, 3)))

    keys = {row.key for page in read(stage, EVERYTHING, "1", "3") for row in page.rows}

    with pytest.raises(FatalError, match="time zone"):
        read(stage, EVERYTHING, "4")
    assert keys == {"1:2025-11-20:11", "3:2025-11-19:13"}


@pytest.mark.parametrize(
    ("name", "hours"), [("UTC+5.5", 5.5), ("UTC-3", -3), ("UTC+0", 0), ("Asia/Kolkata", 5.5), ("UTC", 0)]
)
def test_a_zone_of_matomos_own_is_read(name: str, hours: float) -> None:
    assert datetime(2025, 1, 1, tzinfo=matomo._zone(name)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        (REFUSED_TEXT, AuthError, "access"),
        ("You can't access this resource as it requires 'view' access for the website id = 7.", AuthError, "access"),
        (SLOW_TEXT, RetriableError, "slow"),
        ("SQLSTATE[HY000] [2002] Connection refused", RetriableError, "database"),
        ("The report of ada@inbox.example is wrong.", FatalError, "error"),
    ],
)
def test_pain_19_an_error_with_200_is_one_and_its_text_is_not_repeated(text: str, error: type[AudienceflowError],
                                                               code: str) -> None:  # fmt: skip
    with serving(lambda asked: Answer({"result": "error", "message": text})) as url, pytest.raises(error) as raised:
        list(matomo.visits(_once(url), Window(None, UNTIL), mapping()))

    assert raised.value.code == code
    assert "ada" not in str(raised.value)
    assert "website id" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "text", "error", "code"),
    [
        (401, "Zugriff verweigert.", AuthError, "access"),
        (400, "The parameter 'token' is missing in the database.", FatalError, "error"),
        (500, SLOW_TEXT, RetriableError, "slow"),
        (500, "Something went wrong.", RetriableError, "database"),
    ],
)
def test_where_matomo_gives_a_status_its_words_are_not_asked(
    status: int, text: str, error: type[AudienceflowError], code: str
) -> None:
    body = {"result": "error", "message": text}
    with serving(lambda asked: Answer(body, status)) as url, pytest.raises(error) as raised:
        list(matomo.visits(_once(url), Window(None, UNTIL), mapping()))

    assert (type(raised.value), raised.value.code) == (error, code)


def _once(url: str) -> matomo.MatomoClient:
    made = matomo.client(url, "t", ["1"])
    made._tries = 1
    return made


def test_pain_41_before_the_night_a_site_that_keeps_no_visits_log_and_one_nobody_may_see_are_named(
    stage: Stage,
) -> None:
    assert check(client(stage)) == Checked("sites 1")
    put(stage, Visit(1, 1, datetime.now(UTC) - timedelta(hours=30), visitor=None))

    [said] = check(client(stage)).missing

    assert "site 1 keeps no visits log" in said
    with pytest.raises(AuthError):
        check(client(stage, "1", "9"))


def test_a_platform_whose_filter_by_time_does_not_work_ends_the_reading() -> None:
    visits = [visit(Visit(n, 1, YESTERDAY + timedelta(seconds=n)))["body"] for n in range(5)]
    site = {**SITE, "ts_created": "2025-11-21 00:00:00"}

    def answer(asked: Asked) -> Answer:
        return Answer(site if asked.body["method"] == "SitesManager.getSiteFromId" else visits)

    with serving(answer) as url, pytest.raises(FatalError, match="paging would never end"):
        list(matomo.visits(_once(url), Window(None, UNTIL), mapping(page_size=5)))


@pytest.mark.parametrize("answered", [{"visits": []}, "no"], ids=["an_object", "a_text"])
def test_an_answer_that_is_no_list_of_visits_is_refused(answered: Any) -> None:
    site = {**SITE, "ts_created": "2025-11-21 00:00:00"}

    def answer(asked: Asked) -> Answer:
        return Answer([site] if asked.body["method"] == "SitesManager.getSiteFromId" else answered)

    with serving(answer) as url, pytest.raises(FatalError, match="something else than a list"):
        list(matomo.visits(_once(url), Window(None, UNTIL), mapping()))


def test_pain_29_a_first_load_that_was_cut_off_goes_on_behind_the_last_whole_day(
    conn: psycopg.Connection, stage: Stage
) -> None:
    days = [UNTIL - timedelta(days=n) for n in range(12, 0, -1)]
    put(stage, *(Visit(n, 1, day) for n, day in enumerate(days, 1)))
    asked: list[int] = []

    def die() -> None:
        asked.append(1)
        if len(asked) == 75:
            stage.store.set_setting("matomo.sites", {})

    stage.before = die
    with pytest.raises(AuthError):
        landing.land(conn, STREAM, client(stage), until=UNTIL, batch_rows=1, mapping=mapping())
    before = landed(conn)
    stage.renew()
    stage.clock.now = UNTIL.timestamp()
    put(stage, *(Visit(n, 1, day) for n, day in enumerate(days, 1)))

    landing.land(conn, STREAM, client(stage), until=UNTIL, batch_rows=1, mapping=mapping())

    assert 0 < len(before) < 12
    assert len(landed(conn)) == 12
    asked_again = [one for one in stage.context.log.read() if b"getLastVisitsDetails" in one.body]
    assert len(asked_again) < 75 - len(before)


def landed(conn: psycopg.Connection) -> dict[str, dict[str, Any]]:
    """The newest version of each record in raw."""
    found = conn.execute(
        "select distinct on (record_key) record_key, payload from raw.record where stream = %s "
        "order by record_key, raw_id desc", (STREAM,),
    )  # fmt: skip
    return dict(found.fetchall())

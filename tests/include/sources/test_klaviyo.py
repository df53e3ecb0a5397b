"""Klaviyo as a source: windows, pages, consent with its times, events with their metric; against its specification."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg
import pytest

from include.errors import AuthError, FatalError
from include.sources import klaviyo
from include.sources.mapping import table_mapping
from include.sources.pages import Page, Window
from include.standins import klaviyo_records as records
from tests.conformance import check_openapi
from tests.include.sources.platforms import client_of
from tests.include.sources.small_server import Answer, Asked, serving
from tests.include.sources.staged_rows import land, put, staged
from tests.standins import Standins

SPEC = "klaviyo/klaviyo-2026-07-15.openapi.json"
PROFILES, EVENTS = "klaviyo.profiles", "klaviyo.events"
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - 300 * DAY
EVERYTHING = Window(None, NOW)


@pytest.fixture
def account(empty_standins: Standins) -> Standins:
    """An account without profiles, whose limits do not slow a test down."""
    empty_standins.settings({"klaviyo.limits": 100})
    return empty_standins


def profile(number: int, updated_at: datetime, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    address = f"p{number}@inbox.example"
    return records.profile(f"01P{number:05}", address, created_at=LONG_AGO, updated_at=updated_at, **more)


def test_klaviyo_is_asked_as_its_specification_says(
    conn: psycopg.Connection, account: Standins, vendor_specs: str
) -> None:
    """A first load and a change, with ties over the ends of pages, limits and failures on the way."""
    times = [LONG_AGO + DAY * (number // 120) for number in range(250)]
    put(account, "klaviyo", chain.from_iterable(profile(number, at) for number, at in enumerate(times)))
    put(
        account,
        "klaviyo",
        chain.from_iterable(
            records.event(f"e{number}", "Opened Email", "01P00001", LONG_AGO) for number in range(1100)
        ),
    )
    account.faults(
        {"platform": "klaviyo", "kind": "throttle", "seconds": 0, "next": 1},
        {"platform": "klaviyo", "kind": "error", "next": 1},
    )
    assert land(conn, account, PROFILES, NOW - 2 * DAY) == 250
    assert land(conn, account, EVENTS, NOW - 2 * DAY) == 1100
    put(account, "klaviyo", profile(3, NOW - DAY))

    assert land(conn, account, PROFILES, NOW) == 1
    assert land(conn, account, EVENTS, NOW) == 0

    recorded = account.recorded("klaviyo")
    assert {200, 429, 503} == {one.status for one in recorded}
    assert check_openapi(Path(vendor_specs) / SPEC, [one for one in recorded if one.status == 200], "/klaviyo") == []
    asked = [parse_qs(one.query) for one in recorded]
    assert {query["page[size]"][0] for query in asked} == {"100", "1000"}
    assert "predictive" not in "".join(one.query for one in recorded)
    assert {one.headers["revision"] for one in recorded} == {"2026-07-15"}


def test_a_suppression_that_moves_no_time_of_change_is_seen(conn: psycopg.Connection, account: Standins) -> None:
    put(account, "klaviyo", [*profile(1, LONG_AGO), *profile(2, LONG_AGO)])
    assert land(conn, account, PROFILES, NOW - 2 * DAY) == 2
    put(account, "klaviyo", profile(1, LONG_AGO, suppressed=[("SPAM_COMPLAINT", NOW - DAY)]))
    put(account, "klaviyo", profile(2, LONG_AGO, left={"L1": NOW - DAY}))

    assert land(conn, account, PROFILES, NOW) == 2

    assert {row["consent_email_at"] for row in staged(conn, PROFILES).values()} == {NOW - DAY}


def test_a_profile_changed_at_the_very_end_of_a_window_is_in_the_next(
    conn: psycopg.Connection, account: Standins
) -> None:
    """The filter is strictly greater-than; what is shown is cut to the second."""
    end = NOW - DAY
    put(account, "klaviyo", [*profile(1, end - SECOND), *profile(2, end)])
    assert land(conn, account, PROFILES, end) == 1

    assert land(conn, account, PROFILES, NOW) == 1
    assert land(conn, account, PROFILES, NOW) == 0


def test_what_changed_in_the_second_in_which_a_window_ends_is_in_it(
    conn: psycopg.Connection, account: Standins
) -> None:
    """Filters are to the second; a landing right behind a change must not leave it to the next day's."""
    half = timedelta(milliseconds=500)
    end = NOW - DAY + half
    put(account, "klaviyo", [*profile(1, LONG_AGO), *profile(2, LONG_AGO)])
    put(account, "klaviyo", records.event("e1", "Opened Email", "01P00001", end - SECOND))
    assert land(conn, account, PROFILES, end - HOUR) == 2
    assert land(conn, account, EVENTS, end - HOUR) == 0
    put(account, "klaviyo", profile(1, end - half))
    put(account, "klaviyo", profile(2, LONG_AGO, suppressed=[("SPAM_COMPLAINT", end - half)]))
    put(account, "klaviyo", records.event("e2", "Opened Email", "01P00001", end - half))

    assert land(conn, account, PROFILES, end) == 2
    assert land(conn, account, EVENTS, end) == 2
    assert land(conn, account, PROFILES, end + half) == 0
    assert land(conn, account, EVENTS, end + half) == 0


def test_consent_is_what_the_profile_agreed_to_and_suppressions_withdraw_it(
    conn: psycopg.Connection, account: Standins
) -> None:
    said, later, last = LONG_AGO + DAY, LONG_AGO + 9 * DAY, LONG_AGO + 20 * DAY
    put(
        account,
        "klaviyo",
        chain.from_iterable(
            (
                profile(0, last),
                profile(1, last, consent="SUBSCRIBED", consent_at=said),
                profile(2, last, consent="UNSUBSCRIBED", consent_at=later),
                profile(3, last, consent="SUBSCRIBED", consent_at=said, suppressed=[("HARD_BOUNCE", later)]),
                profile(4, last, suppressed=[("USER_SUPPRESSED", last), ("HARD_BOUNCE", said)]),
                profile(5, last, consent="SUBSCRIBED", consent_at=said, left={"L1": said, "L2": later}),
            )
        ),
    )

    land(conn, account, PROFILES, NOW)

    found = [(row["consent_email"], row["consent_email_at"]) for _, row in sorted(staged(conn, PROFILES).items())]
    assert found == [
        (None, None),
        ("granted", said),
        ("withdrawn", later),
        ("withdrawn", later),
        ("withdrawn", last),
        ("withdrawn", later),
    ]


def test_an_event_has_its_name_its_person_and_what_the_mapping_wants_of_it(
    conn: psycopg.Connection, account: Standins
) -> None:
    put(account, "klaviyo", profile(1, LONG_AGO))
    more = {"URL": "https://shop.example/a", "Campaign Name": "May", "$value": 12.5, "$currency_code": "EUR", "x": "no"}
    put(
        account,
        "klaviyo",
        chain.from_iterable(
            (
                records.event("e1", "Clicked Email", "01P00001", NOW - DAY, **more),
                records.event("e2", "Placed Order", "01GONE", NOW - DAY),
            )
        ),
    )

    land(conn, account, EVENTS, NOW)

    clicked, placed = (staged(conn, EVENTS)[key] for key in ("e1", "e2"))
    assert (clicked["name"], clicked["email"], clicked["amount_minor"]) == ("email_clicked", "p1@inbox.example", 1250)
    assert clicked["properties"] == {"url": "https://shop.example/a", "campaign": "May"}
    assert (placed["name"], placed["email"], placed["ids"]) == ("placed_order", None, {"klaviyo_profile": "01GONE"})
    [(payload,)] = conn.execute("select payload from raw.klaviyo_events where record_key = 'e1'").fetchall()
    assert "x" not in payload["attributes"]["event_properties"], "no attribute that nothing reads"


def test_pain_32_an_event_that_comes_days_late_is_landed_once(conn: psycopg.Connection, account: Standins) -> None:
    put(account, "klaviyo", [*profile(1, LONG_AGO), *records.event("e1", "Opened Email", "01P00001", NOW - 3 * DAY)])
    assert land(conn, account, EVENTS, NOW - DAY) == 1
    put(account, "klaviyo", records.event("e2", "Opened Email", "01P00001", NOW - 5 * DAY))

    assert land(conn, account, EVENTS, NOW) == 1
    assert set(staged(conn, EVENTS)) == {"e1", "e2"}


def test_the_keys_are_those_of_every_profile_there_is(account: Standins) -> None:
    put(account, "klaviyo", chain.from_iterable(profile(number, LONG_AGO) for number in range(130)))
    client = client_of(account, "klaviyo")

    keys = list(chain.from_iterable(klaviyo.profile_keys(client, EVERYTHING, table_mapping(PROFILES))))

    assert sorted(keys) == [f"01P{number:05}" for number in range(130)]
    made_since = chain.from_iterable(klaviyo.profile_keys(client, Window(NOW, NOW), table_mapping(PROFILES)))
    assert list(made_since) == []


def shown(number: int, updated: datetime) -> dict[str, Any]:
    return {"type": "profile", "id": str(number), "attributes": {"updated": updated.isoformat()}}


def pages(answer: Any, window: Window = EVERYTHING) -> list[Page]:
    with serving(answer) as url:
        return list(klaviyo.profiles(klaviyo.client(url, "pk_key"), window, table_mapping(PROFILES)))


def linked(*cursors: str | None, url: str = "http://127.0.0.1:1/api/profiles") -> Any:
    """A platform that gives these cursors one after the other, and at last none."""
    following = iter(cursors)

    def answer(asked: Asked) -> Answer:
        cursor = next(following, "")
        link = {} if cursor == "" else {"next": f"{url}?page%5Bcursor%5D={cursor}" if cursor else url}
        return Answer({"data": [shown(1, LONG_AGO)], "links": link})

    return answer


def test_a_link_to_another_host_is_followed_at_ours_and_the_key_stays_here() -> None:
    elsewhere: list[Asked] = []
    ours: list[Asked] = []

    def listen(asked: Asked) -> Answer:
        elsewhere.append(asked)
        return Answer({"data": []})

    with serving(listen) as other:
        inner = linked("b", "c", url=f"{other}/api/profiles")

        def answer(asked: Asked) -> Answer:
            ours.append(asked)
            return inner(asked)

        pages(answer)

    assert [one.query.get("page[cursor]") for one in ours] == [None, "b", "c"]
    assert elsewhere == []


@pytest.mark.parametrize(("cursors", "told"), [(("a", "b", "a"), "twice"), (("a", None), "without a cursor")])
def test_paging_that_would_never_end_raises(cursors: tuple[str | None, ...], told: str) -> None:
    with pytest.raises(FatalError, match=told):
        pages(linked(*cursors, *["z"] * 5))


def test_profiles_in_another_order_are_refused() -> None:
    with pytest.raises(FatalError, match="not in the order"):
        pages(lambda asked: Answer({"data": [shown(1, NOW), shown(2, LONG_AGO)]}))


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [(410, FatalError, "revision"), (403, AuthError, "profiles:read"), (401, AuthError, "credentials")],
)
def test_pain_19_a_refusal_says_what_to_mend_and_nobody_s_address(
    status: int, kind: type[Exception], told: str
) -> None:
    body = {"errors": [{"code": "x", "detail": "ada@shop.example is wrong"}]}
    with pytest.raises(kind, match=told) as raised:
        pages(lambda asked: Answer(body, status))

    assert "ada" not in str(raised.value)


def test_a_page_can_be_resumed_where_it_ends() -> None:
    first = pages(lambda asked: Answer({"data": [shown(1, LONG_AGO), shown(2, NOW - HOUR)]}))[0]

    assert first.cursor == {"since": (NOW - HOUR).isoformat()}

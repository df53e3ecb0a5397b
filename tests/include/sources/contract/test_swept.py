"""Deletions that a platform does not tell, or not those past its bin: the next landing takes them out of staging."""

from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include import sweep
from include.identity.build import build_persons
from include.segments.definition import load_definitions
from include.segments.preview import compute_members
from tests.include.sources.contract.conftest import Stages
from tests.include.sources.contract.history import History, Round, Step

TODAY = date(2025, 11, 22)
EVERYBODY = """/*
segment: everybody
title: Everybody there is
owner: crm
kind: demographic
goal: none
audiences: {mailchimp: {tag: everybody}}
*/
-- One row per person.
select person_id
from profile.person
"""

SWEPT = pytest.mark.parametrize(
    "stream",
    [
        "brevo.contacts",
        "klaviyo.profiles",
        "mailchimp.campaigns",
        "salesforce.accounts",
        "salesforce.contacts",
        "salesforce.leads",
        "salesforce.opportunities",
        "shopify.customers",
        "shopify.orders",
        "woocommerce.orders",
    ],
)
BINNED = pytest.mark.parametrize("stream", ["salesforce.contacts", "woocommerce.orders"])


@SWEPT
def test_a_record_that_was_deleted_at_the_platform_leaves_staging_and_may_come_back(
    stream: str, stages: Stages
) -> None:
    with stages.history(stream) as history:
        history.begin(9)
        history.land()
        history.publish()
        assert len(history.staged()) == 9
        record = history.live.pop(3)
        history.adapter.purge(record, datetime.now(UTC))

        history.land()
        history.publish()
        assert history.staged() == sorted(history.truth().items())
        history.gone[3] = record
        history.restore(0)
        history.clock.pass_(60)
        history.land()
        history.publish()
        assert history.staged() == sorted(history.truth().items())
        assert len(history.truth()) == 9


@SWEPT
def test_a_deletion_while_all_keys_are_listed_takes_nobody_else_along(stream: str, stages: Stages) -> None:
    """Whoever stands behind the deleted one moves to the front, over the end of a page that was read already."""
    with stages.history(stream) as history:
        history.begin(30)
        history.land()
        history.publish()
        for request in range(1, 13):
            history.play(Round(0.0, [Step("delete", 0, request)], None, published=True))
            assert {*history.truth().items()} <= {*history.staged()}, f"deleted before request {request}"
        history.settle()
        assert history.staged() == sorted(history.truth().items())
        assert len(history.truth()) < 30


@BINNED
def test_many_that_the_platform_says_are_deleted_are_held_back_by_nobody(stream: str, stages: Stages) -> None:
    """They are in staging still while the listing lacks them: what landed of them has not been published."""
    with stages.history(stream) as history:
        history.adapter.options = {**history.adapter.options, "sweep_floor": 1, "sweep_share": 0.0}
        history.begin(20)
        history.land()
        history.publish()
        for number in [number for number in history.live if number % 3]:
            history.adapter.delete(history.live.pop(number), datetime.fromtimestamp(history.clock.now, UTC))
        history.clock.pass_(history.adapter.lag.total_seconds() + 60)

        assert history.land().refused is None
        history.publish()
        assert history.land().refused is None
        assert history.staged() == sorted(history.truth().items())
        assert len(history.truth()) == 6


def in_the_segment(history: History, folder: Path) -> set[int]:
    """Numbers of the contacts whose persons a segment of everybody has, and so its audiences want, after a night."""
    (folder / "everybody.sql").write_text(EVERYBODY)
    build_persons(history.conn, as_of=TODAY)
    with history.conn.transaction():
        compute_members(history.conn, load_definitions(folder), "everybody", as_of=TODAY)
        keys = history.conn.execute(
            "select r.record_key from pg_temp.segment_people as m inner join identity.record as r using (person_id)"
        ).fetchall()
        history.conn.execute("drop table pg_temp.segment_people")
    return {int(key[3:15]) for (key,) in keys}


def test_a_contact_deleted_past_salesforce_s_bin_leaves_its_segment_with_the_night(
    stages: Stages, tmp_path: Path
) -> None:
    with stages.history("salesforce.contacts") as history:
        history.begin(6)
        history.land()
        history.publish()
        before = in_the_segment(history, tmp_path)
        history.adapter.purge(history.live[3], datetime.now(UTC))
        history.land()
        history.publish()

        assert before == {1, 2, 3, 4, 5, 6}
        assert in_the_segment(history, tmp_path) == {1, 2, 4, 5, 6}


def cursor_of(conn: psycopg.Connection, stream: str) -> object:
    return conn.execute("select cursor from ops.stream_cursor where stream = %s", (stream,)).fetchone()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stream", ["shopify.customers", "woocommerce.customers"])
def test_however_it_is_known_who_is_gone_one_guard_holds_too_many_back_until_a_person_allows_so_many(
    stream: str, stages: Stages
) -> None:
    """By a listing of all keys, and by parts that a landing read whole."""
    held_back = []

    @settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        held=st.integers(1, 24), part=st.floats(0, 1), floor=st.integers(0, 6), share=st.sampled_from([0.0, 0.1, 0.5])
    )
    def play(held: int, part: float, floor: int, share: float) -> None:
        gone = round(part * held)
        with stages.history(stream) as history:
            history.adapter.options = {**history.adapter.options, "sweep_floor": floor, "sweep_share": share}
            history.begin(held)
            history.land()
            history.publish()
            for _ in range(gone):
                history.delete(0)
            history.clock.pass_(86_400)
            before, landed = cursor_of(history.conn, stream), history.land()
            history.publish()

            too_many = gone > floor and gone > share * held
            assert (landed.refused is not None, landed.gone) == (too_many, 0 if too_many else gone)
            assert len(history.staged()) == (held if too_many else held - gone)
            assert sweep.holds_back(history.conn, stream) == too_many
            assert sweep.allow(history.conn, stream, "ada") == (gone if too_many else None)
            if too_many and stream == "woocommerce.customers":
                assert cursor_of(history.conn, stream) == before, "what was read whole is read again"
            history.clock.pass_(86_400)
            assert history.land().gone == (gone if too_many else 0)
            history.publish()
            assert history.staged() == sorted(history.truth().items())
            assert not sweep.holds_back(history.conn, stream)
        held_back.append(too_many)

    play()
    assert {*held_back} == {True, False}

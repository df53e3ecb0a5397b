"""Streams of platforms that tell deletions in no way: who is gone there leaves staging after the next landing."""

from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include import sweep
from tests.include.sources.contract.conftest import Stages
from tests.include.sources.contract.history import Round, Step

SWEPT = pytest.mark.parametrize(
    "stream", ["brevo.contacts", "klaviyo.profiles", "mailchimp.campaigns", "shopify.customers", "shopify.orders"]
)


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
        history.adapter.delete(record, datetime.now(UTC))

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

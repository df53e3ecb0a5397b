"""Streams of platforms that tell deletions in no way: who is gone there leaves staging after the next landing."""

from datetime import UTC, datetime

import orjson
import pytest

from tests.include.sources.contract.conftest import Stages
from tests.include.sources.contract.history import History, Round, Step

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


FOR_GOOD = pytest.mark.parametrize(
    "stream",
    [
        *("hubspot.contacts", "hubspot.companies", "hubspot.deals", "woocommerce.orders"),
        *("salesforce.contacts", "salesforce.leads", "salesforce.accounts", "salesforce.opportunities"),
    ],
)


def erase(history: History, number: int) -> None:
    """Past every recycle bin, as privacy laws ask."""
    rows = history.conn.execute(
        "select record_key, payload::text from raw.record where stream = %s", (history.stream.name,)
    )
    [key] = [key for key, payload in rows if history.adapter.read(orjson.loads(payload))[0] == number]
    kind = getattr(history.adapter, "kind", None) or getattr(history.adapter, "name", "order")
    assert history.stage.store.delete(history.adapter.source, kind, key)
    del history.live[number]


@FOR_GOOD
def test_pain_23_a_record_that_was_deleted_for_good_leaves_staging_with_the_next_listing(
    stream: str, stages: Stages
) -> None:
    with stages.history(stream) as history:
        history.begin(9)
        history.land()
        history.publish()
        erase(history, 3)

        history.clock.pass_(8 * 86_400)
        history.land()
        history.publish()

        assert history.staged() == sorted(history.truth().items())
        assert len(history.truth()) == 8


@pytest.mark.parametrize("stream", ["hubspot.contacts", "salesforce.contacts"])
def test_a_deletion_that_the_platform_tells_is_not_counted_as_one_that_it_does_not(stream: str, stages: Stages) -> None:
    """Forty of sixty are archived: that is their owner's will, and no listing that came back half."""
    with stages.history(stream) as history:
        history.begin(60)
        history.land()
        history.publish()
        history.clock.pass_(86_400)
        for _ in range(40):
            history.delete(0)

        landed = history.land()
        history.publish()

        assert (landed.gone, landed.refused) == (0, None)
        assert history.staged() == sorted(history.truth().items())
        assert len(history.truth()) == 20

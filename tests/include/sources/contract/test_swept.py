"""Streams of platforms that tell deletions in no way: who is gone there leaves staging after the next landing."""

from datetime import UTC, datetime

import pytest

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

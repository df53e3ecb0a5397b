"""Streams of platforms that tell deletions in no way: who is gone there leaves staging after the next landing."""

from datetime import UTC, datetime

import pytest

from tests.include.sources.contract.conftest import Stages


@pytest.mark.parametrize("stream", ["brevo.contacts", "klaviyo.profiles", "mailchimp.campaigns"])
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

"""Every stream, through random histories: each record's last state is in raw, and exactly once in staging.

Records that show late, by up to the lag the source states; back-dated ones; changes while pages are read, so that
offsets shift; more records of one second than a page holds; deletions and returns; landings that die on their way.
``HISTORIES=500`` plays so many a stream, and new ones each time; one that fails is shrunk to the steps that matter.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from include import landing
from tests.include.sources.contract.adapters import ADAPTERS
from tests.include.sources.contract.conftest import Stages
from tests.include.sources.contract.history import Round, Step

HISTORIES = int(os.environ.get("HISTORIES", "8"))
KINDS = (
    "add",
    "add_late",
    "add_back_dated",
    "add_many",
    "change",
    "change",
    "change_late",
    "change_many",
    "delete",
    "delete",
    "restore",
)
BEFORE = (0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 8)  # the landing, or a request of it

step = st.builds(Step, st.sampled_from(KINDS), st.integers(0, 30), st.sampled_from(BEFORE))
one_round = st.builds(
    Round,
    pause=st.sampled_from([0.0, 1.0, 300.0, 86_400.0]),
    steps=st.lists(step, min_size=2, max_size=9),
    dies_at=st.sampled_from([None, None, None, 1, 2, 3, 5, 7]),
    published=st.booleans(),
)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stream", sorted(ADAPTERS))
def test_after_any_history_each_record_is_in_staging_once_with_its_last_state(stream: str, stages: Stages) -> None:
    played = []

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        database=None,
        derandomize="HISTORIES" not in os.environ,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(count=st.integers(0, 30), rounds=st.lists(one_round, min_size=2, max_size=4))
    def play(count: int, rounds: list[Round]) -> None:
        with stages.history(stream) as history:
            history.begin(count)
            for one in rounds:
                history.play(one)
            history.settle()
            assert history.landed() == history.truth()
            assert history.staged() == sorted(history.truth().items())
            assert history.land() == landing.Landed(None, 0)
        played.append(len(rounds))

    play()
    assert len(played) >= min(HISTORIES, 5)

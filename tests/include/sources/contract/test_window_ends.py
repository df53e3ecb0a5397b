"""Where a window ends within the vendor's second or millisecond, what changed in that one is landed with it."""

import pytest

from tests.include.sources.contract.adapters import ADAPTERS
from tests.include.sources.contract.conftest import Stages

# Reports are of days, files of drops.
WITH_TIMES = sorted(name for name in ADAPTERS if not name.startswith(("files.", "ga4.")))
A_BREATH = 0.0004  # seconds: less than any vendor's time stamps know


@pytest.mark.parametrize("stream", WITH_TIMES)
def test_pain_32_a_landing_right_after_a_change_has_it(stream: str, stages: Stages) -> None:
    with stages.history(stream) as history:
        history.begin(9)
        history.clock.pass_(A_BREATH)
        history.add(0)
        history.land()
        assert history.landed() == history.truth()

        history.clock.now = int(history.clock.now) + 60 + A_BREATH
        history.add(0)
        landed = history.land()

        assert landed.rows == 1
        assert history.landed() == history.truth()

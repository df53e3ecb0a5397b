"""Two records that people merge at HubSpot: both are gone without a trace of their own, a third one names them."""

import pytest
import requests

from include import landing
from include.standins.hubspot_merges import FIRST_ID
from tests.include.sources.contract.conftest import Stages
from tests.include.sources.contract.history import History

EVERY_OBJECT = pytest.mark.parametrize("stream", ["hubspot.contacts", "hubspot.companies", "hubspot.deals"])


def merge(history: History, primary: int, other: int) -> int:
    """As people do it; the number of what is left."""
    answer = requests.post(
        f"{history.stage.url}/crm/v3/objects/{history.stream.name.partition('.')[2]}/merge",
        json={"primaryObjectId": str(100 + primary), "objectIdToMerge": str(100 + other)},
        headers={"Authorization": f"Bearer {history.stage.context.tokens['hubspot']}"},
        timeout=60,
    )
    answer.raise_for_status()
    return int(answer.json()["id"]) - 100


def staged(history: History) -> set[int]:
    history.clock.pass_(60)
    history.land()
    history.publish()
    return {number for number, _ in history.staged()}


@EVERY_OBJECT
def test_records_that_were_merged_leave_staging_and_what_is_left_of_them_stands(stream: str, stages: Stages) -> None:
    with stages.history(stream) as history:
        history.begin(4)
        assert staged(history) == {1, 2, 3, 4}

        left = merge(history, 1, 2)
        assert staged(history) == {3, 4, left}

        last = merge(history, 3, left)
        assert staged(history) == {4, last}
        assert history.land() == landing.Landed(None, 0)


@EVERY_OBJECT
def test_a_first_load_says_nothing_of_records_it_never_landed(stream: str, stages: Stages) -> None:
    with stages.history(stream) as history:
        history.begin(4)
        left = merge(history, 1, 2)

        assert history.land().rows == 3
        assert left == FIRST_ID - 100

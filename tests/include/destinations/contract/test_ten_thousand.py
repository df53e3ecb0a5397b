"""Every destination, with ten thousand people and one row the platform refuses. Played once a destination.

A platform that takes a few hundred a call gets two thousand; ``TEN_THOUSAND=always`` gives it ten thousand too.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from include.ledger.sync import SyncResult
from include.runtime.postgres import EmbeddedPostgres
from tests.databases import Databases
from tests.include.destinations.contract.adapter import Call
from tests.include.destinations.contract.adapters import ADAPTERS
from tests.include.destinations.contract.conftest import staged
from tests.include.destinations.contract.stage import Stage
from tests.standins import Standins

PEOPLE, FEWER = 10_000, 2_000
SMALL_BATCH = 1_000  # people a call


@dataclass(frozen=True)
class Load:
    """What became of the load, read once."""

    people: int
    stage: Stage
    result: SyncResult
    held: set[str]
    wanted: set[str]
    bad: str
    calls: list[Call]
    changes: int
    rejected: list[dict[str, Any]]
    batches: list[dict[str, Any]]


@pytest.fixture(scope="module", params=sorted(ADAPTERS))
def load(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, databases: Databases, contract_standins: Standins
) -> Iterator[Load]:
    """Ten thousand members, one of them bad, sent in one sync."""
    name = databases.lend()
    with staged(request.param, postgres.url(name, role=databases.template), contract_standins) as stage:
        few = stage.destination.batch_size < SMALL_BATCH and os.environ.get("TEN_THOUSAND") != "always"
        people = FEWER if few else PEOPLE
        addresses = [f"p{number}@shop.example" for number in range(people)]
        addresses[people // 3 * 2] = bad = stage.adapter.bad_address(1)
        stage.people(*addresses)
        result = stage.sync()
        calls = stage.adapter.calls()
        yield Load(
            people,
            stage,
            result,
            stage.held(),
            stage.wanted(),
            stage.adapter.wire(bad),
            calls,
            len(calls),
            stage.deliveries("rejected"),
            stage.batches(),
        )
    databases.take_back(name)


def test_pain_30_one_bad_row_in_ten_thousand_is_named_and_all_others_delivered(load: Load) -> None:
    assert load.held == load.wanted - {load.bad}
    assert len(load.held) == load.people - 1
    assert (load.result.added, load.result.rejected, load.result.outcome) == (load.people - 1, 1, "partial")
    [named] = load.rejected
    [person] = load.stage.conn.execute(
        "select email from profile.person where person_id = %s", (named["person_id"],)
    ).fetchone()
    assert load.stage.adapter.wire(person) == load.bad
    assert named["error_code"]
    assert named["error_text"]


def test_pain_30_finding_the_bad_row_costs_few_calls(load: Load) -> None:
    """None where the platform names it itself, at most two a halving where it does not."""
    needed = math.ceil(load.people / load.stage.destination.batch_size) * load.stage.adapter.calls_a_batch
    most = 0 if load.stage.adapter.partial else 2 * math.log2(load.people)
    assert load.changes - needed <= most


def test_the_batch_maximum_is_used_and_never_exceeded(load: Load) -> None:
    most = load.stage.destination.batch_size
    assert max(len(call.names) for call in load.calls) <= most
    assert max(one["sent"] for one in load.batches) == min(most, load.people)


def test_nobody_is_sent_to_twice_but_to_find_the_bad_row(load: Load) -> None:
    times = Counter(name for call in load.calls for name in call.names)
    often = {name for name, count in times.items() if count > load.stage.adapter.calls_a_batch}
    assert often == set() or not load.stage.adapter.partial


def test_the_counts_of_every_batch_add_up(load: Load) -> None:
    assert sum(one["sent"] for one in load.batches) >= load.people
    assert all(one["sent"] == one["accepted"] + one["rejected"] + one["unknown"] for one in load.batches)
    assert sum(one["accepted"] for one in load.batches) == load.people - 1

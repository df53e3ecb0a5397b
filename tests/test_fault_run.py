"""The whole chain on bad days: every platform fails in every way, and every stage dies by SIGKILL at every place.

Two days of a small merchant happen once, in the fixture ``story``: the first with a death at each place of
`tests.faults.plan`, the second with deaths at random moments; then the same interval is run three times more. Workers
are real processes that run the project's operators; what must be at the platforms is computed by tests/oracle.py from
the merchant's truth alone. The same with Airflow around it: tests/test_fault_run_airflow.py.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from signal import SIGKILL
from typing import get_args

import pytest

from activation.operators import warehouse_operator
from include import warehouse
from include.conversions.google import GoogleConversions
from include.runtime.postgres import EmbeddedPostgres
from include.sources.registry import STREAMS
from tests import oracle
from tests.databases import Databases
from tests.faults import words
from tests.faults.chain import DESTINATIONS, Chain, environment_of
from tests.faults.crew import Crew, table_of
from tests.faults.plan import BAD_DAY, FIRST_DAY, SECOND_DAY
from tests.faults.stage import Order, Stage, operator_of
from tests.faults.story import Again, Merchant, Story
from tests.standins import running_standins

NO_STAGE = {
    "ListHoldsOperator": "reads for a person; tests/test_end_to_end.py has the approval",
    "ApproveRemovalsOperator": "waits for a person",
    "ShowPartialOperator": "colours a task and touches nothing",
    "ProposeLinksOperator": "off until switched on, proposes and joins nobody",
    "ForgetHistoryOperator": "deletes old rows of ops, one transaction",
    "ForgetPagesOperator": "deletes old pages, one transaction",
    "PruneExchangesOperator": "deletes old logs, one transaction",
    "WarehouseOperator": "what they have in common",
}
pytestmark = pytest.mark.timeout(900)
CUSTOMERS = 200


@pytest.fixture(scope="module")
def as_of() -> date:
    return datetime.now(UTC).date()


@pytest.fixture(scope="module")
def merchant(
    postgres: EmbeddedPostgres,
    databases: Databases,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
    as_of: date,
) -> Iterator[Merchant]:
    """With a warehouse and platforms of its own."""
    folder = tmp_path_factory.mktemp("faults")
    drops, audiences = folder / "drops", folder / "audiences"
    drops.mkdir()
    name = databases.lend()
    url = postgres.url(name, role=template)
    with (
        running_standins(folder / "standins", customers=CUSTOMERS, options=["--drops", str(drops)]) as standins,
        warehouse.connect(url, autocommit=True) as conn,
    ):
        crew = Crew(url, environment_of(url, standins, drops, audiences, folder / "results"), standins)
        yield Merchant(Chain(crew, as_of.isoformat()), standins, conn, audiences)
    databases.take_back(name)


@pytest.fixture(scope="module")
def story(merchant: Merchant) -> Story:
    """Both days."""
    return Story(merchant.first_day(), merchant.second_day())


@pytest.fixture(scope="module")
def again(story: Story, merchant: Merchant) -> list[Again]:
    """What three more runs of both days changed."""
    return [merchant.again() for _ in range(3)]


def test_every_stage_died_at_every_place(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    for day in story.days:
        with capsys.disabled():
            print(f"\n{len(day.deaths)} workers killed, faults {dict(day.struck)}\n{table_of(day.deaths)}")
        assert {death.signal for death in day.deaths} == {SIGKILL}
    died = Counter((death.order.stage, death.order.name) for death in story.first.deaths)
    assert died == Counter({at: len(places) for at, places in FIRST_DAY.items()})
    again = Counter(
        (death.order.stage, death.order.name) for death in story.second.deaths if not death.at.startswith("after ")
    )
    assert again == Counter({at: len(places) for at, places in SECOND_DAY.items()})
    assert len(story.second.deaths) > 10


def test_there_is_a_place_to_die_in_every_stage_every_source_and_every_destination() -> None:
    held = {stage: {name for at, name in (*FIRST_DAY, *SECOND_DAY) if at == stage} for stage in get_args(Stage)}
    assert all(held.values())
    assert {name.partition(".")[0] for name in held["land"]} == {name.partition(".")[0] for name in STREAMS}
    assert held["sync"] == {*DESTINATIONS}


def test_every_operator_that_the_dags_run_by_themselves_is_a_stage() -> None:
    run = {type(operator_of(Order(*one))).__name__ for one in {*FIRST_DAY, *SECOND_DAY}}
    folder = Path(warehouse_operator.__file__).parent
    made = {
        name for file in folder.glob("*.py") for name in re.findall(r"^class (\w+Operator)\(", file.read_text(), re.M)
    }
    assert made - run == NO_STAGE.keys()


def test_every_kind_of_fault_struck(story: Story) -> None:
    struck = Counter(story.first.struck) + Counter(story.second.struck)
    assert struck.keys() == {one["kind"] for one in BAD_DAY}
    refused = sum(count for kind, count in struck.items() if kind != "latency")
    asked = len(story.first.requests) + len(story.second.requests)
    assert refused > asked * 0.05


def test_every_audience_is_what_the_truth_says(story: Story, as_of: date) -> None:
    for day in story.days:
        assert oracle.differences(day.truth, day.members, as_of) == {}
        assert {name: one for name, one in day.by_ledger.items() if one} == {}
        assert len(day.by_ledger) > 30
    assert oracle.expected(story.first.truth, as_of) != oracle.expected(story.second.truth, as_of)


def test_nothing_is_left_open_and_nothing_is_doubled(story: Story) -> None:
    for day in story.days:
        assert {what: count for what, count in day.untidy.items() if count} == {}


def test_nobody_is_named_anywhere_without_a_yes(story: Story) -> None:
    first, second = story.days
    for purpose in words.PURPOSES:
        strangers = words.unnameable(purpose, first.truth)
        assert len(strangers & words.named(first.requests, purpose).keys()) == 0, purpose
        # Whoever withdrew since is named once more, to be removed; that they are gone is asserted above.
        strangers = words.unnameable(purpose, first.truth, second.truth)
        assert len(strangers & words.named(second.requests, purpose).keys()) == 0, purpose
        agreed = words.unnameable("nothing", first.truth) - words.unnameable(purpose, first.truth)
        assert len(agreed & words.named(first.requests, purpose).keys()) > 50, purpose


def test_every_order_is_counted_once(story: Story) -> None:
    for day in story.days:
        orders = [order for person in oracle.persons(day.truth) for order in person.orders]
        told = (len(orders), sum(order.sold for order in orders), sum(order.returned for order in orders))
        assert day.orders == told


def test_google_was_told_each_order_once_and_has_its_value(story: Story) -> None:
    last, ages = story.second, GoogleConversions
    first = oracle.conversions(story.first.truth, story.first.at, young=ages.max_age)
    second = oracle.conversions(last.truth, last.at, young=ages.max_age)
    assert story.first.told == first
    assert last.told.keys() == first.keys() | second.keys()
    restated = oracle.conversions(last.truth, last.at, young=ages.max_restate_age)
    assert {id: last.told[id] for id in restated} == restated
    # Told again was only what nobody had written down as told: its worker had died.
    deaths = sum(death.order.stage == "conversions" for day in story.days for death in day.deaths)
    told = words.orders_told([*story.first.requests, *story.second.requests])
    assert max(told.values()) <= 1 + deaths
    assert sum(told.values()) < (1 + deaths) * len(told)


def test_a_webhook_is_told_nothing_twice(story: Story) -> None:
    told = [*story.first.requests, *story.second.requests]
    assert any(one.platform == "webhook" for one in told)
    assert words.doubled_events(told) == Counter()


def test_the_same_interval_again_leaves_every_table_as_it_was(again: list[Again]) -> None:
    assert [one.differing for one in again] == [{}, {}, {}]
    assert [(sent.platform, sent.method, sent.path) for one in again for sent in one.written] == []

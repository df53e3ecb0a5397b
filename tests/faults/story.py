"""Two days of a merchant whose platforms fail and whose workers die, and what was true when each had come to rest."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import psycopg
from psycopg.rows import dict_row

from include import warehouse
from include.identity.build import build_persons
from include.runtime import compare
from include.runtime.report import Difference
from include.runtime.standins import StandIns
from include.standins.request_log import Recorded
from tests.faults import hashes
from tests.faults.chain import Chain
from tests.faults.crew import Death
from tests.faults.plan import BAD_DAY, FIRST_DAY, SECOND_DAY, SEED
from tests.faults.stage import Stage
from tests.standins import Standins
from tests.system_seen import HOLDING
from tests.what_was_sent import changes

EVER = "2000-01-01T00:00:00+00:00"
# These are asked day by day, at a limit of a hundred calls an hour or the price of tokens: the days of a first load.
BY_DAYS = {"brevo.events": 86, "ga4.reports": 60, "matomo.visits": 74}
ORDERS = "select count(*), sum(sold_cents)::bigint, sum(returned_cents)::bigint from profile.person_order"
UNTIDY = """
select
    (select count(*) from ops.batch where state <> 'published') as batches,
    (select count(*) from staging.changed_record) as changes,
    (select count(*) from audience.sync where ended_at is null) as syncs,
    (select count(*) from audience.batch where state in ('sent', 'accepted')) as calls,
    (select count(*) from audience.batch where sent <> accepted + rejected + unknown) as miscounted,
    (select count(*) from audience.member where attempt_state <> 'rejected') as people,
    (select count(*) from conversion.batch where state in ('sent', 'accepted')) as tellings,
    (select count(*) from conversion.told where attempt_state is not null) as orders,
    (select count(*) - count(distinct (stream, record_key, payload_hash)) from raw.record) as doubled
"""
# Staging rebuilt from raw: as if nothing of what was landed had ever been looked at.
UNPUBLISHED = """
truncate staging.person_record, staging.order_entry, staging.event, staging.company, staging.deal, staging.campaign,
    staging.report_row
"""
UNCHECKED = "update ops.batch set state = 'landed', checked_at = null, published_at = null where state = 'published'"


@dataclass(frozen=True)
class Day:
    """What was true after a day, when everything had come to rest.

    :param requests: all that the platforms were asked since the day before.
    :param struck: how many requests each kind of fault hit.
    :param untidy: counts of what is still open in the warehouse.
    :param by_ledger: by audience, members that only the ledger or only the platform has.
    :param at: when it was looked at.
    """

    truth: Mapping[str, Any]
    members: Mapping[str, Any]
    requests: tuple[Recorded, ...]
    struck: Mapping[str, int]
    untidy: Mapping[str, int]
    by_ledger: Mapping[str, Difference]
    orders: tuple[int, int, int]
    told: Mapping[str, float]
    deaths: tuple[Death, ...]
    at: datetime


@dataclass(frozen=True)
class Again:
    """The same interval once more.

    :param differing: tables that were not as before, with their rows before and after.
    :param written: requests that changed something at a destination.
    """

    differing: Mapping[str, tuple[int, int, list[str]]]
    written: tuple[Recorded, ...]


@dataclass(frozen=True)
class Story:
    """Two days."""

    first: Day
    second: Day

    @property
    def days(self) -> tuple[Day, Day]:
        return (self.first, self.second)


class Merchant:
    """The chain of one merchant, from the first day on."""

    def __init__(self, chain: Chain, standins: Standins, conn: psycopg.Connection, audiences: Path) -> None:
        self.chain, self.crew, self.standins = chain, chain.crew, standins
        self.conn, self.audiences = conn, audiences
        self.seen, self.died = 0, 0

    def first_day(self) -> Day:
        """Everything is new, all faults are on, and every stage dies at each of its places before it may end."""
        self.standins.faults(*BAD_DAY)
        for stage in get_args(Stage):
            orders = self.chain.of(stage)
            for order in orders:
                for place in FIRST_DAY.get((order.stage, order.name), ()):
                    place.kill(self.crew, order)
            self.crew.run(*orders)
        self.chain.settle()
        return self._at_rest()

    def second_day(self) -> Day:
        """A day of changes under the same faults, with deaths at some places and at random moments; then they end."""
        at_random = random.Random(SEED)
        self.standins.apply_day(2)
        self.standins.faults(*BAD_DAY)
        for stage in get_args(Stage):
            orders = self.chain.of(stage)
            for order in orders:
                for place in SECOND_DAY.get((order.stage, order.name), ()):
                    place.kill(self.crew, order)
                self.crew.kill_after(order, at_random.uniform(0.0, 0.6) * self.crew.seconds[order.stage, order.name])
            self.crew.run(*orders)
        struck = self.standins.fault_state()
        self.standins.faults()
        self.rest()
        return self._at_rest(struck)

    def rest(self, most: int = 4) -> None:
        """Run the chain until the platforms have nothing new: what is sent to one of them comes back from there."""
        for _ in range(most):
            self.chain.settle()
            landed = self.crew.run(*self.chain.of("land"))
            if not any(result["rows"] for result in landed.values()):
                return
            self.crew.run(*self.chain.of("check"))
            self.crew.run(*self.chain.of("publish"))
            self.chain.build()
        raise AssertionError(f"still new after {most} runs: {landed}")

    def again(self) -> Again:
        """Land, check and publish everything again, build it from nothing, deliver: nothing of it is new."""
        self._wait_an_hour()
        before, asked = hashes.hashes(self.conn), self.standins.last_request()
        self.crew.run(*(replace(one, since=self._begin(one.name)) for one in self.chain.of("land")))
        self.conn.execute(UNPUBLISHED)
        self.conn.execute(UNCHECKED)
        self.crew.run(*self.chain.of("check"))
        self.crew.run(*self.chain.of("publish"))
        with warehouse.connect(self.crew.url) as conn:
            build_persons(conn, as_of=date.fromisoformat(self.chain.as_of), rebuild=True)
        self.chain.build()
        self.chain.deliver()
        written = [one for one in self.standins.recorded(after=asked) if _writes(one)]
        return Again(hashes.changed(before, hashes.hashes(self.conn)), tuple(written))

    def _wait_an_hour(self) -> None:
        """Without waiting: Brevo takes 100 calls an hour, which the days before used up; no limit of ours is older."""
        self.conn.execute("truncate ops.rate_limit")
        self.standins.settings({"brevo.limits": 100})

    def _begin(self, stream: str) -> str:
        days = BY_DAYS.get(stream)
        return EVER if days is None else (datetime.now(UTC) - timedelta(days=days)).isoformat()

    def _at_rest(self, struck: Sequence[Mapping[str, Any]] | None = None) -> Day:
        struck = struck or self.standins.fault_state()
        requests = self.standins.recorded(after=self.seen)
        self.seen = requests[-1].id
        deaths, self.died = self.crew.deaths[self.died :], len(self.crew.deaths)
        with self.conn.cursor(row_factory=dict_row) as cursor:
            untidy = cursor.execute(UNTIDY).fetchone()
        hits: Counter[str] = Counter()
        for one in struck:
            hits[one["kind"]] += one["hit"]
        return Day(
            truth=self.standins.truth(),
            members={platform: self.standins.members(platform) for platform in HOLDING},
            requests=tuple(requests),
            struck=hits,
            untidy=untidy,
            by_ledger=compare.differences(
                self.conn, StandIns(self.standins.url), self.chain.destinations, self.audiences
            ),
            orders=self.conn.execute(ORDERS).fetchone(),
            told=self._orders_at_google(),
            deaths=tuple(deaths),
            at=datetime.now(UTC),
        )

    def _orders_at_google(self) -> dict[str, float]:
        action = self.standins.account("google")["conversion_action_id"]
        documents = self.standins.documents("google", f"conversion:{action}")
        return {id: one["body"]["conversionValue"] for id, one in documents.items()}


def _writes(request: Recorded) -> bool:
    """Whether a request is there to change something at a destination."""
    at_destination = request.platform in (*HOLDING, "webhook") and request.path != "/google/token"
    return at_destination and changes(request)

"""Jobs of a platform: asked about until they end, given up when they never do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from include.destinations.base import Answer, Audience
from include.errors import AudienceflowError, AuthError, FatalError, QuotaError, RetriableError
from tests.include.ledger.world import FakeDestination, World

FORGOTTEN = FatalError("GET /jobs/1: answered 404.", code="404")


@dataclass
class JobDestination(FakeDestination):
    """A platform that answers with jobs; ``polls`` is what the next questions about them give: an error, or None."""

    acknowledgement: str = "job"
    job_limit: timedelta = timedelta(hours=1)
    polls: list[AudienceflowError | None] = field(default_factory=list)
    asked: int = 0

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        self.asked += 1
        if not self.polls:
            return Answer()
        if (result := self.polls.pop(0)) is not None:
            raise result
        return None


@pytest.fixture
def jobs(warehouse_url: str) -> Iterator[World]:
    """One person to be added at a platform that answers with jobs."""
    made = World(warehouse_url)
    made.destination = JobDestination(made.platform)
    made.person("ada@x.example")
    yield made
    made.close()


def age(world: World, hours: int) -> None:
    """Let the batches have been sent so many hours ago."""
    world.conn.execute("update audience.batch set started_at = started_at - make_interval(hours => %s)", (hours,))


def states(world: World) -> list[str]:
    return [state for (state,) in world.conn.execute("select state from audience.batch order by batch_id")]


@pytest.mark.parametrize(
    "error", [RetriableError("answered 503", code="503"), QuotaError("no quota left", code="429")], ids=["503", "429"]
)
def test_a_poll_that_fails_is_asked_again_and_fails_nobody(jobs: World, error: AudienceflowError) -> None:
    """One failed poll, and the run is reported as failed though the platform works on."""
    jobs.destination.polls = [error]
    result = jobs.sync()
    assert (result.outcome, result.confirmed, jobs.destination.asked) == ("success", 1, 2)
    assert states(jobs) == ["confirmed"]


def test_a_run_is_not_green_before_its_jobs_are_confirmed(jobs: World) -> None:
    jobs.destination.polls = [None]
    result = jobs.sync(wait_seconds=0)
    assert (result.outcome, result.confirmed) == ("partial", 0)
    assert jobs.sync().outcome == "success"


def test_pain_05_what_a_platform_never_confirms_is_accepted_and_no_more(jobs: World) -> None:
    jobs.destination = FakeDestination(jobs.platform, acknowledgement="none")
    results = [jobs.sync(), jobs.sync()]
    assert [(one.outcome, one.added, one.confirmed) for one in results] == [("success", 1, 0), ("success", 0, 0)]
    assert states(jobs) == ["accepted"]
    [(outcome, confirmed_at)] = jobs.conn.execute(
        "select delivery.outcome, member.confirmed_at from audience.delivery"
        " inner join audience.member using (person_id)"
    ).fetchall()
    assert (outcome, confirmed_at) == ("accepted", None)


def test_after_the_destination_s_own_limit_a_job_is_given_up_and_its_people_are_sent_again(jobs: World) -> None:
    jobs.destination.polls = [None]
    jobs.sync(wait_seconds=0)
    age(jobs, hours=2)
    jobs.destination.polls = [None]
    assert jobs.sync(wait_seconds=0).outcome != "success", "the people are unknown: that is not green"
    assert states(jobs)[0] == "unknown"
    assert jobs.sync().outcome == "success"
    assert jobs.platform.values("add") == ["ada@x.example"] * 2


def test_before_its_limit_a_job_is_waited_for(jobs: World) -> None:
    jobs.destination.job_limit = timedelta(hours=3)
    jobs.destination.polls = [None, None]
    jobs.sync(wait_seconds=0)
    age(jobs, hours=2)
    jobs.sync(wait_seconds=0)
    assert states(jobs) == ["accepted"]
    assert jobs.platform.values("add") == ["ada@x.example"]


def test_a_job_the_platform_has_forgotten_fails_the_run_until_it_is_given_up(jobs: World) -> None:
    jobs.destination.polls = [FORGOTTEN]
    with pytest.raises(FatalError, match="answered 404"):
        jobs.sync()
    age(jobs, hours=2)
    jobs.destination.polls = [FORGOTTEN]
    jobs.sync()
    assert states(jobs)[0] == "unknown"
    assert jobs.sync().outcome == "success"


def test_refused_credentials_end_the_asking_at_once(jobs: World) -> None:
    jobs.destination.polls = [AuthError("refused", code="401")]
    with pytest.raises(AuthError):
        jobs.sync()
    assert states(jobs) == ["accepted"]

"""Every destination: two DAGs and two workers on one account stay below its limit together."""

from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

from include import warehouse
from include.destinations.base import Audience, Destination
from include.errors import AudienceflowError
from include.ledger import audiences
from include.ledger.sync import sync_audience
from include.limits import Rate
from include.shared_limiter import SharedLimiter
from tests.include.destinations.contract.stage import Stage
from tests.include.ledger.world import AS_OF

MOST, SECONDS = 10, 2.0  # of the account: few enough that two syncs must wait, short enough that it is not for long
# Seconds by which a busy machine may delay a call between its turn and its arrival. Syncs that know nothing of each
# other would pass the limit within a tenth of a second; to the hundredth it is measured in tests/include/limits.
LATE = 1.2
FORK = get_context("fork")  # a worker that need not import everything once more


@dataclass(frozen=True)
class Worker:
    """A task of its own process: one audience, with the account's limiter."""

    url: str
    audience: Audience
    destination: Destination

    def run(self, say: Connection) -> None:
        try:
            with warehouse.connect(self.url, autocommit=True) as conn:
                result = sync_audience(conn, self.audience, self.destination, as_of=AS_OF, run_id="run", wait_seconds=0)
            say.send((result.added, result.rejected))
        except AudienceflowError as error:
            say.send(repr(error))


def worker(stage: Stage) -> Worker:
    """With a limiter that nobody else's process has in common but through the warehouse; with one try a call."""
    limiter = SharedLimiter(stage.url, f"{stage.adapter.name} account", (Rate(MOST, SECONDS),))
    destination = stage.adapter.destination(tries=1, limiter=limiter)
    destination.batch_size = 1
    return Worker(stage.url, stage.audience(), destination)


def run_at_once(workers: list[Worker]) -> list[tuple[int, int] | str]:
    """By worker: people added and rejected, or what ended it."""
    running = []
    for one in workers:
        hear, say = FORK.Pipe(duplex=False)
        process = FORK.Process(target=one.run, args=(say,))
        process.start()
        say.close()  # so that a worker that dies is heard
        running.append((process, hear))
    told = [hear.recv() for _, hear in running]
    for process, _ in running:
        process.join()
    return told


def test_pain_28_two_dags_and_two_workers_on_one_account_never_pass_its_limit_together(stage: Stage) -> None:
    """Each call is counted where it arrives."""
    other = Stage(stage.url, stage.adapter)
    audiences.register(stage.conn, [*stage._declared(), *other._declared()])
    stage.people(*(f"one{number}@shop.example" for number in range(6)))
    other.people(*(f"two{number}@shop.example" for number in range(6)))
    workers = [worker(stage), worker(other)]
    stage.forgotten()
    assert run_at_once(workers) == [(6, 0), (6, 0)]
    calls = sorted(stage.adapter.arrivals())
    assert len(calls) > MOST
    assert max(sum(begin <= at < begin + SECONDS - LATE for at in calls) for begin in calls) <= MOST
    stage.adapter.pass_time(3600)
    assert (stage.held(), other.held()) == (stage.wanted(), other.wanted())
    other.close()

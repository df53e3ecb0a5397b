"""The chain of DAGs: started through Airflow, followed stage by stage to the last audience, or to the first failure.

Assets wake the next stage up. An asset event is a wake-up and not a queue: one that comes while a DAG is busy can
strand. So a stage counts as done only when a run of it began after the stage before had ended, and when nothing
starts it within PATIENCE seconds it is started by hand, which is said.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from include.errors import AudienceflowError
from include.runtime.airflow_api import AirflowApi, Json
from include.runtime.progress import DagState

PATIENCE = 12.0  # seconds; an asset event starts its run within 1.3 seconds on an idle machine
POLL = 1.0  # seconds between two looks
LONGEST_SILENCE = 3 * 3600.0  # seconds without any change: longer than a task may take
ACTIVE = ("queued", "running")
BUSY_TASKS = ("running",)
WAITING_TASKS = ("up_for_retry", "up_for_reschedule", "deferred", "awaiting_input")


class ChainFailed(AudienceflowError):
    """A DAG of the chain failed; what depends on it was not started.

    :param run: Airflow's run, None when no run is to blame.
    """

    def __init__(self, message: str, run: Json | None = None) -> None:
        super().__init__(message)
        self.run = run


@dataclass(frozen=True)
class Stage:
    """DAGs that wait for the same thing."""

    name: str
    dag_ids: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """A stage that has ended well.

    :param seconds: from the start of its first run to the end of its last.
    :param skipped: ids of tasks that had nothing to do, as ``dag_id.task_id``.
    """

    stage: str
    seconds: float
    started_at: datetime
    ended_at: datetime
    runs: tuple[Json, ...] = field(repr=False)
    skipped: tuple[str, ...] = ()


def stages(dag_ids: Sequence[str]) -> list[Stage]:
    """The stages of the chain among ``dag_ids``, in their order; a DAG's name says where it belongs."""
    found = [
        Stage("extract", tuple(sorted(one for one in dag_ids if one.startswith("extract_")))),
        Stage("persons", tuple(one for one in dag_ids if one == "build_persons")),
        Stage("segments", tuple(one for one in dag_ids if one == "build_segments")),
        Stage("sync", tuple(sorted(one for one in dag_ids if one.startswith("sync_")))),
    ]
    return [stage for stage in found if stage.dag_ids]


class Chain:
    """One passage through all stages.

    :param run_id: of the runs we start ourselves; the same id never starts two.
    :param check: raises when a part of the system has died.
    :param show: gets the states of all DAGs after each look.
    """

    def __init__(
        self,
        api: AirflowApi,
        run_id: str,
        chain: Sequence[Stage],
        *,
        check: Callable[[], None],
        show: Callable[[dict[str, DagState]], None],
        say: Callable[[str], None],
    ) -> None:
        self.api = api
        self.run_id = run_id
        self.stages = chain
        self.check = check
        self.show = show
        self.say = say
        self.began = datetime.now(UTC)
        self.done: list[Done] = []
        self._stage_of = {dag_id: stage.name for stage in chain for dag_id in stage.dag_ids}
        self._last_look: dict[str, tuple[str, str]] = {}
        self._changed_at = time.monotonic()

    def wake(self) -> None:
        """Unpause every DAG, the last stage first, so that no event finds a sleeping one; then wait for idleness."""
        for stage in reversed(self.stages):
            for dag_id in stage.dag_ids:
                self.api.pause(dag_id, False)
        while any(run["state"] in ACTIVE for run in self._look()):
            self._pause()

    def follow(self) -> None:
        """Start the first stage and wait for the last one; ``done`` grows with each.

        :raises ChainFailed: at once when a run fails.
        """
        for number, stage in enumerate(self.stages):
            ready = self.done[-1].ended_at if self.done else self.began
            if number == 0:
                self._start(stage.dag_ids)
            self.done.append(self._finish(stage, ready, by_events=number > 0))

    def _start(self, dag_ids: Sequence[str]) -> None:
        for dag_id in dag_ids:
            self.api.trigger(dag_id, self.run_id)

    def _finish(self, stage: Stage, ready: datetime, *, by_events: bool) -> Done:
        """Wait until each DAG of a stage has a good run that began after ``ready``."""
        noticed, by_hand = time.monotonic(), set()
        while True:
            runs = [run for run in self._look() if run["dag_id"] in stage.dag_ids]
            good = [run for run in runs if run["state"] == "success" and _at(run["start_date"]) >= ready]
            busy = {run["dag_id"] for run in runs if run["state"] in ACTIVE}
            left = [one for one in stage.dag_ids if one in busy or one not in {run["dag_id"] for run in good}]
            if not left:
                return self._done(stage, good)
            stranded = [dag_id for dag_id in left if dag_id not in busy | by_hand]
            if by_events and stranded and time.monotonic() - noticed > PATIENCE:
                self.say(f"no event has started {', '.join(stranded)} for {PATIENCE:.0f} s: starting by hand")
                self._start(stranded)
                by_hand.update(stranded)
            self._pause()

    def _done(self, stage: Stage, runs: Sequence[Json]) -> Done:
        tasks = [task for run in runs for task in self.api.task_instances(run)]
        skipped = tuple(sorted(f"{task['dag_id']}.{task['task_id']}" for task in tasks if task["state"] == "skipped"))
        if stage.name in ("persons", "segments") and skipped:
            raise ChainFailed(
                f"{skipped[0]} was skipped: a failed check holds a stream back, nothing was built on it.", runs[-1]
            )
        starts = [_at(run["start_date"]) for run in runs]
        ends = [_at(task["end_date"]) for task in tasks if task["end_date"]]
        began, ended = min(starts), max(ends, default=max(starts))
        return Done(stage.name, (ended - began).total_seconds(), began, ended, tuple(runs), skipped)

    def _look(self) -> list[Json]:
        """All runs of the chain since its beginning; shows them, and raises for one that failed."""
        self.check()
        runs = self.api.runs(list(self._stage_of), since=self.began)
        newest = {run["dag_id"]: run for run in runs}
        details = self._details([run for run in newest.values() if run["state"] == "running"])
        states = {dag_id: self._state(dag_id, newest.get(dag_id), details.get(dag_id, "")) for dag_id in self._stage_of}
        look = {dag_id: (state.state, state.detail) for dag_id, state in states.items()}
        if look != self._last_look:
            self._last_look, self._changed_at = look, time.monotonic()
        self.show(states)
        for run in runs:
            if run["state"] == "failed":
                raise ChainFailed(f"{run['dag_id']} failed.", run)
        return runs

    def _state(self, dag_id: str, run: Json | None, detail: str) -> DagState:
        stage = self._stage_of[dag_id]
        if run is None:
            return DagState(dag_id, stage, "waiting")
        seconds = 0.0
        if run["start_date"]:
            until = _at(run["end_date"]) if run["end_date"] else datetime.now(UTC)
            seconds = (until - _at(run["start_date"])).total_seconds()
        return DagState(dag_id, stage, run["state"], detail, seconds)

    def _details(self, runs: Sequence[Json]) -> dict[str, str]:
        """By DAG: which tasks of these runs are at work, and which wait for something."""
        words: dict[str, list[str]] = {}
        for task in self.api.tasks_in(runs, (*BUSY_TASKS, *WAITING_TASKS)):
            word = task["task_id"]
            if task["state"] == "up_for_retry":
                word += f" waits for try {task['try_number'] + 1}"
            elif task["state"] in WAITING_TASKS:
                word += f" is {task['state']}"
            words.setdefault(task["dag_id"], []).append(word)
        return {dag_id: ", ".join(sorted(told)) for dag_id, told in words.items()}

    def _pause(self) -> None:
        if time.monotonic() - self._changed_at > LONGEST_SILENCE:
            raise ChainFailed(f"Nothing has changed for {LONGEST_SILENCE / 3600:.0f} hours; see Airflow's UI.")
        time.sleep(POLL)


def end_stale_runs(api: AirflowApi, dag_ids: Sequence[str]) -> int:
    """Fail the runs an interrupted start left open; nobody works on them and they would keep new ones waiting.

    Call it only after a start of our own, before anything is unpaused.

    :returns: how many there were.
    """
    stale = api.runs(dag_ids, states=ACTIVE)
    for run in stale:
        api.fail_run(run, "Ended at the next start: the system was stopped in the middle of this run.")
    return len(stale)


def _at(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)

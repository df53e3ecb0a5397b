"""What became of a change of a TikTok audience, by the audience's history: there is no job that could be asked about.

A change is known by the first entry of its kind after those that stood there before it. The platform tells the newest
entry first, with whole seconds. One that failed, or was taken in part, leaves everybody of its file open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from include.destinations.base import TOO_FEW_MEMBERS, Answer, Exceptional, Outcome

HISTORY = 100  # changes of an audience that are looked back
SMALLEST = 1_000  # entries an audience must have after a change, else the change fails
ACTIONS = ("CREATE", "APPEND", "REMOVE", "REPLACE")
FAILED = "the platform did not take the file, or only parts of it"
WAITS = f"the platform takes no audience of fewer than {SMALLEST} entries: this one waits for more people"

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """A change that was begun, written as the job that the ledger asks about.

    :param at: time of the newest entry before it; ``count``: how many had that time.
    :param rows: one more than the highest row of the batch that went out.
    :param entries: identifiers in its file.
    """

    action: str
    at: str
    count: int
    rows: int
    entries: int = SMALLEST

    @classmethod
    def read(cls, job_id: str) -> Self:
        """What :meth:`text` wrote; of a job of an earlier version the number of entries is not known."""
        action, at, *numbers = job_id.split("|")
        return cls(action, at, *map(int, numbers))

    def text(self) -> str:
        return f"{self.action}|{self.at}|{self.count}|{self.rows}|{self.entries}"

    def result(self, job_id: str, found: Mapping[str, Any]) -> Answer | None:
        """Its result by the audience's details and history; None while the platform works on it."""
        history, details = found.get("audience_history") or [], found.get("audience_details") or {}
        later = _later(history, self.at, self.count)
        done = next((place for place, one in enumerate(later) if _is_of(one, self.action)), None)
        if done is None:
            return None
        newest = done == len(later) - 1  # the details tell of the last change only
        if not later[done].get("msg") and not (newest and details.get("error_msg")):
            return Answer(job_id=job_id)
        return Answer(tuple(self._failed(_never_filled(history, details))), job_id=job_id)

    def _failed(self, empty: bool) -> list[Exceptional]:
        """Everybody of a failed change. Who is to leave an audience that nobody ever got into is out of it."""
        outcome: Outcome = "debt" if self.action == "REMOVE" else "retriable"
        code, text = "file_failed", FAILED
        if empty and self.action == "REMOVE":
            return []
        if empty and self.entries < SMALLEST:
            code, text = TOO_FEW_MEMBERS, WAITS
        return [Exceptional(row, outcome, code, text) for row in range(self.rows)]


def mark(history: Sequence[Entry]) -> tuple[str, int]:
    """The time of the newest entry, and how many have it: whatever comes later is later than these."""
    newest = max(map(_time, history), default="")
    return newest, sum(_time(one) == newest for one in history)


def _time(entry: Entry) -> str:
    """When an entry was written, in UTC, as text that sorts."""
    return str(entry.get("opt_time") or "")


def _later(history: Sequence[Entry], at: str, count: int) -> list[Entry]:
    """The entries after a mark, oldest first."""
    ordered = [one for _, one in sorted(enumerate(history), key=lambda placed: (_time(placed[1]), -placed[0]))]
    same = [one for one in ordered if _time(one) == at]
    return [*same[count:], *(one for one in ordered if _time(one) > at)]


def _is_of(entry: Entry, action: str) -> bool:
    """Whether the entry may be of such a change: it does not name another one."""
    named = [one for one in ACTIONS if one in str(entry.get("action") or "").upper()]
    return not named or action in named


def _never_filled(history: Sequence[Entry], details: Mapping[str, Any]) -> bool:
    """Whether nobody ever came in: the whole history is told, each change but the creation failed, nobody is known."""
    others = [one for one in history if "CREATE" not in str(one.get("action") or "").upper()]
    return len(others) == len(history) - 1 and all(one.get("msg") for one in others) and not details.get("cover_num")

"""One bad row never fails its batch: when the whole call is refused, it is halved until the row is alone.

For platforms without a partial mode, which say so with ``BatchRefusedError``: a row is bad and nothing was applied. One
bad row among n costs at most 2·log2(n) calls more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from include.destinations.base import Answer, Exceptional, Member, Outcome
from include.errors import AudienceflowError, BatchRefusedError

MOST_CALLS = 200  # beyond these it is not about rows: the platform refuses whatever it is given
REFUSED_TEXT = "the platform refuses every call with this row"

Call = Callable[[Sequence[Member]], Answer]
Failed = Callable[[AudienceflowError], tuple[Outcome, str, str]]  # outcome, code, text of everybody in a failed call


@dataclass
class Halving:
    """What the calls with parts of one refused batch came to.

    :ivar error: what ended the halving before its end; whom it had not reached is among the exceptions.
    """

    exceptions: list[Exceptional] = field(default_factory=list)
    job_ids: list[str] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    calls: int = 0
    error: AudienceflowError | None = None

    @property
    def answer(self) -> Answer:
        """The parts as one answer; several jobs are one a line."""
        return Answer(
            tuple(self.exceptions),
            job_id="\n".join(self.job_ids) or None,
            request_id=self.request_ids[-1] if self.request_ids else None,
        )

    def put_aside(self, part: Sequence[Member], outcome: Outcome, code: str, text: str) -> None:
        """Everybody of a part has this outcome."""
        self.exceptions += [Exceptional(member.row, outcome, code, text) for member in part]


def halve(
    call: Call, members: Sequence[Member], refused: BatchRefusedError, *, outcome: Outcome, failed: Failed
) -> Halving:
    """Deliver ``members``, whose call was refused as a whole, but for those who are the cause.

    :param outcome: of a row that is refused alone: ``debt`` for a removal, else ``rejected``.
    :param failed: what becomes of the people of a part whose call failed otherwise.
    """
    halving = Halving()
    waiting: list[Sequence[Member]] = [members]
    while waiting:
        part = waiting.pop()
        if len(part) == 1:
            halving.exceptions.append(Exceptional(part[0].row, outcome, refused.code or "refused", REFUSED_TEXT))
            continue
        middle = len(part) // 2
        found = _try(halving, call, part[:middle], refused, failed)
        if found or len(part) == 2 or halving.error is not None:
            waiting += [part[:middle]] if found else []
            found = _try(halving, call, part[middle:], refused, failed)
        else:
            found = True  # it is not in the first half: the second need not be called to know
        waiting += [part[middle:]] if found else []
    return halving


def _try(halving: Halving, call: Call, part: Sequence[Member], refused: BatchRefusedError, failed: Failed) -> bool:
    """Whether the part is refused as a whole again; after an error nothing is called any more."""
    if halving.error is None and halving.calls >= MOST_CALLS:
        halving.error = refused
    if halving.error is not None:
        halving.put_aside(part, "retriable", "not_called", "the delivery stopped before")
        return False
    return _is_refused(halving, call, part, failed)


def _is_refused(halving: Halving, call: Call, part: Sequence[Member], failed: Failed) -> bool:
    """Call with a part of the batch; True when it is refused as a whole again."""
    halving.calls += 1
    try:
        answer = call(part)
    except BatchRefusedError:
        return True
    except AudienceflowError as error:
        halving.error = error
        halving.put_aside(part, *failed(error))
        return False
    halving.exceptions += answer.exceptions
    halving.job_ids += [answer.job_id] if answer.job_id else []
    halving.request_ids += [answer.request_id] if answer.request_id else []
    return False

"""What every destination is to the ledger: a few declared facts and six calls that may be repeated without harm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from include.limits import Quota

Outcome = Literal["rejected", "retriable", "debt", "unknown"]

TOO_FEW_MEMBERS = "too_few_members"  # code of who waits, by nobody's fault, until the audience is large enough


@dataclass(frozen=True)
class Audience:
    """One audience on one platform. ``options`` is what the segment's front matter says under the destination.

    :param sync_id: the sync under way, for platforms that keep what was sent by it.
    :param quiet: a first load that is to set off nothing at the platform (option ``first_load: quiet``).
    :param call: the call under way, for platforms that :class:`KnowsRepeats` speaks of.
    """

    audience_id: int
    destination: str
    key: str
    segment: str
    purpose: str
    options: Mapping[str, Any] = field(default_factory=dict)
    remote_id: str | None = None
    active: bool = True
    sync_id: int | None = None
    quiet: bool = False
    call: str | None = None


class Member(NamedTuple):  # made for everybody of a batch, in half the time of a dataclass
    """One person in a call.

    :param row: position within the batch, from 0; an answer names people by it.
    :param identifiers: as they go over the wire (hashed for ads), by the column they were made from.
    :param fields: the carried columns that have a value, unhashed; empty for removals.
    :param cleared: the carried columns that have none and that the audience's ``nulls`` option says to clear at the
        platform. A column in neither is left as it is there.
    """

    row: int
    identifiers: Mapping[str, str]
    fields: Mapping[str, Any] = MappingProxyType({})
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exceptional:
    """A person of a batch who was not simply accepted. ``text`` is written by us and holds no value of a row.

    ``rejected``: for good, until something about the person changes. ``retriable``: the next run tries again.
    ``debt``: a removal the platform refused. ``unknown``: the platform may have applied it.

    :param absent: the platform says besides that it no longer holds the person, who was a member.
    """

    row: int
    outcome: Outcome
    code: str
    text: str
    absent: bool = False


@dataclass(frozen=True)
class Answer:
    """What became of a batch: everybody not named in ``exceptions`` was accepted.

    :param job_id: what :meth:`Destination.confirm` asks about, for platforms that tell the result later.
    """

    exceptions: tuple[Exceptional, ...] = ()
    job_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Checked:
    """What the credentials of a source or a destination are worth today.

    A destination may have ``check() -> Checked``: reading calls only, nothing is changed. Refused credentials and an
    account that does not exist are raised (AuthError, FatalError), as by any other call.

    :param account: what the credentials open, by the platform's own name or id; never a person's name or address.
    :param scopes: what the platform says the credentials may do; empty when it does not say.
    :param limits: what the platform says of the account's limits: ``{"calls a minute": 300}``.
    :param quota: what the platform says is left of them, by the limit's name: ``{"calls a day": Quota(…)}``.
    :param expires_at: when the credentials end; None: never, or the platform does not say.
    :param missing: what a sync needs and does not have, a sentence each with its mend; empty: all is well.
    """

    account: str
    scopes: tuple[str, ...] = ()
    limits: Mapping[str, str | int | float] = field(default_factory=dict)
    expires_at: datetime | None = None
    missing: tuple[str, ...] = ()
    quota: Mapping[str, Quota] = field(default_factory=dict)


class Destination(Protocol):
    """A platform. Constructors do no I/O; one instance serves one sync, from ``connections`` threads at once."""

    name: str
    purpose: Literal["email", "ads"]
    identifiers: tuple[str, ...]  # columns of profile.person ('email', 'phone') it can reach somebody by, in order
    fields: tuple[str, ...]  # columns of profile.person it carries besides
    identifier_version: int  # raise when identify() changes: everybody is removed and added under the new form
    field_version: int  # raise when the treatment of fields changes: everybody is updated
    batch_size: int  # people a call, the vendor's maximum
    connections: int  # calls at once, the vendor's maximum
    acknowledgement: Literal["row", "batch", "job", "none"]

    def open_audience(self, audience: Audience) -> str:
        """Find the audience by its name or make it; return the platform's id."""
        ...

    def has_audience(self, audience: Audience) -> bool:
        """Whether the audience with this remote id is still there; False has it found by name or made again."""
        ...

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """What is sent to name the person, by column; None when no identifier can be used here."""
        ...

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Make the members members; those who are already stay so."""
        ...

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Bring the fields of members up to date."""
        ...

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Make the members no members; those who are none already count as accepted."""
        ...

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """The result of an earlier call, or None while the platform still works on it."""
        ...


@runtime_checkable
class ConfirmsMembers(Protocol):
    """A destination that needs a job's people to tell its result, since the platform answers for none of them."""

    def confirm_members(
        self, audience: Audience, job_id: str, members: Callable[[], Sequence[Member]]
    ) -> Answer | None:
        """As :meth:`Destination.confirm`. ``members`` reads the job's people from the ledger, without fields."""
        ...


@runtime_checkable
class KnowsRepeats(Protocol):
    """A destination whose platform knows a call it has had by the call's id.

    It is handed :attr:`Audience.call`: a call that is made again with the same people and values, because its answer
    never came, has the same one, also after a crash.
    """

    knows_repeats: Literal[True]


@runtime_checkable
class LimitsJobs(Protocol):
    """A destination that says itself after how long a job without an end counts as lost; else two days."""

    job_limit: timedelta


@runtime_checkable
class NamesFields(Protocol):
    """A destination whose audiences choose which of its fields go out, and under which names.

    A changed choice is a difference: whoever has a value under a name that came, went or changed is sent anew.
    """

    def names(self, audience: Audience) -> Mapping[str, str]:
        """Name at the platform by column; a column that is not in it does not go out."""
        ...


@dataclass(frozen=True)
class MatchRate:
    """How many of the people sent the platform knows, as it tells it: a number (low = high) or a range.

    :param identifier: column they were sent by; ``any`` where the platform does not tell them apart.
    :param sent: people it counted; None: everybody the audience holds.
    """

    identifier: str
    matched_low: int
    matched_high: int
    sent: int | None = None


@runtime_checkable
class TellsMatches(Protocol):
    """A destination whose platform tells how many of an audience it knows."""

    def match_rates(self, audience: Audience) -> Sequence[MatchRate]:
        """By identifier, as far as the platform tells; empty: not yet."""
        ...

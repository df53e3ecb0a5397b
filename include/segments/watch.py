"""What the owners of segments are told after a build: a segment outside its limits, a segment that was not built."""

from collections.abc import Iterator, Mapping, Sequence

from include.ledger.watch import State
from include.segments.build import SegmentBuilt

NOTHING: Mapping[str, str] = {}


def states(
    built: Sequence[SegmentBuilt], failed: Mapping[str, str] = NOTHING, owners: Mapping[str, str] = NOTHING
) -> list[State]:
    """The state of each segment a build had to do with.

    :param failed: segment that was not built → the cause; ``owners``: and who owns it.
    """
    return [*_within_limits(built), *_built(built), *_not_built(failed, owners)]


def _within_limits(built: Sequence[SegmentBuilt]) -> Iterator[State]:
    for one in built:
        words = one.alert or "is within its limits again"
        yield State(f"segment {one.segment}", one.alert is not None, one.owner, words)


def _built(built: Sequence[SegmentBuilt]) -> Iterator[State]:
    for one in built:
        yield State(f"build of segment {one.segment}", False, one.owner, "is built again")


def _not_built(failed: Mapping[str, str], owners: Mapping[str, str]) -> Iterator[State]:
    for name, cause in failed.items():
        yield State(f"build of segment {name}", True, owners[name], f"was not built and keeps its members: {cause}")

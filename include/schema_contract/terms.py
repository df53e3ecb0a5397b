"""What a stream's contract says: what becomes of a new column, a lost one, a changed type; and which columns are read.

The block ``contract:`` of a mapping is checked by ``include.sources.mapping_reader``; see docs/decisions/0022.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from include.sources.mapping_reader import SEPARATOR

Mode = Literal["evolve", "freeze", "discard"]
Kind = Literal["new_column", "lost_column", "changed_type"]
Steps = tuple[str, ...]
_SIMPLE_START = re.compile(r"\$(?:\.\w+|\[[0*]\])*")  # what can be known of a jsonpath without running it
_NO_PATHS = (
    "options",
    "contract",
    "countries",
    "goods",
    "returns_pattern",
    "properties",
    "ids",
    "events_names",
    "interests_names",
    "interests_prefix",
    "interests_separator",
)
_LISTS_OF_VALUES = ("granted", "withdrawn", "opt_out_values")


@dataclass(frozen=True)
class Terms:
    """The contract of one stream, or of one kind of file.

    :param covers: whether a lost column and a changed type are judged for columns the mapping reads, or for all.
    :param opened: objects whose keys are data; nothing below them is a column.
    :param reads: columns staging reads, by steps.
    :param freshness: severity of a stream whose newest record is older than it uses to be.
    """

    new_column: Mode = "evolve"
    lost_column: Mode = "freeze"
    changed_type: Mode = "freeze"
    covers: Literal["read", "all"] = "read"
    opened: tuple[Steps, ...] = ()
    reads: tuple[Steps, ...] = ()
    freshness: Literal["info", "critical", "off"] = "info"

    def mode(self, kind: Kind, steps: Sequence[str]) -> Mode:
        """What becomes of this change. A column that the mapping names is wanted: that it appears is no surprise."""
        if kind == "new_column":
            return "evolve" if self.is_read(steps) else self.new_column
        if self.covers == "read" and not self.is_read(steps):
            return "evolve"
        return self.lost_column if kind == "lost_column" else self.changed_type

    def is_read(self, steps: Sequence[str]) -> bool:
        """Whether staging reads this column, or something inside it."""
        return any(read[: len(steps)] == tuple(steps) for read in self.reads)

    def is_closed(self, steps: Sequence[str]) -> bool:
        """Whether the keys of this object are columns: not where the mapping takes it whole, or calls it open."""
        whole = {*self.opened, *(read for read in self.reads if read)}
        return not any(tuple(steps[: len(one)]) == one for one in whole)


def terms_of(parameters: Mapping[str, Any]) -> Terms:
    """The contract in a mapping's parameters."""
    said = dict(parameters.get("contract") or {})
    declared = [tuple(one) for one in said.pop("reads", ())]
    opened = [tuple(one) for one in said.pop("open", ())]
    return Terms(**said, opened=tuple(opened), reads=tuple(dict.fromkeys([*_read(parameters), *declared])))


def _read(parameters: Mapping[str, Any]) -> Iterator[Steps]:
    for kind in ("ids", "properties"):
        yield from (tuple(path.split(SEPARATOR)) for path in (parameters.get(kind) or {}).values())
    for name, value in parameters.items():
        if name in _NO_PATHS or name.endswith(_LISTS_OF_VALUES) or not isinstance(value, list) or not value:
            continue
        yield _jsonpath(value[0]) if str(value[0]).startswith("$") else tuple(map(str, value))


def _jsonpath(path: str) -> Steps:
    """``$.addresses[0].city`` walks addresses, 0, city; of one with a filter, what stands before it."""
    found = _SIMPLE_START.match(path)
    return tuple(re.findall(r"\w+", (found[0] if found else "").replace("*", "0")))


def shown(steps: Sequence[str]) -> str:
    """A path as people write it: ``lineItems.nodes[].sku``."""
    return "".join("[]" if step == "0" else f".{step}" for step in steps).removeprefix(".")

"""Names of keys, which whoever fills a record may choose: those that are data, and those that are told masked.

A key that looks like a value (an address, a number, a text) is no column: it is kept nowhere but in raw, and nothing
below it is looked into. A key that is no plain word of a program may still be somebody's name or a way into a reader's
screen: the warehouse keeps it, for ``schema changes`` and ``schema accept``, and whatever is told (failures, notices,
results, pages, reasons of quarantine) has its first letter and its length. A plain word is told as it is, which a name
like *jane* is too: nothing tells the two apart.
"""

import re
from collections.abc import Iterable, Sequence

# What SQL asks too (sql/contract/observe.sql): keys of our own, an address, five digits, a text.
DATA = re.compile(r"^_|@|([0-9].*){5}|^.{65}", re.DOTALL)
_PLAIN = re.compile(r"\$?[A-Za-z][A-Za-z0-9_:-]{0,39}", re.ASCII)


def is_data(steps: Iterable[str]) -> bool:
    """Whether any key on the way is data; what lies below it is too."""
    return any(DATA.search(step) for step in steps)


def told(steps: Sequence[str], reads: Iterable[Sequence[str]] = ()) -> str:
    """A path as people may see it: ``lineItems.nodes[].sku``, ``properties.J*** (8 characters)``.

    :param reads: paths that the mapping names, which are words of ours.
    """
    ours = [tuple(one) for one in reads]
    words = []
    for place, step in enumerate(steps):
        way = tuple(steps[: place + 1])
        known = _PLAIN.fullmatch(step) or any(one[: place + 1] == way for one in ours)
        words.append("[]" if step == "0" else f".{step if known else _masked(step)}")
    return "".join(words).removeprefix(".")


def _masked(step: str) -> str:
    first = step[:1] if step[:1].isascii() and step[:1].isalnum() else ""
    return f"{first}*** ({len(step)} characters)"

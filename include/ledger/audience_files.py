"""sql/audiences/: the global control group and the priority lists, read and checked.

A wrong file is a ConfigError with file, line, cause and mend.
"""

from collections.abc import Collection
from pathlib import Path

from include import warehouse
from include.segments.control import Control, read_control
from include.segments.front_matter import Located, complain, read_yaml

FOLDER = warehouse.SQL_ROOT / "audiences"
GLOBAL = "global"
ENTRY = "write `- destination: name of the audience`"

Key = tuple[str, str]  # destination and name of an audience


def read_global_control(path: Path = FOLDER / "control.yaml") -> Control | None:
    """The group that no audience gets; None when its share is nothing."""
    found = read_yaml(path.read_text(encoding="utf-8"), path)
    return read_control(found, GLOBAL, found.line, path)


def read_priorities(known: Collection[Key], path: Path = FOLDER / "priority.yaml") -> dict[Key, tuple[str, int]]:
    """By audience the name of its list and its place there, from 1.

    :param known: the audiences that segments feed.
    :raises ConfigError: a list of fewer than two, an audience no segment feeds, or one that stands twice.
    """
    places: dict[Key, tuple[str, int]] = {}
    found = read_yaml(path.read_text(encoding="utf-8"), path)
    for name, entries in found.items():
        line = found.line_of(name)
        if not isinstance(entries, list) or len(entries) < 2:
            raise complain(path, line, f"list {name!r} has fewer than two audiences", ENTRY)
        for rank, entry in enumerate(entries, 1):
            key, line = _entry(entry, line, path)
            if key not in known:
                raise complain(path, line, f"no segment feeds {key[0]} audience {key[1]!r}", "mend the name")
            if key in places:
                raise complain(
                    path, line, f"{key[0]} audience {key[1]!r} is on list {places[key][0]!r} already", "keep one"
                )
            places[key] = (name, rank)
    return places


def _entry(entry: object, line: int, path: Path) -> tuple[Key, int]:
    if not isinstance(entry, Located) or len(entry) != 1:
        raise complain(path, line, "an entry is not one audience", ENTRY)
    [(destination, audience)] = entry.items()
    if not isinstance(audience, str):
        raise complain(path, entry.line, "an entry is not one audience", ENTRY)
    return (destination, audience), entry.line

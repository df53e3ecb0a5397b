"""Whether the platforms hold exactly the members the ledger says: asked of the stand-ins, which know."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg

from include import warehouse
from include.errors import FatalError
from include.runtime import dropped
from include.runtime.report import Difference
from include.runtime.standins import StandIns

# As ads platforms call what names somebody; a name or a place alone names nobody.
NAMING_KEYS = ("EMAIL", "PHONE", "ADDRESS")


def differences(
    conn: psycopg.Connection, standins: StandIns, destinations: Iterable[str], drops: Path
) -> dict[str, Difference]:
    """By ``destination audience``: how many members only the ledger, or only the platform, has.

    :param drops: the folder that audiences are dropped in as files.
    """
    found: dict[str, Difference] = {}
    for destination in destinations:
        ledger = _ledger(conn, destination)
        platform = _dropped(drops) if destination == "file_drop" else _platform(standins, destination)
        for audience in sorted(ledger.keys() | platform.keys()):
            ours, theirs = ledger.get(audience, set()), platform.get(audience, set())
            found[f"{destination} {audience}"] = Difference(len(ours - theirs), len(theirs - ours))
    return found


def _ledger(conn: psycopg.Connection, destination: str) -> Mapping[str, set[str]]:
    """Identifiers by audience; a person with two identifiers at a platform counts by each."""
    held: dict[str, set[str]] = defaultdict(set)
    for row in warehouse.rows(conn, "report/members", {"destination": destination}):
        held[row["audience"]].update(str(value).lower() for value in (row["identifiers"] or {}).values())
    return held


def _dropped(drops: Path) -> Mapping[str, set[str]]:
    return {name: {value.lower() for value in values} for name, values in dropped.members(drops).items()}


def _platform(standins: StandIns, destination: str) -> Mapping[str, set[str]]:
    try:
        audiences: Mapping[str, Iterable[Any]] = standins.members(destination)
    except FatalError:  # a platform nothing was ever sent to has no audiences
        return {}
    return {
        name: {value.lower() for member in members for value in _names(member)} for name, members in audiences.items()
    }


def _names(member: str | Mapping[str, str]) -> list[str]:
    """What names a member: an address, or of a user with several keys those that a person is found by."""
    return [member] if isinstance(member, str) else [member[key] for key in NAMING_KEYS if member.get(key)]

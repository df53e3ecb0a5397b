"""What travels from a source to landing: windows, rows, pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Window:
    """What is read: changes in [since, until), in UTC. ``since`` None: everything there is.

    :param state: what the stream stored as its cursor last time; a source that resumes finds its place here.
    """

    since: datetime | None
    until: datetime
    state: Mapping[str, Any] = field(default_factory=dict)


class Row(NamedTuple):
    """One record: the key it has at its source, and its JSON text as the source sent it."""

    key: str
    payload: bytes


TOMBSTONE = b'{"deleted":true}'  # what is landed of a record that its source no longer has


class Page(NamedTuple):
    """Rows that arrived together.

    :param cursor: set where reading may be resumed once all rows up to here are landed; becomes the stream's cursor.
        Its key ``since`` (ISO 8601) is where the next window begins.
    :param whole: beginnings of keys: all that the source has under them came in the pages since the last cursor, this
        one included. What was landed under them before and did not come is gone, unless nothing came of many.
    """

    rows: list[Row]
    cursor: Mapping[str, Any] | None = None
    whole: tuple[str, ...] = ()


def page_size(mapping: Mapping[str, Any], most: int) -> int:
    """Rows a page: by the mapping's ``options: {page_size: …}`` where records are heavy, at most the vendor's maximum.

    :param most: the vendor's maximum.
    """
    return min(most, int(mapping.get("options", {}).get("page_size", most)))

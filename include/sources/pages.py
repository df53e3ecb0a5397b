"""What travels from a source to landing: windows, rows, pages."""

from collections.abc import Callable, Mapping
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


class Page(NamedTuple):
    """Rows that arrived together.

    :param cursor: set where reading may be resumed once all rows up to here are landed; becomes the stream's cursor.
        Its key ``since`` (ISO 8601) is where the next window begins.
    """

    rows: list[Row]
    cursor: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Load:
    """What is known of a load of all there is, before its first page.

    :param total: client, window, mapping → records the platform says it has in that window; None: it cannot tell.
    :param page: records a call.
    :param calls_a_second: what the account's limits, or else the platform's own speed, let through.
    """

    total: Callable[[Any, Window, Mapping[str, Any]], int | None]
    page: int
    calls_a_second: float


def page_size(mapping: Mapping[str, Any], most: int) -> int:
    """Rows a page: by the mapping's ``options: {page_size: …}`` where records are heavy, at most the vendor's maximum.

    :param most: the vendor's maximum.
    """
    return min(most, int(mapping.get("options", {}).get("page_size", most)))

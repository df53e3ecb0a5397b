"""What travels from a source to landing: windows, rows, pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from include.errors import FatalError


@dataclass(frozen=True)
class Window:
    """What is read: changes in [since, until), in UTC. ``since`` None: everything there is.

    :param state: what the stream stored as its cursor last time; a source that resumes finds its place here.
    """

    since: datetime | None
    until: datetime
    state: Mapping[str, Any] = field(default_factory=dict)

    def begin(self, lag: timedelta) -> datetime | None:
        """Where to ask from: earlier by as much as the platform may show a change late. None: everything there is."""
        return None if self.since is None else self.since - lag


class Row(NamedTuple):
    """One record: the key it has at its source, and its JSON text as the source sent it."""

    key: str
    payload: bytes


TOMBSTONE = b'{"_deleted": true}'  # what is landed of a record that its source no longer has


class Page(NamedTuple):
    """Rows that arrived together.

    :param cursor: set where reading may be resumed once all rows up to here are landed; becomes the stream's cursor.
        Its key ``since`` (ISO 8601) is where the next window begins.
    :param whole: beginnings of keys: all that the source has under them came in the pages since the last cursor, this
        one included. What was landed under them before and did not come is gone, unless it is too much (`sweep`).
    """

    rows: list[Row]
    cursor: Mapping[str, Any] | None = None
    whole: tuple[str, ...] = ()


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


def next_page(platform: str, following: str | None, before: str | None) -> str:
    """Where a platform says its next page is.

    :param before: where it said this one was.
    :raises FatalError: nowhere, or the same: paging would never end.
    """
    if following is None or following == before:
        raise FatalError(f"{platform}: a page names no next page, or the same next page twice; paging would never end.")
    return following


def page_size(mapping: Mapping[str, Any], most: int) -> int:
    """Rows a page: by the mapping's ``options: {page_size: …}`` where records are heavy, at most the vendor's maximum.

    :param most: the vendor's maximum.
    """
    return min(most, int(mapping.get("options", {}).get("page_size", most)))

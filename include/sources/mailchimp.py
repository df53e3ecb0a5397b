"""Mailchimp: the members of one list, its campaigns with their figures, and what recipients did with them.

Source: https://mailchimp.com/developer/marketing/api/ (read 2026-11-21). Pages go by offset, 1,000 at most, and a
member that changes meanwhile moves the others. So each page of members is a question of its own that begins at the last
time stamp seen; only a second that holds more than a page is read by offset. Archived members are not in the default
answer and are asked for by themselves. Ten connections at once are allowed, there is no Retry-After, and at high volume
a bare 403 stands for 429.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import orjson
import requests

from include.errors import AudienceflowError, FatalError, QuotaError, RetriableError
from include.http_client import JsonClient, by_status, retry_after
from include.limits import Limiter
from include.mailchimp_api import api_root
from include.sources.pages import SECOND, Load, Page, Row, Window, page_size

PAGE_SIZE = 1000  # the vendor's maximum
OVERLAP = timedelta(minutes=10)
ACTIVITY_DAYS = 90  # campaigns sent longer ago are not asked any more, unless the mapping's options say otherwise
RESTARTS = 5
FIGURES_DAYS = 90  # figures of campaigns sent longer ago are final, unless the mapping's options say otherwise
REPORTED = ("emails_sent", "unsubscribed", "abuse_reports", "opens", "clicks", "bounces")
CAMPAIGN = ("id", "type", "status", "create_time", "send_time", "emails_sent", "recipients.list_id", "settings.title",
            "settings.subject_line")
NAMED = ("campaign_id", "list_id", "email_id", "email_address")


class _Member(msgspec.Struct):
    id: str
    last_changed: str
    contact_id: str | None = None


class _Members(msgspec.Struct):
    members: list[msgspec.Raw]
    total_items: int = 0


_read_members = msgspec.json.Decoder(_Members).decode
_read_member = msgspec.json.Decoder(_Member).decode


class MailchimpClient(JsonClient):
    """A session with one list. The version's path ``/3.0`` is added when the connection's host does not end with it."""

    def __init__(self, base_url: str, token: str, list_id: str, *, limiter: Limiter | None = None) -> None:
        super().__init__(api_root(base_url), auth=("audienceflow", token), classify=classify, limiter=limiter)
        self.list_id = list_id


def client(base_url: str, token: str, list_id: str, *, limiter: Limiter | None = None) -> MailchimpClient:
    """A session with one list; ``token`` is the API key."""
    return MailchimpClient(base_url, token, list_id, limiter=limiter)


def classify(response: requests.Response) -> AudienceflowError | None:
    """Mailchimp's error table: a 403 without a problem document is the gate of a busy platform, not a refusal."""
    if response.status_code == 429 or (response.status_code == 403 and _title(response) is None):
        return QuotaError(f"answered {response.status_code}: too many requests or connections.",
                          retry_after=retry_after(response), code=str(response.status_code))
    problem = by_status(response)
    if type(problem) is FatalError:
        title = _title(response)
        return FatalError(f"answered {response.status_code} {title or ''}: the request is refused.", code=title)
    return problem


def _title(response: requests.Response) -> str | None:
    try:
        value = orjson.loads(response.content).get("title")
    except (ValueError, AttributeError):
        return None
    return value if isinstance(value, str) else None


def members(client: MailchimpClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the members of every status that changed in the window, archived ones first, then oldest change first.

    Rows are as Mailchimp sends them, keyed by the contact's id, which outlives a change of address.

    :raises FatalError: the order is not the one asked for; paging would lose members.
    """
    since = window.begin(OVERLAP)
    size = page_size(mapping, PAGE_SIZE)
    for page in _changed(client, since, window.end(SECOND), "archived", size):
        yield Page(_rows(page))
    for page in _changed(client, since, window.end(SECOND), None, size):
        yield Page(_rows(page), {"since": _time(_read_member(page[-1]).last_changed).isoformat()})
    yield Page([], {"since": window.until.isoformat()})


def total(client: MailchimpClient, window: Window, mapping: Mapping[str, Any]) -> int | None:
    """How many members there are in the window, archived ones among them."""
    until = window.end(SECOND)
    return sum(_ask(client, window.since, until, status, count=1).total_items for status in ("archived", None))


LOAD = Load(total, PAGE_SIZE, calls_a_second=0.5)  # the vendor states no rate; a full page takes it about two seconds


def _rows(raws: list[bytes]) -> list[Row]:
    read = ((_read_member(raw), raw) for raw in raws)
    return [Row(member.contact_id or member.id, raw) for member, raw in read]


def _changed(client: MailchimpClient, since: datetime | None, until: datetime, status: str | None,
             size: int) -> Iterator[list[bytes]]:
    """From time stamp to time stamp. "since" may or may not include its own second, so a second more is asked for."""
    begin = None if since is None else since.replace(microsecond=0)
    asked, seen = None if begin is None else begin - SECOND, frozenset[str]()
    while True:
        raws = _ask(client, asked, until, status, count=size).members
        found = [(_read_member(raw), bytes(raw)) for raw in raws]
        times = [_time(member.last_changed) for member, _ in found]
        if times != sorted(times):
            raise FatalError("Mailchimp: members are not in the order that was asked for; paging would lose some.")
        if times and asked is not None and times[0] < asked:
            raise FatalError("Mailchimp: members changed before the time that was asked for; paging would never end.")
        fresh = [raw for member, raw in found if member.id not in seen]
        crowded = len(found) >= size and (times[0] == times[-1] or (begin is not None and times[-1] <= begin))
        if fresh and not crowded:
            yield fresh
        if len(found) < size:
            return
        begin, asked, seen_before = times[-1], times[-1] - SECOND, seen
        seen = frozenset(member.id for (member, _), at in zip(found, times, strict=True) if at >= asked)
        if crowded:
            yield from _same_second(client, begin, status, seen_before, size)
            begin += SECOND
            asked, seen = begin if _holds_its_second(client, begin - SECOND, status) else begin - SECOND, frozenset()


def _same_second(client: MailchimpClient, at: datetime, status: str | None, seen: frozenset[str],
                 size: int) -> Iterator[list[bytes]]:
    """A second that holds more than a page, by offset; anew when their number changed, because then they moved.

    Members whose ids were ``seen`` in a page before are left out.
    """
    passed = set(seen)
    for _ in range(RESTARTS):
        total, offset, moved = None, 0, False
        while not moved and (total is None or offset < total):
            answer = _ask(client, at - SECOND, at + SECOND, status, offset=offset, count=size)
            moved = total is not None and answer.total_items != total
            total, offset = answer.total_items, offset + size
            fresh = [raw for raw in map(bytes, answer.members) if _read_member(raw).id not in passed]
            passed.update(_read_member(raw).id for raw in fresh)
            if fresh:
                yield fresh
        if not moved:
            return
    raise RetriableError(f"Mailchimp: more than {size} members of one second keep changing; try again later.")


def _holds_its_second(client: MailchimpClient, at: datetime, status: str | None) -> bool:
    """Whether "since" a second, known to be full, includes that second; the vendor does not say."""
    raws = _ask(client, at, at + SECOND, status, count=1).members
    return bool(raws) and _time(_read_member(raws[0]).last_changed) == at


def _ask(client: MailchimpClient, since: datetime | None, before: datetime, status: str | None, *, count: int,
         offset: int = 0) -> _Members:
    params = {"count": count, "offset": offset, "sort_field": "last_changed", "sort_dir": "ASC", "status": status,
              "since_last_changed": None if since is None else _iso(since), "before_last_changed": _iso(before),
              "exclude_fields": "members._links,_links"}
    return client.request("GET", f"/lists/{client.list_id}/members", params=params, decode=_read_members)


def activity(client: MailchimpClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield opens, clicks and bounces of the window, campaign by campaign, one row an event.

    ``campaign_id``, ``list_id``, ``email_id``, ``email_address``, ``action``, ``timestamp``, and ``url`` of a click or
    ``type`` of a bounce; the address of the reader's machine is left at the platform. The key names campaign,
    recipient, action, time and which one of equal events it is.
    """
    since = window.begin(OVERLAP)
    days = timedelta(days=mapping["options"].get("activity_days", ACTIVITY_DAYS))
    size = page_size(mapping, PAGE_SIZE)
    for campaign in _campaigns(client, None if since is None else since - days, size):
        for reports in _reports(client, campaign, since, size):
            yield Page([row for report in reports for row in _events(report, since, window.until)])
    yield Page([], {"since": window.until.isoformat()})


def _campaigns(client: MailchimpClient, sent_since: datetime | None, size: int) -> list[str]:
    return [one["id"] for page in _campaign_pages(client, sent_since, ("id",), size) for one in page]


def _campaign_pages(client: MailchimpClient, sent_since: datetime | None, names: Iterable[str],
                    size: int) -> Iterator[list[dict[str, Any]]]:
    return _offsets(client, "/campaigns", _sent(client, sent_since, names), "campaigns", size)


def _sent(client: MailchimpClient, since: datetime | None, names: Iterable[str]) -> dict[str, Any]:
    fields = ",".join((*(f"campaigns.{name}" for name in names), "total_items"))
    return {"list_id": client.list_id, "status": "sent", "sort_field": "send_time", "sort_dir": "ASC",
            "since_send_time": None if since is None else _iso(since), "fields": fields}


def campaigns(client: MailchimpClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the list's campaigns sent in the window or up to ``figures_days`` before it, each with its figures.

    Figures move for weeks after a campaign was sent, and nothing says when: young campaigns are read again each time.
    Rows are campaigns as Mailchimp sends them, keyed by id, with their report under ``report``; one that has no report
    yet is left for the next time.
    """
    days = timedelta(days=mapping["options"].get("figures_days", FIGURES_DAYS))
    since = None if window.since is None else window.since - days
    size = page_size(mapping, PAGE_SIZE)
    reports = {one["id"]: one for page in _figures(client, since, size) for one in page}
    for page in _campaign_pages(client, since, CAMPAIGN, size):
        told = ((one, reports.get(one["id"])) for one in page if _time(one["send_time"]) < window.until)
        yield Page([Row(one["id"], orjson.dumps({**one, "report": report})) for one, report in told if report])
    yield Page([], {"since": window.until.isoformat()})


def campaign_keys(client: MailchimpClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of the list's campaigns, of those sent since the window began: one that was deleted is not among them.

    One that is deleted meanwhile moves those behind it to the front, over the end of a page: then all are asked anew.

    :raises RetriableError: campaigns are deleted again and again.
    """
    size = max(2, page_size(mapping, PAGE_SIZE))
    for _ in range(RESTARTS):
        if (yield from _unbroken(client, _sent(client, window.since, ("id",)), size)):
            return
    raise RetriableError("Mailchimp: campaigns are deleted faster than they are listed; try again later.")


def _unbroken(client: MailchimpClient, params: Mapping[str, Any], size: int) -> Generator[list[str], None, bool]:
    """Ids, page by page, each page from the last one of the page before on. False: it has moved away from there."""
    offset, last = 0, None
    while True:
        found = [one["id"] for one in client.request(
            "GET", "/campaigns", params={**params, "count": size, "offset": offset})["campaigns"]]
        if last is not None and found[:1] != [last]:
            return False
        yield found[1:] if offset else found
        if len(found) < size:
            return True
        offset, last = offset + size - 1, found[-1]


def _figures(client: MailchimpClient, sent_since: datetime | None, size: int) -> Iterator[list[dict[str, Any]]]:
    """Reports of all lists, the newest first: one that is sent meanwhile pushes others back, so none is missed."""
    fields = ",".join((*(f"reports.{name}" for name in ("id", *REPORTED)), "total_items"))
    params = {"since_send_time": None if sent_since is None else _iso(sent_since), "fields": fields}
    for page in _offsets(client, "/reports", params, "reports", size):
        yield [{name: one.get(name) for name in ("id", *REPORTED)} for one in page]


def _reports(client: MailchimpClient, campaign: str, since: datetime | None,
             size: int) -> Iterator[list[dict[str, Any]]]:
    wanted = (*(f"emails.{name}" for name in (*NAMED, "activity")), "total_items")
    params = {"since": None if since is None else _iso(since - SECOND), "fields": ",".join(wanted)}
    return _offsets(client, f"/reports/{campaign}/email-activity", params, "emails", size)


def _offsets(client: MailchimpClient, path: str, params: dict[str, Any], name: str,
             size: int) -> Iterator[list[dict[str, Any]]]:
    """Lists that only grow: who is pushed back is read twice, nobody is missed."""
    offset, total = 0, 1
    while offset < total:
        answer = client.request("GET", path, params={**params, "count": size, "offset": offset})
        found, total = answer[name], answer["total_items"]
        if not found:
            return
        yield found
        offset += len(found)


def _events(report: dict[str, Any], since: datetime | None, until: datetime) -> Iterator[Row]:
    named = {name: report.get(name) for name in NAMED}
    equal: dict[tuple[Any, ...], int] = {}
    for act in report.get("activity") or ():
        known = {name: act[name] for name in ("action", "timestamp", "type", "url") if act.get(name) is not None}
        same = tuple(known.values())
        equal[same] = equal.get(same, 0) + 1
        if (since is None or _time(act["timestamp"]) >= since) and _time(act["timestamp"]) < until:
            key = f"{named['campaign_id']}:{named['email_id']}:{act['action']}:{act['timestamp']}:{_digest(same)}"
            yield Row(key if equal[same] == 1 else f"{key}#{equal[same]}", orjson.dumps({**named, **known}))


def _digest(parts: tuple[Any, ...]) -> str:
    return blake2b(orjson.dumps(parts), digest_size=6).hexdigest()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")

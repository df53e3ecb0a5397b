"""Mailchimp: lists, merge fields, campaigns, and what recipients did with them.

In a campaign's document ``_unsubscribed`` says how many left by it. Source: reports, campaigns, lists and merge fields
endpoints of the Marketing API 3.0. E-mail activity names every recipient, also those who did nothing; ``since`` cuts
activities, not recipients.
"""

from collections.abc import Callable
from typing import Any

from include.standins.kit import EVERYTHING, Document, Filter
from include.standins.mailchimp_core import PAGING, PLATFORM, Answer, Call, invalid, not_found, shown
from include.standins.mailchimp_members import kind
from include.standins.mailchimp_shapes import merge_field_body, stamp

SENT = frozenset({"since_send_time", "before_send_time", "type"})
CAMPAIGNS = PAGING | SENT | {"status", "list_id", "sort_field", "sort_dir"}
REPORTS = PAGING | SENT
ACTIVITY = PAGING | {"since"}
MERGE_FIELD_TYPES = frozenset(
    {"text", "number", "address", "phone", "date", "url", "imageurl", "radio", "dropdown", "birthday", "zip"}
)


def lists(call: Call) -> Answer:
    """``GET /lists``."""
    count, offset = call.page()
    found = call.store.page(PLATFORM, "list", EVERYTHING, order="created", limit=-1)
    return Answer(
        200,
        {
            "lists": [_list(call, one) for one in found[offset : offset + count]],
            "total_items": len(found),
            "constraints": {"may_create": False, "max_instances": 1, "current_total_instances": len(found)},
            "_links": [],
        },
    )


def read_list(call: Call) -> Answer:
    """``GET /lists/{list_id}``."""
    return Answer(200, _list(call, call.store.get(PLATFORM, "list", call.list_id())))


def _list(call: Call, document: Document) -> dict[str, Any]:
    def holding(status: str) -> int:
        return call.store.count(PLATFORM, kind(document.id), Filter(where=("$.status", status)))

    campaigns = call.store.page(PLATFORM, "campaign", EVERYTHING, order="created", descending=True, limit=1)
    stats = {
        "member_count": holding("subscribed"),
        "unsubscribe_count": holding("unsubscribed"),
        "cleaned_count": holding("cleaned"),
        "campaign_count": call.store.count(PLATFORM, "campaign", EVERYTHING),
        "merge_field_count": len(_merge_fields(call, document.id)),
    }
    if campaigns:
        stats["campaign_last_sent"] = campaigns[0].body["send_time"]
    return {**shown(document), "stats": stats, "_links": []}


def _merge_fields(call: Call, list_id: str) -> list[Document]:
    return call.store.page(PLATFORM, f"merge_field:{list_id}", EVERYTHING, order="id", limit=-1)


def merge_fields(call: Call) -> Answer:
    """``GET /lists/{list_id}/merge-fields``: those made beyond the platform's own."""
    list_id = call.list_id()
    count, offset = call.page()
    found = _merge_fields(call, list_id)
    return Answer(
        200,
        {
            "merge_fields": [one.body for one in found[offset : offset + count]],
            "list_id": list_id,
            "total_items": len(found),
            "_links": [],
        },
    )


def add_merge_field(call: Call) -> Answer:
    """``POST /lists/{list_id}/merge-fields``; a tag has at most ten characters."""
    list_id, sent = call.list_id(), call.sent("name", "type")
    with call.store.transaction():
        number = len(_merge_fields(call, list_id)) + 6
        tag = str(sent.get("tag") or f"MMERGE{number}").upper()
        if len(tag) > 10 or sent["type"] not in MERGE_FIELD_TYPES:
            raise invalid("tag" if len(tag) > 10 else "type", "The value is not allowed here.")
        if any(one.body["tag"] == tag for one in _merge_fields(call, list_id)):
            raise invalid("tag", f'A Merge Field with the tag "{tag}" already exists for this list.')
        body = merge_field_body(list_id, number, tag, sent["name"], type=sent["type"])
        call.store.put(PLATFORM, f"merge_field:{list_id}", str(number), body, changed_at=call.context.now_ms())
    return Answer(200, body)


def _campaigns(call: Call, default_order: str) -> tuple[list[Document], int]:
    """The page asked for, and how many campaigns match in all."""
    count, offset = call.page()
    since, before = call.moment("since_send_time"), call.moment("before_send_time")
    found = [
        one
        for one in call.store.page(PLATFORM, "campaign", EVERYTHING, order="created", limit=-1)
        if (since is None or one.created_at // 1000 > since)
        and (before is None or one.created_at // 1000 < before)
        and call.query.get("type", one.body["type"]) == one.body["type"]
        and call.query.get("status", one.body["status"]) == one.body["status"]
        and call.query.get("list_id", one.body["recipients"]["list_id"]) == one.body["recipients"]["list_id"]
    ]
    if call.query.get("sort_dir", default_order) == "DESC":
        found.reverse()
    return found[offset : offset + count], len(found)


def campaigns(call: Call) -> Answer:
    """``GET /campaigns``: oldest first unless ``sort_dir=DESC``."""
    page, total = _campaigns(call, "ASC")
    return Answer(200, {"campaigns": [shown(one) for one in page], "total_items": total, "_links": []})


def reports(call: Call) -> Answer:
    """``GET /reports``: newest first."""
    page, total = _campaigns(call, "DESC")
    return Answer(200, {"reports": [_report(call, one) for one in page], "total_items": total, "_links": []})


def _campaign(call: Call) -> Document:
    campaign = call.store.get(PLATFORM, "campaign", call.path["campaign_id"])
    if campaign is None:
        raise not_found()
    return campaign


def read_campaign(call: Call) -> Answer:
    """``GET /campaigns/{campaign_id}``."""
    return Answer(200, shown(_campaign(call)))


def read_report(call: Call) -> Answer:
    """``GET /reports/{campaign_id}``."""
    return Answer(200, _report(call, _campaign(call)))


def _report(call: Call, campaign: Document) -> dict[str, Any]:
    acts = [
        act
        for one in call.store.page(PLATFORM, f"activity:{campaign.id}", EVERYTHING, limit=-1)
        for act in ({**act, "who": one.id} for act in one.body["activity"])
    ]
    body = campaign.body
    opens = [act for act in acts if act["action"] == "open"]
    clicks = [act for act in acts if act["action"] == "click"]
    sent = max(1, body["emails_sent"])
    report: dict[str, Any] = {
        "id": campaign.id,
        "campaign_title": body["settings"]["title"],
        "type": body["type"],
        "list_id": body["recipients"]["list_id"],
        "list_is_active": True,
        "list_name": body["recipients"]["list_name"],
        "subject_line": body["settings"]["subject_line"],
        "preview_text": "",
        "emails_sent": body["emails_sent"],
        "abuse_reports": 0,
        "unsubscribed": body.get("_unsubscribed", 0),
        "send_time": body["send_time"],
        "bounces": {
            "hard_bounces": _count(acts, lambda act: act.get("type") == "hard"),
            "soft_bounces": _count(acts, lambda act: act.get("type") == "soft"),
            "syntax_errors": 0,
        },
        "opens": {
            "opens_total": len(opens),
            "unique_opens": len({act["who"] for act in opens}),
            "open_rate": len({act["who"] for act in opens}) / sent,
        },
        "clicks": {
            "clicks_total": len(clicks),
            "unique_clicks": len({(act["who"], act["url"]) for act in clicks}),
            "unique_subscriber_clicks": len({act["who"] for act in clicks}),
            "click_rate": len({act["who"] for act in clicks}) / sent,
        },
        "_links": [],
    }
    for name, those in (("opens", opens), ("clicks", clicks)):
        if those:
            report[name][f"last_{name[:-1]}"] = max(act["timestamp"] for act in those)
    return report


def _count(acts: list[dict[str, Any]], holds: Callable[[dict[str, Any]], bool]) -> int:
    return sum(1 for act in acts if act["action"] == "bounce" and holds(act))


def email_activity(call: Call) -> Answer:
    """``GET /reports/{campaign_id}/email-activity``."""
    campaign = _campaign(call)
    count, offset = call.page()
    since = call.moment("since")
    after = "" if since is None else stamp((since + 1) * 1000)  # stamps are all in UTC: text compares as time
    page = call.store.page(PLATFORM, f"activity:{campaign.id}", EVERYTHING, order="id", limit=count, offset=offset)
    emails = [
        {**one.body, "activity": [act for act in one.body["activity"] if act["timestamp"] >= after], "_links": []}
        for one in page
    ]
    return Answer(
        200,
        {
            "emails": emails,
            "campaign_id": campaign.id,
            "_links": [],
            "total_items": call.store.count(PLATFORM, f"activity:{campaign.id}", EVERYTHING),
        },
    )


def ping(call: Call) -> Answer:
    """``GET /ping``."""
    return Answer(200, {"health_status": "Everything's Chimpy!"})

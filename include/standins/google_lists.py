"""Google: the user lists of the account."""

from typing import Any

from include.standins.google_core import PLATFORM, Call, Refused, invalid, pages
from include.standins.google_ingest import check_account, members_of
from include.standins.kit import EVERYTHING, Document, Store

DEFAULT_A_PAGE, MOST_A_PAGE = 50, 1000
MAX_MEMBERSHIP_SECONDS = 540 * 86_400


def audience_members(store: Store) -> dict[str, list[dict[str, str]]]:
    """Of each user list, by name, the identifiers it holds, one a dict."""
    return {
        one.body["displayName"]: [
            held.body for held in store.page(PLATFORM, members_of(one.id), EVERYTHING, order="id", limit=-1)
        ]
        for one in store.page(PLATFORM, "list", EVERYTHING, order="created", limit=-1)
    }


def _check_path(call: Call) -> None:
    account = {"accountType": call.path["account_type"], "accountId": call.path["account_id"]}
    check_account(call, account, "parent")
    login = call.headers.get("login-account")
    if login is not None:
        parts = login.split("/")
        if len(parts) != 4 or parts[::2] != ["accountTypes", "accounts"]:
            raise invalid("login-account", "INVALID_RESOURCE_NAME", "The resource name is invalid.")
        check_account(call, {"accountType": parts[1], "accountId": parts[3]}, "login-account", login=True)


def find(call: Call) -> dict[str, Any]:
    """A page of lists, all or those of one name."""
    _check_path(call)
    found = [one.body for one in call.store.page(PLATFORM, "list", EVERYTHING, order="created", limit=-1)]
    if "filter" in call.query:
        name = _wanted_name(call.query["filter"])
        found = [one for one in found if one["displayName"] == name]
    size = int(call.query.get("pageSize") or DEFAULT_A_PAGE)
    page, token = pages(found, min(size, MOST_A_PAGE), call.query.get("pageToken"))
    return {**({"userLists": page} if page else {}), **({"nextPageToken": token} if token else {})}


def _wanted_name(text: str) -> str:
    """The name of ``display_name = "…"``, the one filter that is played."""
    field, _, quoted = text.partition("=")
    value = quoted.strip()
    if field.strip() not in ("display_name", "displayName") or len(value) < 2 or value[0] + value[-1] != '""':
        raise invalid("filter", "INVALID_FILTER", "The query filter is invalid.")
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def create(call: Call) -> dict[str, Any]:
    """A new list; names are unique in an account."""
    _check_path(call)
    sent, now = call.body, call.context.now_ms()
    if set(sent) & {"id", "name", "readOnly", "sizeInfo", "accessReason", "closingReason"}:
        raise invalid("user_list", "INVALID_ARGUMENT", "A field that only the platform sets was sent.")
    if not sent.get("displayName", "").strip():
        raise invalid("user_list.display_name", "INVALID_DISPLAY_NAME", "The display name is not valid.")
    if not sent.get("ingestedUserListInfo", {}).get("uploadKeyTypes"):
        raise invalid("user_list.ingested_user_list_info", "REQUIRED_FIELD_MISSING", "upload_key_types is required.")
    _check_duration(sent.get("membershipDuration", "0s"))
    every = call.store.page(PLATFORM, "list", EVERYTHING, order="created", limit=-1)
    if any(one.body["displayName"] == sent["displayName"] for one in every):
        raise Refused(409, "DISPLAY_NAME_ALREADY_USED", "The display name is already being used.")
    id = str(8_000_000_000 + len(every) + now % 1_000_000_000)
    parent = f"accountTypes/{call.path['account_type']}/accounts/{call.path['account_id']}"
    body = {**sent, "id": id, "name": f"{parent}/userLists/{id}", "membershipStatus": "OPEN", "readOnly": False,
            "accessReason": "OWNED", "accountAccessStatus": "ENABLED"}  # fmt: skip
    if call.query.get("validateOnly") != "true":
        call.store.put_many(PLATFORM, "list", [Document(id, body, now, now)])
    return body


def _check_duration(duration: str) -> None:
    seconds = float(duration.removesuffix("s"))
    if seconds % 86_400:
        raise invalid("user_list.membership_duration", "INVALID_ARGUMENT", "The duration must be whole days.")
    if seconds > MAX_MEMBERSHIP_SECONDS:
        raise invalid("user_list.membership_duration", "MEMBERSHIP_DURATION_TOO_LONG", "The duration is too long.")


def _list(call: Call) -> Document:
    _check_path(call)
    found = call.store.get(PLATFORM, "list", call.path["list_id"])
    if found is None:
        raise Refused(404, "NOT_FOUND", "Resource not found.")
    return found


def show(call: Call) -> dict[str, Any]:
    """One list, with sizes that are 0 below a hundred."""
    found = _list(call)
    size = call.store.count(PLATFORM, members_of(found.id), EVERYTHING)
    counts = ("displayNetworkMembersCount", "searchNetworkMembersCount", "youtubeMembersCount", "gmailMembersCount")
    return {**found.body, "sizeInfo": dict.fromkeys(counts, str(size if size >= 100 else 0))}


def delete(call: Call) -> dict[str, Any]:
    """Delete a list with all it holds."""
    found = _list(call)
    every = call.store.page(PLATFORM, members_of(found.id), EVERYTHING, limit=-1)
    call.store.delete_many(PLATFORM, members_of(found.id), (one.id for one in every))
    call.store.delete(PLATFORM, "list", found.id)
    return {}

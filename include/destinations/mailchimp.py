"""Mailchimp: a tag on a list as the audience.

Sources: Mailchimp Marketing API 3.0 specification and fundamentals (read 2026-11-21). Limits: 500 members a call, 10
connections a user, no rate headers.
A tag is a static segment: addresses that are not on the list are ignored in silence, so people are put on the list
first and the answer is compared with what was asked. Nobody's status is ever changed: ``update_existing`` is false,
fields are changed with PATCH (which cannot make a member), and who left (unsubscribed, cleaned, archived) is refused.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Lock
from typing import Any, Literal

import orjson
import requests

from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.errors import AudienceflowError, AuthError, FatalError, QuotaError
from include.http_client import JsonClient, by_status
from include.limits import Limiter
from include.mailchimp_api import CONNECTIONS, api_root

MAX_MEMBERS = 500  # the vendor's maximum, on the list and in a static segment
PAGE_SIZE = 1000
MERGE_FIELDS = {"first_name": "FNAME", "last_name": "LNAME"}
LEFT = {"unsubscribed", "cleaned", "archived"}
EXISTS = "ERROR_CONTACT_EXISTS"
LOOK_UPS = 20  # single members asked about before the whole tag is read

Reason = tuple[str, str]  # code and text of why somebody is refused


class MailchimpDestination:
    """Tags on one list.

    :param base_url: ``https://<dc>.api.mailchimp.com``, with any path prefix, with or without ``/3.0``.
    :param token: the API key.
    :param list_id: of the list that audiences without a ``list`` option live on.
    """

    name = "mailchimp"
    purpose: Literal["email", "ads"] = "email"
    identifiers = ("email",)
    fields = ("first_name", "last_name")
    identifier_version = 1
    field_version = 1
    batch_size = MAX_MEMBERS
    connections = CONNECTIONS
    acknowledgement: Literal["row", "batch", "job", "none"] = "row"

    def __init__(
        self, base_url: str, token: str, list_id: str, *, tries: int = 5, limiter: Limiter | None = None
    ) -> None:
        self._list_id = list_id
        self._client = JsonClient(
            api_root(base_url),
            auth=("audienceflow", token),
            classify=classify,
            tries=tries,
            connections=CONNECTIONS,
            limiter=limiter,
        )
        self._singly = ThreadPoolExecutor(CONNECTIONS)  # starts nothing before its first call
        self._archived: dict[str, frozenset[str]] = {}
        self._reading = Lock()

    def check(self) -> Checked:
        """Whether the key opens the list, and how many people it holds. A key of Mailchimp has no scopes and no end."""
        self._client.request("GET", "/ping")
        shown = {"fields": "id,name,stats.member_count"}
        found = self._client.request("GET", f"/lists/{self._list_id}", params=shown)
        limits = {"connections at once": CONNECTIONS, "members a call": MAX_MEMBERS}
        return Checked(f"list {found['id']}", limits={**limits, "people on the list": found["stats"]["member_count"]})

    def open_audience(self, audience: Audience) -> str:
        """The static segment of that name on the list, found or made."""
        where = f"/lists/{self._list(audience)}/segments"
        for page in self._pages(
            where, "segments", {"type": "static", "fields": "segments.id,segments.name,total_items"}
        ):
            for segment in page:
                if segment["name"].casefold() == audience.key.casefold():  # as the platform compares tags
                    return str(segment["id"])
        made = self._client.request("POST", where, json={"name": audience.key, "static_segment": []}, repeatable=False)
        return str(made["id"])

    def has_audience(self, audience: Audience) -> bool:
        """Whether the tag is still on the list, also under another name."""
        return self._found(self._segment(audience), {"fields": "id"}) is not None

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """The address as it is; Mailchimp lower-cases it for its own id."""
        return {"email": person["email"]} if person["email"] else None

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Put new people on the list, then the tag on everybody; refuse whoever left."""
        by_address = _by_address(members)
        refused = self._refuse_archived(audience, by_address)
        refused |= self._put_on_list(audience, [by_address[a][0] for a in by_address if a not in refused])
        wanted = [address for address in by_address if address not in refused]
        refused |= self._put_tag(audience, wanted, by_address)
        return _answer(by_address, refused)

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Bring the merge fields up to date, one call a person; a missing value clears nothing.

        The call for many (``POST /lists/{id}``) changes nobody's fields without ``update_existing``, which changes the
        status too.
        """
        by_address = _by_address(members)
        refused = self._refuse_archived(audience, by_address)
        wanted = {address: _merge_fields(group[0]) for address, group in by_address.items() if address not in refused}
        return _answer(by_address, refused | self._set_all(audience, wanted))

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Take the tag off; the person stays on the list. Who has no tag or is not on the list is removed already.

        The call passes over archived members in silence, and their tag would come back with them: one call for each.
        """
        addresses = list(_by_address(members))
        self._client.request("POST", self._segment(audience), json={"members_to_remove": addresses})
        for address in self._refuse_archived(audience, addresses):
            self._found(f"{self._segment(audience)}/members/{member_id(address)}", method="DELETE")
        return Answer()

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """Never asked: each answer names its rows."""
        return Answer()

    def _list(self, audience: Audience) -> str:
        return str(audience.options.get("list") or self._list_id)

    def _segment(self, audience: Audience) -> str:
        return f"/lists/{self._list(audience)}/segments/{audience.remote_id}"

    def _member(self, audience: Audience, address: str) -> str:
        return f"/lists/{self._list(audience)}/members/{member_id(address)}"

    def _refuse_archived(self, audience: Audience, addresses: Iterable[str]) -> dict[str, Reason]:
        """An archived member is no longer on the list, and adding the address would bring it back."""
        list_id = self._list(audience)
        with self._reading:
            if list_id not in self._archived:
                pages = self._pages(
                    f"/lists/{list_id}/members", "members", {"status": "archived", "fields": "members.id,total_items"}
                )
                self._archived[list_id] = frozenset(member["id"] for page in pages for member in page)
        return {address: _left("archived") for address in addresses if member_id(address) in self._archived[list_id]}

    def _put_on_list(self, audience: Audience, members: Sequence[Member]) -> dict[str, Reason]:
        if not members:
            return {}
        body = {
            "members": [
                {
                    "email_address": member.identifiers["email"],
                    "status": "subscribed",
                    "merge_fields": _merge_fields(member),
                }
                for member in members
            ],
            "update_existing": False,
        }
        answer = self._client.request("POST", f"/lists/{self._list(audience)}", json=body)
        return {
            error["email_address"].lower(): (error.get("error_code") or "ERROR_GENERIC", _field_text(error))
            for error in answer["errors"]
            if error.get("error_code") != EXISTS
        }

    def _put_tag(
        self, audience: Audience, addresses: Sequence[str], members: Mapping[str, list[Member]]
    ) -> dict[str, Reason]:
        if not addresses:
            return {}
        answer = self._client.request("POST", self._segment(audience), json={"members_to_add": list(addresses)})
        added = {member["email_address"].lower(): member for member in answer["members_added"]}
        silent = [address for address in addresses if address not in added]
        refused = self._look_up(audience, silent, added)
        left = [address for address, member in added.items() if member["status"] in LEFT]
        refused |= {address: _left(added[address]["status"]) for address in left}
        if left:
            self._client.request("POST", self._segment(audience), json={"members_to_remove": left})
        changed = {
            address: _differing(_merge_fields(members[address][0]), member.get("merge_fields", {}))
            for address, member in added.items()
            if address not in refused
        }
        return refused | self._set_all(audience, changed)

    def _look_up(self, audience: Audience, silent: Sequence[str], added: dict[str, Any]) -> dict[str, Reason]:
        """Class whom the tag call passed over in silence: tagged before (they join ``added``), left, or not there."""
        if len(silent) > LOOK_UPS:  # a call that is repeated: the whole tag is read in fewer calls
            added |= {address: member for address, member in self._tagged(audience) if address in set(silent)}
        refused: dict[str, Reason] = {}
        for address in (address for address in silent if address not in added):
            member = self._read_member(audience, address)
            if member is None:
                refused[address] = ("not_on_list", "the list does not hold this address")
            elif member["status"] in LEFT:
                refused[address] = _left(member["status"])
            elif any(str(tag["id"]) == audience.remote_id for tag in member["tags"]):
                added[address] = member
            else:
                refused[address] = ("tag_refused", "the platform did not put the tag on this member")
        return refused

    def _tagged(self, audience: Audience) -> Iterator[tuple[str, dict[str, Any]]]:
        shown = "members.email_address,members.status,members.merge_fields,total_items"
        everybody = {"include_cleaned": "true", "include_transactional": "true", "include_unsubscribed": "true"}
        for page in self._pages(f"{self._segment(audience)}/members", "members", {"fields": shown, **everybody}):
            yield from ((member["email_address"].lower(), member) for member in page)

    def _read_member(self, audience: Audience, address: str) -> dict[str, Any] | None:
        return self._found(self._member(audience, address), {"fields": "email_address,status,merge_fields,tags"})

    def _found(self, path: str, query: Mapping[str, Any] | None = None, method: str = "GET") -> dict[str, Any] | None:
        """What stands there; None when the platform says that nothing does."""
        try:
            return self._client.request(method, path, params=query)
        except FatalError as error:
            if error.code != "404":
                raise
            return None

    def _set_all(self, audience: Audience, fields: Mapping[str, Mapping[str, str]]) -> dict[str, Reason]:
        """Fields of some people by address: as many calls at once as the account may have, over all batches."""
        calls = [
            self._singly.submit(copy_context().run, self._set_fields, audience, address, given)
            for address, given in fields.items()
            if given
        ]
        try:
            return {address: reason for call in calls for address, reason in call.result().items()}
        finally:
            for call in calls:
                call.cancel()  # after a failure: nobody hears of those that have not begun
            wait(calls)

    def _set_fields(self, audience: Audience, address: str, fields: Mapping[str, str]) -> dict[str, Reason]:
        try:
            self._client.request("PATCH", self._member(audience, address), json={"merge_fields": dict(fields)})
        except AuthError:
            raise
        except FatalError as error:
            return {address: (error.code or "refused", "the platform refuses the member's fields")}
        return {}

    def _pages(self, path: str, name: str, query: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        offset = 0
        while True:
            page = self._client.request("GET", path, params={**query, "count": PAGE_SIZE, "offset": offset})
            yield page[name]
            offset += len(page[name])
            if not page[name] or offset >= page["total_items"]:
                return


def member_id(address: str) -> str:
    """Mailchimp's id of a member: MD5 of the lower-cased address."""
    return hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()


def _by_address(members: Sequence[Member]) -> dict[str, list[Member]]:
    """Members by lower-cased address: two persons may share one, the platform takes it once a call."""
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(member.identifiers["email"].lower(), []).append(member)
    return found


def _answer(by_address: Mapping[str, list[Member]], refused: Mapping[str, Reason]) -> Answer:
    return Answer(
        tuple(
            Exceptional(
                member.row,
                "retriable" if code == "tag_refused" else "rejected",
                code,
                text,
                absent=code == "archived",
            )
            for address, (code, text) in refused.items()
            for member in by_address.get(address, ())
        )
    )


def _merge_fields(member: Member) -> dict[str, str]:
    given = {**dict.fromkeys(member.cleared, ""), **{name: value for name, value in member.fields.items() if value}}
    return {tag: str(given[column]) for column, tag in MERGE_FIELDS.items() if column in given}


def _differing(wanted: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    return {tag: value for tag, value in wanted.items() if known.get(tag) != value}


def _left(status: str) -> tuple[str, str]:
    return status, f"the person is {status} at the platform; only they can come back"


def _field_text(error: Mapping[str, Any]) -> str:
    """The platform's own words quote the address, so only the field is told."""
    field = error.get("field")
    return f"the platform refuses the field {field}" if field else "the platform refuses the address"


def classify(response: requests.Response) -> AudienceflowError | None:
    """Mailchimp's error table. A 403 without JSON is its firewall saying "too many", not a refused key."""
    if response.status_code < 400:
        return None
    title = _title(response)
    if response.status_code == 429 or (response.status_code == 403 and title is None):
        return QuotaError(
            f"answered {response.status_code}: too many connections or calls.", code=str(response.status_code)
        )
    if response.status_code == 400 and title is not None:
        return FatalError(f"answered 400, {title}: the request is refused.", code=title)
    return by_status(response)


def _title(response: requests.Response) -> str | None:
    """The problem's title (a kind, never a value), or None when the body is no problem document."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return str(body.get("title", "")) if isinstance(body, dict) else None

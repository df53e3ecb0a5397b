"""HubSpot: a manual list as the audience.

Sources: HubSpot CRM API v3, contacts and lists, and its usage guidelines (read 2026-11-21). 100 contacts a batch; a
list takes record ids, not addresses, and ignores those that do not exist (it names them).
HubSpot is where the merchant keeps its people, and a source of ours. So what stands there is left alone: a contact that
exists is only put on the list. Who is no contact is made one, with address and name; only such contacts of our own
making get a changed name. Deleted contacts are not brought back, who opted out of all mail is refused, and lifecycle
stage, marketing status and consent are never written.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import requests

from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.errors import AudienceflowError, AuthError, BatchRefusedError, FatalError
from include.http_client import JsonClient
from include.limits import Limiter
from include.sources import hubspot as crm

CONTACTS, LISTS = "/crm/v3/objects/contacts", "/crm/v3/lists"
MAX_CONTACTS = 100  # the vendor's maximum of a batch of contacts
NAMES = {"first_name": "firstname", "last_name": "lastname"}
READ = ["email", *NAMES.values(), "hs_email_optout", "hs_object_source_id"]
BY_HAND = ("MANUAL", "SNAPSHOT")

Reason = tuple[str, str, Literal["rejected", "retriable"]]  # code, text and outcome of somebody who is left out
ARCHIVED: Reason = ("archived", "the contact was deleted at HubSpot, and is not brought back", "rejected")
OPTED_OUT: Reason = ("opted_out", "the person opted out of all mail at HubSpot", "rejected")
UNTOLD: Reason = ("no_answer_for_row", "HubSpot neither wrote nor refused this contact", "retriable")
GONE: Reason = ("record_missing", "the contact went away while it was put on the list", "retriable")


class HubSpotDestination:
    """Manual lists of one account.

    :param base_url: ``https://api.hubapi.com``, with any path prefix.
    :param token: of a private app that reads and writes contacts and lists.
    :param app_id: of that app: the contacts it made are known by it. Without, no contact is ever changed.
    """

    name = "hubspot"
    purpose: Literal["email", "ads"] = "email"
    identifiers = ("email",)
    fields = ("first_name", "last_name")
    identifier_version = 1
    field_version = 1
    batch_size = MAX_CONTACTS
    connections = 4  # the vendor sets no maximum; four keep up with 19 calls a second
    acknowledgement: Literal["row", "batch", "job", "none"] = "row"

    def __init__(
        self,
        base_url: str,
        token: str,
        app_id: str | None = None,
        *,
        tries: int = 5,
        limiter: Limiter | None = None,
    ) -> None:
        self._app_id = app_id
        self._client = JsonClient(
            base_url,
            headers={"Authorization": f"Bearer {token}"},
            classify=classify,
            tries=tries,
            connections=self.connections,
            limiter=limiter,
        )

    def open_audience(self, audience: Audience) -> str:
        """The manual list of that name, found or made.

        :raises FatalError: a list of that name is kept by rules of HubSpot's own.
        """
        name = quote(audience.key, safe="")
        found = self._found(f"{LISTS}/object-type-id/0-1/name/{name}")
        if found is None:
            body = {"name": audience.key, "objectTypeId": "0-1", "processingType": "MANUAL"}
            found = self._client.request("POST", LISTS, json=body, repeatable=False)
        if found["list"]["processingType"] not in BY_HAND:
            raise FatalError(
                f"hubspot: the list {audience.key!r} is an active list, which keeps itself; rename one of the two.",
                code="active_list",
            )
        return str(found["list"]["listId"])

    def has_audience(self, audience: Audience) -> bool:
        """Whether the list is still there."""
        found = self._found(f"{LISTS}/{audience.remote_id}")
        return found is not None and not found["list"].get("deletedAt")

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """The e-mail address, lower-cased as HubSpot keeps it."""
        address = (person["email"] or "").strip().lower()
        return {"email": address} if "@" in address else None

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Make contacts of those who are none, and put all on the list but those who are refused."""
        by_address = _by_address(members)
        contacts, missing = self._read(by_address)
        left_out = dict.fromkeys(self._read(missing, archived=True)[0], ARCHIVED) if missing else {}
        new = [by_address[address][0] for address in missing if address not in left_out]
        ids, refused = self._write(new) if new else ({}, {})
        left_out |= refused
        for address, contact in contacts.items():
            if contact["properties"].get("hs_email_optout") == "true":
                left_out[address] = OPTED_OUT
            else:
                ids[address] = contact["id"]
        self._rename([by_address[address][0] for address in contacts if address in ids], contacts)
        left_out |= self._join(audience, ids)
        return Answer(
            tuple(
                Exceptional(member.row, outcome, code, text, absent=code == ARCHIVED[0])
                for address, (code, text, outcome) in left_out.items()
                for member in by_address[address]
            )
        )

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """The same: names of contacts that we made follow, everybody stays on the list."""
        return self.add(audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Take them off the list; the contacts stay. Who is no contact (any more) is on no list."""
        contacts, _ = self._read(_by_address(members))
        ids = [contact["id"] for contact in contacts.values()]
        if ids:
            self._client.request("PUT", f"{LISTS}/{audience.remote_id}/memberships/remove", json=ids)
        return Answer()

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """Never asked: each answer names its rows."""
        return Answer()

    def check(self) -> Checked:
        """Read a contact's id and the name of a list."""
        self._client.request("GET", CONTACTS, params={"limit": "1", "properties": "createdate"})
        self._client.request("POST", f"{LISTS}/search", json={"count": 1, "offset": 0, "query": ""})
        mend = "names of contacts we made are not kept up: put the private app's id into the connection's extra, app_id"
        return Checked(
            f"HubSpot app {self._app_id or 'of the token'}",
            ("crm.objects.contacts.read", "crm.lists.read"),
            {"requests in 10 s": 190},
            missing=() if self._app_id else (mend,),
            quota=self._client.quota(),
        )

    def _read(self, addresses: Iterable[str], *, archived: bool = False) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """The contacts that have these addresses, and the addresses that no contact has."""
        asked = list(addresses)
        results, missing = self._batch_read(asked, archived)
        found = {(one["properties"].get("email") or "").lower(): one for one in results}
        found = {address: one for address, one in found.items() if address in set(asked)}
        for address in asked:  # a contact's second address: the answer shows the first, so it is asked about alone
            if address not in found and address not in missing and (alone := self._batch_read([address], archived)[0]):
                found[address] = alone[0]
        return found, [address for address in asked if address not in found]

    def _batch_read(self, addresses: Sequence[str], archived: bool) -> tuple[list[dict[str, Any]], set[str]]:
        """The contacts, and which addresses the platform says are nobody's."""
        body = {
            "inputs": [{"id": address} for address in addresses],
            "idProperty": "email",
            "properties": READ,
            "propertiesWithHistory": [],
        }
        query = {"archived": "true"} if archived else None
        told = self._client.request("POST", f"{CONTACTS}/batch/read", params=query, json=body)
        errors = told.get("errors", ())
        return told["results"], {
            str(address).lower() for error in errors for address in error.get("context", {}).get("ids", ())
        }

    def _write(self, members: Sequence[Member]) -> tuple[dict[str, str], dict[str, Reason]]:
        """Make or rename contacts: their ids, and who was refused. The rows are named by trace ids."""
        inputs = [
            {
                "idProperty": "email",
                "id": member.identifiers["email"],
                "objectWriteTraceId": str(member.row),
                "properties": _names(member),
            }
            for member in members
        ]
        told = self._client.request("POST", f"{CONTACTS}/batch/upsert", json={"inputs": inputs})
        rows = {str(member.row): member.identifiers["email"].lower() for member in members}
        ids = {
            rows[one["objectWriteTraceId"]]: str(one["id"])
            for one in told["results"]
            if one.get("objectWriteTraceId") in rows
        }
        refused = {
            rows[row]: _refusal(error)
            for error in told.get("errors", ())
            for row in error.get("context", {}).get("objectWriteTraceId", ())
            if row in rows
        }
        untold = {address: UNTOLD for address in rows.values() if address not in ids and address not in refused}
        return ids, {**refused, **untold}

    def _rename(self, members: Sequence[Member], contacts: Mapping[str, dict[str, Any]]) -> None:
        """Bring the names of contacts that we made up to date; a name that HubSpot refuses stays as it is."""
        ours = [
            member
            for member in members
            if self._app_id is not None
            and (held := contacts[member.identifiers["email"].lower()]["properties"])["hs_object_source_id"]
            == self._app_id
            and any((held.get(name) or "") != value for name, value in _names(member).items())
        ]
        if ours:
            self._write(ours)

    def _join(self, audience: Audience, ids: Mapping[str, str]) -> dict[str, Reason]:
        """Put records on the list; who went away meanwhile is tried again."""
        if not ids:
            return {}
        told = self._client.request("PUT", f"{LISTS}/{audience.remote_id}/memberships/add", json=[*ids.values()])
        missing = set(map(str, told["recordIdsMissing"]))
        return {address: GONE for address, id in ids.items() if id in missing}

    def _found(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        try:
            return self._client.request("GET", path, params=query)
        except FatalError as error:
            if error.code not in ("OBJECT_NOT_FOUND", "404"):
                raise
            return None


def _by_address(members: Sequence[Member]) -> dict[str, list[Member]]:
    """Members by lower-cased address: two persons may share one, a batch takes it once."""
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(member.identifiers["email"].lower(), []).append(member)
    return found


def _names(member: Member) -> dict[str, str]:
    """The properties of a contact that we make; the empty text clears one."""
    given = {**dict.fromkeys(member.cleared, ""), **member.fields}
    return {NAMES[column]: str(value) for column, value in given.items() if column in NAMES}


def _refusal(error: Mapping[str, Any]) -> Reason:
    """HubSpot's own words quote the value, so only the category is told."""
    category = str(error.get("category") or "refused").lower()
    return (category if category.replace("_", "").isalpha() else "refused", "HubSpot refuses this contact", "rejected")


def classify(response: requests.Response) -> AudienceflowError | None:
    """HubSpot's error table. A batch that is refused as a whole was not written: one row of it is to blame."""
    problem = crm.classify(response)
    if isinstance(problem, AuthError) and response.status_code == 403:
        scopes = "crm.objects.contacts.read and .write, crm.lists.read and .write"
        return AuthError(f"answered 403: the token lacks a scope; give the private app {scopes}.", code=problem.code)
    whole = response.status_code in (400, 409) and "/batch/upsert" in (
        response.request.path_url if response.request else ""
    )
    if whole and type(problem) is FatalError:
        return BatchRefusedError(f"{problem.args[0]}", code=problem.code)
    return problem

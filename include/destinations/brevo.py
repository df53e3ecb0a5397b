"""Brevo: a list in one folder as the audience.

Sources: Brevo API v3 (OpenAPI file of 2025-02), "Rate limits" and "Rate limit headers" (read 2026-11-21). An import
takes 10 MB (8 are advised) and is worked off later; it names no bad row and has no state for failure, so whoever was
imported is looked for on the list. A removal takes 150 addresses. Ten calls a second below ``/contacts``, 100 an HOUR
elsewhere, where the processes are: one call asks about all of them, and not more often than every ``poll_seconds``.
Nobody's blacklist is touched: no flag of it is ever sent. Whoever is on it, or left this list, is refused before the
call, for an import would put them on the list again. So would one that is at work while somebody is taken off: that
removal is done at once, and once more when the import is over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from include.brevo_api import RATES, api_root, classify, headers
from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.destinations.brevo_attributes import Attributes
from include.destinations.brevo_contacts import Contacts, Reason
from include.destinations.brevo_processes import Processes
from include.destinations.brevo_requests import imports
from include.errors import FatalError
from include.http_client import JsonClient
from include.limits import Limiter

MAX_ROWS = 10_000  # ours: the vendor limits bytes
MAX_REMOVED = 150  # the vendor's maximum a call
PAGE_SIZE = 50  # the vendor's maximum for folders and lists
OVER = "over"  # the job of a call whose result is known: confirmed without asking
AGAIN = "again:"  # before the imports a removal has to be repeated after
LOOK_UPS = 100  # people asked about one by one, of those an import left out


class BrevoDestination:
    """Lists in one folder of an account.

    :param base_url: ``https://api.brevo.com``, with any path prefix, with or without ``/v3``.
    :param token: the API key.
    :param folder: where lists are made; it is made when missing.
    :param poll_seconds: the least time between two questions about processes.
    """

    name = "brevo"
    purpose: Literal["email", "ads"] = "email"
    identifiers = ("email",)
    fields = ("first_name", "last_name")
    identifier_version = 1
    field_version = 1
    batch_size = MAX_ROWS
    connections = 1
    acknowledgement: Literal["row", "batch", "job", "none"] = "job"
    rates = RATES

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        folder: str = "audienceflow",
        tries: int = 5,
        limiter: Limiter | None = None,
        poll_seconds: float = 5.0,
    ) -> None:
        self._client = JsonClient(
            api_root(base_url), headers=headers(token), classify=classify, tries=tries, limiter=limiter
        )
        self._folder = folder
        self._contacts = Contacts(self._client)
        self._processes = Processes(self._client, poll_seconds)
        self._attributes = Attributes(self._client)

    def open_audience(self, audience: Audience) -> str:
        """The list of that name in the folder, found or made."""
        folder = self._found(self._pages("/contacts/folders", "folders"), self._folder)
        if folder is None:
            folder = self._client.request("POST", "/contacts/folders", json={"name": self._folder}, repeatable=False)
        lists = self._pages(f"/contacts/folders/{folder['id']}/lists", "lists")
        found = self._found(lists, audience.key)
        if found is None:
            body = {"name": audience.key, "folderId": folder["id"]}
            found = self._client.request("POST", "/contacts/lists", json=body, repeatable=False)
        return str(found["id"])

    def has_audience(self, audience: Audience) -> bool:
        """Whether the list is still there, also under another name or in another folder."""
        try:
            self._client.request("GET", f"/contacts/lists/{audience.remote_id}")
        except FatalError as error:
            if error.code != "document_not_found":
                raise
            return False
        return True

    def check(self) -> Checked:
        """The account the key opens; a missing attribute is made by the first sync, one of another type is told."""
        account = self._client.request("GET", "/account")
        limits = {"calls a second": 10, "calls an hour": 36_000, "calls an hour elsewhere": 100}
        quota = self._client.quota()
        unfit = self._attributes.unfit()
        return Checked(str(account.get("companyName", "")), limits=limits, missing=unfit, quota=quota)

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """The address as it is; Brevo lower-cases it."""
        return {"email": person["email"]} if person["email"] else None

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Import people onto the list, but whoever left it or is on the blacklist."""
        by_address = _by_address(members)
        refused = self._contacts.left(int(audience.remote_id or 0), by_address)
        wanted = [group[0] for address, group in by_address.items() if address not in refused]
        jobs = self._import(audience, wanted) if wanted else [OVER]
        return Answer(tuple(_exceptions(by_address, refused)), job_id=",".join(jobs))

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """The same import: it updates whom it finds. A missing value clears nothing unless the audience says so."""
        return self.add(audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Take people off the list; they stay contacts. Who is not on it is removed already."""
        by_address = _by_address(members)
        kept = self._remove(audience, list(by_address))
        job_id = OVER
        at_work = self._processes.imports_at_work()
        if at_work or at_work is None:  # one of them may bring somebody back
            job_id = AGAIN + ",".join(at_work or ["?"])
        return Answer(tuple(_exceptions(by_address, kept, "debt")), job_id=job_id)

    def _remove(self, audience: Audience, addresses: list[str]) -> dict[str, Reason]:
        """Take off; who is on the list all the same."""
        still: set[str] = set()
        for start in range(0, len(addresses), MAX_REMOVED):
            still |= self._take_off(audience, addresses[start : start + MAX_REMOVED])
        return dict.fromkeys(still, ("still_on_list", "the platform did not take the person off the list"))

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """Whether the imports are over; whom the list holds then is told by :meth:`confirm_members`."""
        ids = job_id.removeprefix(AGAIN)
        if ids == "?":
            return Answer(job_id=job_id) if self._processes.imports_at_work() == [] else None
        return Answer(job_id=job_id) if job_id == OVER or self._processes.are_over(ids.split(",")) else None

    def confirm_members(
        self, audience: Audience, job_id: str, members: Callable[[], Sequence[Member]]
    ) -> Answer | None:
        """When the imports are over: who of the people is not on the list, and why; of a removal, who is."""
        answer = self.confirm(audience, job_id)
        if answer is None or job_id == OVER:
            return answer
        by_address = _by_address(members())
        if job_id.startswith(AGAIN):
            kept = self._remove(audience, list(by_address))
            return Answer(tuple(_exceptions(by_address, kept, "debt")), job_id=job_id)
        missing = set(by_address) - self._contacts.on_list(str(audience.remote_id), by_address)
        nobody = len(missing) == len(by_address)
        asked = dict.fromkeys(sorted(missing)[:LOOK_UPS])
        reasons = {address: self._why_missing(address, nobody) for address in asked}
        rest: Reason = ("not_on_list", "the import did not put the person on the list")
        exceptions = _exceptions(by_address, {address: reasons.get(address, rest) for address in missing})
        return Answer(tuple(exceptions), job_id=job_id)

    def _why_missing(self, address: str, nobody: bool) -> Reason:
        """A refused address is refused for good; an import that left out everybody has failed and is made again."""
        found = self._contacts.known(address)
        if found == "refused":
            return "address_refused", "the platform does not take the address"
        if found == "unknown" and not nobody:
            return "not_imported", "the import left the person out"
        return "not_on_list", "the import did not put the person on the list"

    def _import(self, audience: Audience, members: Sequence[Member]) -> list[str]:
        self._attributes.make()
        jobs = []
        for clears, rows in imports(members):
            body = {
                "jsonBody": rows,
                "listIds": [int(audience.remote_id or 0)],
                "updateExistingContacts": True,
                "emptyContactsAttributes": clears,
                "disableNotification": True,
            }
            jobs.append(str(self._client.request("POST", "/contacts/import", json=body)["processId"]))
        return jobs

    def _take_off(self, audience: Audience, addresses: list[str]) -> set[str]:
        """Take off; who is on the list all the same. One address the platform does not like refuses the whole call."""
        where = f"/contacts/lists/{audience.remote_id}/contacts/remove"
        try:
            answer = self._client.request("POST", where, json={"emails": addresses})
        except FatalError as error:
            if error.code != "invalid_parameter":  # which is also "none of them is on the list"
                raise
            still = self._contacts.on_list(str(audience.remote_id), addresses, fresh=True)
            if not still or len(addresses) == 1:
                return still
            middle = len(addresses) // 2
            return self._take_off(audience, addresses[:middle]) | self._take_off(audience, addresses[middle:])
        failed = [str(one).lower() for one in answer["contacts"].get("failure") or ()]
        return self._contacts.on_list(str(audience.remote_id), failed, fresh=True) if failed else set()

    def _pages(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            query = {"limit": PAGE_SIZE, "offset": offset, "sort": "asc"}
            page = self._client.request("GET", path, params=query)
            found = page.get(name) or []
            yield from found
            offset += len(found)
            if not found or offset >= page["count"]:
                return

    @staticmethod
    def _found(every: Iterable[dict[str, Any]], name: str) -> dict[str, Any] | None:
        return next((one for one in every if one["name"] == name), None)


def _by_address(members: Sequence[Member]) -> dict[str, list[Member]]:
    """Members by lower-cased address: two persons may share one."""
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(member.identifiers.get("email", "").lower(), []).append(member)
    return found


def _exceptions(
    by_address: Mapping[str, list[Member]],
    reasons: Mapping[str, Reason],
    outcome: Literal["rejected", "debt"] = "rejected",
) -> Iterator[Exceptional]:
    for address, (code, text) in reasons.items():
        become = "retriable" if code == "not_on_list" else outcome
        yield from (Exceptional(member.row, become, code, text) for member in by_address[address])

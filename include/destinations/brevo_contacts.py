"""What Brevo knows of people: who is on a list, who is on the blacklist, who left a list.

There is no call that asks about many addresses. So either all are read, page by page, or each is asked about by itself,
whichever takes fewer calls. Of what was read only numbers are kept (64-bit hashes, some 60 MB a million people).
"""

from collections.abc import Collection, Iterable, Iterator
from threading import Lock
from typing import Any, Literal
from urllib.parse import quote

from include.errors import AudienceflowError, FatalError
from include.http_client import JsonClient

CONTACTS_A_PAGE = 1000  # the vendor's maxima
MEMBERS_A_PAGE = 500

Reason = tuple[str, str]  # code and text of why somebody is refused
BLACKLISTED: Reason = ("blacklisted", "the person is on the platform's blacklist; only they can come back")
LEFT: Reason = ("unsubscribed", "the person left this list at the platform; only they can come back")


class Contacts:
    """The account's contacts, for the time of one sync."""

    def __init__(self, client: JsonClient) -> None:
        self._client = client
        self._reading = Lock()
        self._gone: dict[str, tuple[bool, frozenset[int]]] | None = None
        self._listed: dict[str, set[int]] = {}

    def left(self, list_id: int, addresses: Collection[str]) -> dict[str, Reason]:
        """Who of these is on the blacklist, or unsubscribed from the list, with the reason."""
        with self._reading:
            gone = self._gone
            if gone is None:
                gone = self._read_gone(addresses)
        found = {address: gone[address] for address in addresses if address in gone}
        refused = {address: BLACKLISTED for address, (blacklisted, _) in found.items() if blacklisted}
        return {address: LEFT for address, (_, lists) in found.items() if list_id in lists} | refused

    def on_list(self, list_id: str, addresses: Collection[str], *, fresh: bool = False) -> set[str]:
        """Who of these is on the list. What was read before is believed of those it shows there, unless ``fresh``."""
        with self._reading:
            known = set() if fresh else self._listed.get(list_id, set())
            unseen = [address for address in addresses if hash(address) not in known]
            if not unseen:
                return set(addresses)
            return (set(addresses) - set(unseen)) | self._read_list(list_id, unseen)

    def known(self, address: str) -> Literal["known", "unknown", "refused"]:
        """Whether there is such a contact, or the platform takes the address for none at all."""
        try:
            found = self._read(address)
        except FatalError as error:
            if error.code != "invalid_parameter":
                raise
            return "refused"
        return "known" if found else "unknown"

    def _read_gone(self, addresses: Collection[str]) -> dict[str, tuple[bool, frozenset[int]]]:
        pages = self._pages("/contacts", CONTACTS_A_PAGE)
        count, contacts = next(pages)
        if _pages_left(count, CONTACTS_A_PAGE) > len(addresses):
            return dict(_gone(filter(None, (self._read_if_valid(address) for address in addresses))))
        self._gone = dict(_gone(contacts))
        for _, contacts in pages:
            self._gone |= dict(_gone(contacts))
        return self._gone

    def _read_list(self, list_id: str, unseen: Collection[str]) -> set[str]:
        pages = self._pages(f"/contacts/lists/{list_id}/contacts", MEMBERS_A_PAGE)
        count, contacts = next(pages)
        if _pages_left(count, MEMBERS_A_PAGE) > len(unseen):
            found = {address: self._read_if_valid(address) for address in unseen}
            return {address for address, one in found.items() if one and int(list_id) in one["listIds"]}
        read = {hash(one["email"].lower()) for one in contacts if one.get("email")}
        for _, contacts in pages:
            read |= {hash(one["email"].lower()) for one in contacts if one.get("email")}
        self._listed[list_id] = read
        return {address for address in unseen if hash(address) in read}

    def _pages(self, path: str, size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """The oldest first, so that what is added meanwhile moves nobody to another page."""
        offset = 0
        while True:
            page = self._client.request("GET", path, params={"limit": size, "offset": offset, "sort": "asc"})
            contacts = page.get("contacts") or []
            yield int(page["count"]), contacts
            offset += len(contacts)
            if not contacts or offset >= page["count"]:
                return

    def _read_if_valid(self, address: str) -> dict[str, Any] | None:
        try:
            return self._read(address)
        except FatalError as error:
            if error.code != "invalid_parameter":
                raise
            return None

    def _read(self, address: str) -> dict[str, Any] | None:
        path = f"/contacts/{quote(address, safe='')}"
        try:
            return self._client.request("GET", path, params={"identifierType": "email_id"})
        except FatalError as error:
            if error.code == "document_not_found":
                return None
            raise _without(path, error) from None
        except AudienceflowError as error:
            raise _without(path, error) from None


def _gone(contacts: Iterable[dict[str, Any]]) -> Iterator[tuple[str, tuple[bool, frozenset[int]]]]:
    for one in contacts:
        left = frozenset(one.get("listUnsubscribed") or ())
        if one.get("email") and (one["emailBlacklisted"] or left):
            yield one["email"].lower(), (bool(one["emailBlacklisted"]), left)


def _pages_left(count: int, size: int) -> int:
    return max(0, -(-count // size) - 1)


def _without(path: str, error: AudienceflowError) -> AudienceflowError:
    """The error with a text that names nobody: the path has the address."""
    error.args = (str(error.args[0]).replace(path, "/contacts/{identifier}"),)
    return error

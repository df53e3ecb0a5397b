"""Brevo's contact attributes: values of one that the account does not have would be dropped in silence."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from include.errors import FatalError
from include.http_client import JsonClient

ATTRIBUTES = {"first_name": "FIRSTNAME", "last_name": "LASTNAME"}  # by column


class Attributes:
    """Those we fill, made before the first import of a sync."""

    def __init__(self, client: JsonClient) -> None:
        self._client = client
        self._are_there = False

    def make(self) -> None:
        """Make those the account does not have.

        :raises FatalError: there is one of that name and another type.
        """
        if self._are_there:
            return
        every = self._every()
        for complaint in _unfit(every):
            raise FatalError(complaint, code="attribute_type")
        there = {one["name"].upper() for one in every}
        for name in (name for name in ATTRIBUTES.values() if name not in there):
            self._make(name)
        self._are_there = True

    def _make(self, name: str) -> None:
        try:
            self._client.request("POST", f"/contacts/attributes/normal/{name}", json={"type": "text"})
        except FatalError as error:
            if error.code != "duplicate_parameter":  # made meanwhile, or by a call whose answer was lost
                raise

    def unfit(self) -> tuple[str, ...]:
        """What is wrong with those there are: a sentence each, with its mend."""
        return tuple(_unfit(self._every()))

    def _every(self) -> list[dict[str, Any]]:
        return self._client.request("GET", "/contacts/attributes")["attributes"]


def _unfit(every: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for one in every:
        if one["name"].upper() in ATTRIBUTES.values() and one.get("type", "text") != "text":
            yield (
                f"The contact attribute {one['name']} is of type {one['type']} and would drop names in silence: "
                "rename it in Brevo, under Contacts, Settings, Contact attributes."
            )

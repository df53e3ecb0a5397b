"""What goes to Klaviyo and comes back, as plain values: parts of an import, filters, pointers, the error table."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote

import orjson
import requests

from include.destinations.base import Exceptional, Member
from include.errors import AudienceflowError, AuthError, BatchRefusedError
from include.http_client import by_status

MAX_PROFILES = 10_000  # the vendor's maximum of an import
MAX_BYTES = 4_990_000  # of an import's profiles; the vendor's maximum is 5 MB with the frame around them
MAX_IDS = 1_000  # the vendor's maximum of a change of a list's members
MAX_VALUES = 100  # addresses asked about at once: as many as fit on a page of profiles
MAX_FILTER = 5_000  # characters of them in the URL
PLACE = {"city": "city", "region": "region", "country": "country", "postcode": "zip"}
_POINTER = re.compile(r"^/data/attributes/profiles/data/(\d+)(?:/|$)")


class ProfilesRefusedError(BatchRefusedError):
    """An import was refused for these profiles, by their place in the request; nothing was imported."""

    def __init__(self, message: str, places: Mapping[int, str]) -> None:
        super().__init__(message, code="invalid")
        self.places = places


def quoted(value: str) -> str:
    """A value in a filter: in double quotes, escaped as JSON."""
    return orjson.dumps(value).decode()


def addresses(members: Iterable[Member]) -> list[str]:
    return [member.identifiers["email"] for member in members]


def groups(values: Sequence[str]) -> Iterator[list[str]]:
    """Values for one filter each: neither too many nor too long a URL."""
    group: list[str] = []
    length = 0
    for value in values:
        size = len(quote(quoted(value))) + 3
        if group and (len(group) == MAX_VALUES or length + size > MAX_FILTER):
            yield group
            group, length = [], 0
        group.append(value)
        length += size
    if group:
        yield group


def profile(member: Member) -> dict[str, Any]:
    """The profile of an import: what is to be cleared is null, what is not named stays as it is."""
    known = {**dict.fromkeys(member.cleared), **member.fields}
    attributes: dict[str, Any] = {"email": member.identifiers["email"]}
    attributes |= {name: known[name] for name in ("first_name", "last_name") if name in known}
    place = {PLACE[name]: value for name, value in known.items() if name in PLACE}
    if place:
        attributes["location"] = place
    return {"type": "profile", "attributes": attributes}


def parts(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Members for one import each: it may carry so many bytes."""
    part: list[Member] = []
    length = 0
    for member in members:
        size = len(orjson.dumps(profile(member))) + 1
        if part and length + size > MAX_BYTES:
            yield part
            part, length = [], 0
        part.append(member)
        length += size
    if part:
        yield part


def import_body(list_id: str, members: Sequence[Member]) -> dict[str, Any]:
    """An import of these members onto the list."""
    return {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": [profile(member) for member in members]}},
            "relationships": {"lists": {"data": [{"type": "list", "id": list_id}]}},
        }
    }


def spans(given: Iterable[int]) -> str:
    """Rows in rising order as text: ``0-16,18-9999``. What was imported is known by it, whatever ended the process."""
    runs = [list(run) for _, run in groupby(enumerate(given), lambda pair: pair[1] - pair[0])]
    return ",".join(f"{run[0][1]}-{run[-1][1]}" if len(run) > 1 else str(run[0][1]) for run in runs)


def rows(text: str) -> list[int]:
    """The rows that ``spans`` wrote."""
    bounds = [[int(bound) for bound in span.split("-")] for span in text.split(",")]
    return [row for span in bounds for row in range(span[0], span[-1] + 1)]


def again(given: Iterable[int], why: str, text: str) -> list[Exceptional]:
    """All of these rows, to be sent once more."""
    return [Exceptional(row, "retriable", why, text) for row in given]


def suppression(found: Mapping[str, Any], list_id: str) -> str | None:
    """Why the profile may not be written to, for all mail or for this list; None when it may."""
    email = (found["attributes"].get("subscriptions") or {}).get("email") or {}
    marketing = email.get("marketing") or {}
    of_list = [one for one in marketing.get("list_suppressions") or () if one["list_id"] == list_id]
    reasons = [one.get("reason") for one in (*(marketing.get("suppression") or ()), *of_list)]
    return code(reasons[0]) if reasons else None


def place_of(error: Mapping[str, Any]) -> int | None:
    """Which profile of the request an error is about, by its pointer."""
    found = _POINTER.match((error.get("source") or {}).get("pointer") or "")
    return int(found[1]) if found else None


def code(given: Any) -> str:
    """A code of the platform, if it is one: never a text, which may quote a value."""
    return given.lower() if isinstance(given, str) and re.fullmatch(r"[A-Za-z_.-]{1,60}", given) else "refused"


def classify(response: requests.Response) -> AudienceflowError | None:
    """Klaviyo's error table. https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling"""
    if response.status_code < 400:
        return None
    told = _errors(response)
    if response.status_code == 400 and told:
        places = {place: code(one.get("code")) for one in told if (place := place_of(one)) is not None}
        if places:
            return ProfilesRefusedError(f"answered 400: {len(places)} profiles are refused.", places)
        pointers = [(one.get("source") or {}).get("pointer") or "" for one in told]
        if any(pointer.startswith("/data/attributes/profiles") for pointer in pointers):
            return BatchRefusedError("answered 400: some profile is refused.", code=code(told[0].get("code")))
    if response.status_code == 403:
        return AuthError("answered 403: the key lacks a scope (lists and profiles, read and write).", code="403")
    return by_status(response)


def _errors(response: requests.Response) -> list[dict[str, Any]]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return []
    found = body.get("errors") if isinstance(body, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

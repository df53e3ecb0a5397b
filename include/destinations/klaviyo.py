"""Klaviyo: a list as the audience, filled by bulk imports and emptied by profile ids.

Source: Klaviyo API, revision 2026-07-15 (OpenAPI file and guides read 2026-11-21). An import takes 10,000 profiles and
5 MB; what is wrong with the form of one refuses the request with pointers, and nothing is imported: the others are sent
again without it. What is found out later is told row by row when the job has ended. A list takes 1,000 profile ids a
call. An import changes no consent and lifts no suppression; who may not be written to is refused here, and the calls
that subscribe, unsubscribe, suppress or unsuppress are never made: with a wrong list they do so globally.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from include.destinations import klaviyo_requests as wire
from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.destinations.klaviyo_requests import MAX_IDS, MAX_PROFILES, ProfilesRefusedError
from include.errors import FatalError
from include.http_client import JsonClient
from include.klaviyo_api import JOBS, MEDIA_TYPE, api_root, cursor, headers
from include.limits import Limiter

PAGE_SIZE = 100
_MARKETING = "subscriptions.email.marketing"

Reason = tuple[str, str]  # code and text of why somebody is refused


class KlaviyoDestination:
    """Lists of one account.

    :param base_url: ``https://a.klaviyo.com``, with any path prefix.
    :param token: a private key with lists and profiles, read and write.
    """

    name = "klaviyo"
    purpose: Literal["email", "ads"] = "email"
    identifiers = ("email",)
    fields = ("first_name", "last_name", "country", "region", "city", "postcode")
    identifier_version = 1
    field_version = 1
    batch_size = MAX_PROFILES
    connections = 5  # the vendor sets no maximum; each import may be 5 MB, and ten a second are taken
    acknowledgement: Literal["row", "batch", "job", "none"] = "job"

    def __init__(self, base_url: str, token: str, *, tries: int = 5, limiter: Limiter | None = None) -> None:
        self._client = JsonClient(
            api_root(base_url),
            headers=headers(token),
            classify=wire.classify,
            tries=tries,
            connections=self.connections,
            limiter=limiter,
        )

    def open_audience(self, audience: Audience) -> str:
        """The oldest list of that name, or a new one."""
        query = {"filter": f"equals(name,{wire.quoted(audience.key)})", "sort": "created", "fields[list]": "name"}
        found = self._client.request("GET", "/lists", params=query)["data"]
        if found:
            return str(found[0]["id"])
        body = {"data": {"type": "list", "attributes": {"name": audience.key}}}
        return str(self._write("POST", "/lists", body, repeatable=False)["data"]["id"])

    def has_audience(self, audience: Audience) -> bool:
        """Whether the list is still there."""
        return self._found(f"/lists/{audience.remote_id}", {"fields[list]": "name"}) is not None

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """The e-mail address, lower-cased as Klaviyo keeps it."""
        address = (person["email"] or "").strip().lower()
        return {"email": address} if "@" in address else None

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Import the profiles onto the list; whoever may not be written to is left out and named."""
        refused = self._suppressed(audience, members)
        jobs: list[str] = []
        for part in wire.parts([member for member in members if member.row not in refused]):
            job = self._import(audience, part, refused)
            jobs += [job] if job else []
        exceptions = tuple(Exceptional(row, "rejected", code, text) for row, (code, text) in sorted(refused.items()))
        return Answer(exceptions, job_id=" ".join(jobs) or None)

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """The same: an import changes the fields it names, and keeps on the list who is on it."""
        return self.add(audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Take the profiles off the list; who is no profile or not on it is removed already.

        An import into the list that is still at work may bring them back: then everybody is also tried again later.
        """
        at_work = self._imports_at_work(audience)
        ids = [profile["id"] for profile in self._profiles(wire.addresses(members), {"fields[profile]": "email"})]
        for start in range(0, len(ids), MAX_IDS):
            body = {"data": [{"type": "profile", "id": id} for id in ids[start : start + MAX_IDS]]}
            self._write("DELETE", f"/lists/{audience.remote_id}/relationships/profiles", body)
        text = "an earlier import into this list is still being worked off and may bring the person back"
        return Answer(
            tuple(Exceptional(member.row, "retriable", "import_at_work", text) for member in members) if at_work else ()
        )

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """The rows that the imports of one call left out; None while one of them is still at work."""
        exceptions: list[Exceptional] = []
        for one in job_id.split():
            id, _, spans = one.partition("@")
            told = self._left_out(id, wire.rows(spans))
            if told is None:
                return None
            exceptions += told
        return Answer(tuple(exceptions), job_id=job_id)

    def check(self) -> Checked:
        """Read a little of all that a sync reads. What a key may write, Klaviyo does not say."""
        self._client.request("GET", "/lists", params={"page[size]": "1", "fields[list]": "name"})
        self._client.request("GET", "/profiles", params={"page[size]": "1", "fields[profile]": "created"})
        self._client.request("GET", JOBS, params={"page[size]": "1"})
        return Checked("Klaviyo account of the key", ("lists:read", "profiles:read"), {"imports a minute": 150},
                       quota=self._client.quota())

    def _suppressed(self, audience: Audience, members: Sequence[Member]) -> dict[int, Reason]:
        """Who may not be written to, by row: suppressed for all mail, or for this list."""
        shown = {"fields[profile]": f"email,{_MARKETING}", "additional-fields[profile]": "subscriptions"}
        reasons: dict[str, str] = {}
        for profile in self._profiles(wire.addresses(members), shown):
            if (reason := wire.suppression(profile, str(audience.remote_id))) is not None:
                reasons[profile["attributes"]["email"].lower()] = reason
        text = "the person may not be written to at Klaviyo; only they can change that"
        return {
            member.row: (reasons[address], text)
            for member in members
            if (address := member.identifiers["email"].lower()) in reasons
        }

    def _import(self, audience: Audience, members: Sequence[Member], refused: dict[int, Reason]) -> str | None:
        """One job, written as ``<id>@<rows>``; profiles that the platform refuses at once join ``refused``."""
        rest = list(members)
        while rest:
            try:
                job = self._write("POST", JOBS, wire.import_body(str(audience.remote_id), rest))
            except ProfilesRefusedError as error:
                text = "Klaviyo refuses the form of this profile"
                refused.update({rest[place].row: (code, text) for place, code in error.places.items()})
                rest = [member for place, member in enumerate(rest) if place not in error.places]
            else:
                return f"{job['data']['id']}@{wire.spans(member.row for member in rest)}"
        return None

    def _left_out(self, id: str, rows: Sequence[int]) -> list[Exceptional] | None:
        """Of one job the rows it left out; None while it is at work."""
        shown = {"fields[profile-bulk-import-job]": "status,created_at,total_count,failed_count"}
        job = self._found(f"{JOBS}/{id}", shown)
        if job is None:
            return wire.again(rows, "job_gone", "Klaviyo no longer knows the import, so its result is not known")
        status, failed = job["data"]["attributes"]["status"], job["data"]["attributes"].get("failed_count") or 0
        if status not in ("complete", "cancelled"):
            return None
        if status == "cancelled":
            return wire.again(rows, "job_cancelled", "Klaviyo cancelled the import")
        if not failed:
            return []
        places = self._errors(id)
        if len(places) < failed or any(place >= len(rows) for place in places):
            return wire.again(rows, "errors_unclear", "Klaviyo left people out and does not say whom")
        text = "Klaviyo could not import this profile"
        return [Exceptional(rows[place], "rejected", code, text) for place, code in sorted(places.items())]

    def _errors(self, id: str) -> dict[int, str]:
        """Codes of a job's errors by place in the request. The profiles as they were sent are not asked for."""
        query = {"fields[import-error]": "code,title,detail,source", "page[size]": str(PAGE_SIZE)}
        told = (one["attributes"] for one in self._pages(f"{JOBS}/{id}/import-errors", query))
        return {place: wire.code(one.get("code")) for one in told if (place := wire.place_of(one)) is not None}

    def _imports_at_work(self, audience: Audience) -> bool:
        query = {"filter": 'any(status,["queued","processing"])', "page[size]": str(PAGE_SIZE)}
        for job in self._pages(JOBS, query):
            lists = job.get("relationships", {}).get("lists", {}).get("data")
            if lists is None or any(one["id"] == audience.remote_id for one in lists):
                return True
        return False

    def _profiles(self, addresses: Iterable[str], shown: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The profiles that have these addresses."""
        for group in wire.groups(sorted(set(addresses))):
            query = {"filter": f"any(email,[{','.join(map(wire.quoted, group))}])", "page[size]": str(PAGE_SIZE)}
            yield from self._pages("/profiles", {**query, **shown})

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            page = self._client.request("GET", path, params={**query, **({"page[cursor]": after} if after else {})})
            yield from page["data"]
            following = cursor((page.get("links") or {}).get("next"))
            if following is None:
                return
            if following == after:
                raise FatalError(f"GET {path}: a page came back twice; paging would never end.")
            after = following

    def _found(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        try:
            return self._client.request("GET", path, params=query)
        except FatalError as error:
            if error.code != "404":
                raise
            return None

    def _write(self, method: str, path: str, body: Any, *, repeatable: bool = True) -> Any:
        return self._client.request(
            method, path, json=body, headers={"Content-Type": MEDIA_TYPE}, repeatable=repeatable
        )

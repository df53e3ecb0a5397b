"""Google Ads user lists through the Data Manager API: people added and removed by hashed identifiers.

Sources: Data Manager API v1, discovery document of 2026-11-06; guides "Send audience members", "Format user data"
(read 2026-11). At most 10,000 members a request, 10 identifiers a member, 300 requests a minute a Cloud project.
Consent is sent with each member. A member is found by e-mail, by phone or by name and address, each by itself: so a
removal names all three as they were SENT, and the address is part of what names a person here, not a field that
follows changes. A list forgets people after its membership duration (540 days at most), whatever the ledger says.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from include.destinations import google_api as api
from include.destinations import normalise_google as normal
from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.destinations.hashing import sha256_hex
from include.errors import ConfigError, FatalError, RejectedRow
from include.limits import Limiter

MAX_MEMBERS = 10_000  # the vendor's maximum a request
MAX_MEMBERSHIP_DAYS = 540
DAY = 86_400
PAGE_SIZE = 1000
ACCEPTED = "ACCEPTED"
IMMUTABLE = {"SENSITIVE_USER_LIST_IMMUTABLE", "USER_LIST_MUTATION_NOT_SUPPORTED", "OWNERSHIP_REQUIRED_FOR_UPDATE"}
UNREADABLE = "PROCESSING_ERROR_REASON_INVALID_FORMAT"  # such a record is not in the list, and thus removed already
KEYS = {"email": "emailAddress", "phone": "phoneNumber"}
TERMS_SERVED = {"customerMatchTermsOfServiceStatus": ACCEPTED}

Encoding = Literal["HEX", "BASE64"]


class GoogleDestination:
    """User lists of one Google Ads account.

    :param base_url: ``https://datamanager.googleapis.com``, with any path prefix.
    :param secret: a service account's key file, or an access token.
    :param account_id: of the Google Ads account, with or without hyphens.
    :param terms: ``ACCEPTED`` when the merchant has accepted the Customer Match terms of service.
    :param login_account_id: of the manager account the credentials belong to, if they do not to the account itself.
    :param encoding: how hashes go over the wire.
    :param validate: members are only validated by the platform, not changed; nobody is acknowledged.
    :raises ConfigError: the terms are not accepted: nothing may be sent.
    """

    name = "google"
    purpose: Literal["email", "ads"] = "ads"
    identifiers = ("email", "phone")
    fields: tuple[str, ...] = ()
    identifier_version = 1
    field_version = 1
    batch_size = MAX_MEMBERS
    connections = api.CONNECTIONS
    acknowledgement: Literal["row", "batch", "job", "none"] = "job"

    def __init__(
        self,
        base_url: str,
        secret: str,
        account_id: str,
        *,
        terms: str = "",
        login_account_id: str | None = None,
        encoding: Encoding = "HEX",
        validate: bool = False,
        tries: int = 5,
        limiter: Limiter | None = None,
    ) -> None:
        if terms != ACCEPTED:
            raise ConfigError(
                "Google takes no member unless the Customer Match terms of service are accepted: read "
                "https://support.google.com/adspolicy/answer/6299717, then put "
                '{"customer_match_terms": "ACCEPTED"} into the connection\'s extra.'
            )
        if encoding not in ("HEX", "BASE64"):
            raise ConfigError(f"Google's encoding is HEX or BASE64, not {encoding!r}; correct the connection's extra.")
        self._account = api.Account(account_id, login_account_id)
        self._encoding = encoding
        self._validate = validate
        self._client = api.make_client(base_url, secret, tries=tries, limiter=limiter)

    def check(self) -> Checked:
        """Whether the credentials open the account's user lists; a service account's key does not end."""
        self._call("GET", f"{self._account.path}/userLists", params={"pageSize": 1})
        limits = {"calls a minute": 300, "calls a day": 100_000, "members a call": MAX_MEMBERS}
        return Checked(api.digits(self._account.operating_id), (api.SCOPE,), limits)

    def open_audience(self, audience: Audience) -> str:
        """The list the option ``list_id`` names, else the one of that name, else a new one.

        :raises ConfigError: ``membership_days`` is none the platform takes, or the list cannot take contacts.
        """
        if audience.options.get("list_id"):
            return self._usable(self._read(str(audience.options["list_id"])))
        quoted = audience.key.replace("\\", "\\\\").replace('"', '\\"')
        token: str | None = None
        while True:
            query = {"filter": f'display_name = "{quoted}"', "pageSize": PAGE_SIZE} | (
                {"pageToken": token} if token else {}
            )
            page = self._call("GET", f"{self._account.path}/userLists", params=query) or {}
            for found in page.get("userLists", ()):
                if found.get("displayName") == audience.key:
                    return self._usable(found)
            if not page.get("nextPageToken"):
                return self._create(audience)
            if page["nextPageToken"] == token:
                raise FatalError("A page of user lists came back twice; paging would never end.")
            token = page["nextPageToken"]

    def _create(self, audience: Audience) -> str:
        days = audience.options.get("membership_days", MAX_MEMBERSHIP_DAYS)
        if not isinstance(days, int) or not 0 < days <= MAX_MEMBERSHIP_DAYS:
            raise ConfigError(
                f"{audience.segment}: membership_days at google is {days!r}; write whole days from 1 to "
                f"{MAX_MEMBERSHIP_DAYS}."
            )
        body = {
            "displayName": audience.key,
            "membershipDuration": f"{days * DAY}s",
            "ingestedUserListInfo": {
                "uploadKeyTypes": ["CONTACT_ID"],
                "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
            },
        }
        if audience.options.get("description"):
            body["description"] = audience.options["description"]
        made = self._call("POST", f"{self._account.path}/userLists", json=body, repeatable=False)
        return str(made["id"])

    def _usable(self, found: Mapping[str, Any]) -> str:
        kinds = found.get("ingestedUserListInfo", {}).get("uploadKeyTypes", ())
        if "CONTACT_ID" not in kinds or found.get("readOnly"):
            raise ConfigError(
                f"Google's user list {found['id']} takes no contacts (its upload keys are "
                f"{', '.join(kinds) or 'none'}); name another audience or list_id in the segment's file."
            )
        return str(found["id"])

    def has_audience(self, audience: Audience) -> bool:
        """Whether the list is there, also when somebody renamed it."""
        try:
            self._read(str(audience.remote_id))
        except ConfigError:
            return False
        return True

    def _read(self, list_id: str) -> Mapping[str, Any]:
        try:
            return self._call("GET", f"{self._account.path}/userLists/{list_id}")
        except FatalError as error:
            if error.code not in ("NOT_FOUND", "INVALID_USER_LIST_ID"):
                raise
            raise ConfigError(
                f"Google Ads has no user list {list_id} in this account; correct list_id in the segment's file.",
                code="NOT_FOUND",
            ) from None

    def _call(self, method: str, path: str, **call: Any) -> Any:
        return self._client.request(method, path, headers=self._account.headers, **call)

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """Hashes of e-mail and phone, and ``address``: name, region and postal code where all are known.

        A value that is a hash already is refused, its column is declared raw.
        """
        return identify(person)

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Make the members members, each with the consent that put them into the batch."""
        body = {"encoding": self._encoding, "termsOfService": TERMS_SERVED}
        return self._send("/v1/audienceMembers:ingest", audience, members, body, "rejected")

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """The same call."""
        return self.add(audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Remove whom the identifiers find that were sent; whom Google refuses to remove is a debt.

        A record that Google cannot even read is not in the list, and thus removed already.
        """
        body = {"encoding": self._encoding}
        try:
            return self._send("/v1/audienceMembers:remove", audience, members, body, "debt")
        except FatalError as error:
            if error.code not in IMMUTABLE:
                raise
            text = "Google refuses every change of this list"
            return Answer(tuple(Exceptional(member.row, "debt", error.code.lower(), text) for member in members))

    def _send(
        self,
        path: str,
        audience: Audience,
        members: Sequence[Member],
        body: Mapping[str, Any],
        refusal: Literal["rejected", "debt"],
    ) -> Answer:
        whole = {
            **body,
            "destinations": [self._account.destination(str(audience.remote_id))],
            "validateOnly": self._validate,
        }
        consent = {"consent": api.GRANTED} if refusal == "rejected" else {}
        records = {
            member.row: {"userData": user_data(member.identifiers, self._encoding), **consent} for member in members
        }
        answer, refused = api.send(self._client, path, whole, "audienceMembers", records)
        exceptions = api.refusals(refused, refusal) if refusal == "rejected" else ()
        if self._validate:
            exceptions += api.only_validated(records.keys() - refused.keys())
        job = f"{refusal}:{answer.job_id}" if answer.job_id else None
        return Answer(exceptions, job_id=job, request_id=answer.request_id)

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """What became of a request's records; None while Google works on it, which takes up to a day."""
        refusal, _, job = job_id.partition(":")
        if refusal == "debt":
            return api.result(self._client, job, "debt", frozenset({UNREADABLE}))
        return api.result(self._client, job, "rejected")


def identify(person: Mapping[str, Any]) -> dict[str, str] | None:
    """See :meth:`GoogleDestination.identify`; conversions name their buyer alike."""
    forms = {"email": normal.email(person["email"]), "phone": normal.phone(person["phone"])}
    named = {column: hashed for column, form in forms.items() if form and (hashed := _hash(form))}
    address = _address(person)
    return {**named, **({"address": address} if address else {})} if named else None


def _hash(form: str) -> str | None:
    try:
        return sha256_hex(form)
    except RejectedRow:
        return None


def _address(person: Mapping[str, Any]) -> str | None:
    """``given name|family name|region|postal code``, the names hashed; None unless all four are usable."""
    names = [normal.name(person.get(column)) for column in ("first_name", "last_name")]
    place = [normal.region_code(person.get("country")), normal.postal_code(person.get("postcode"))]
    parts = [*(_hash(form) if form else None for form in names), *place]
    return "|".join(str(part) for part in parts) if all(parts) else None


def user_data(identifiers: Mapping[str, str], encoding: Encoding) -> dict[str, Any]:
    """A ``UserData`` of what :func:`identify` returned."""
    found: list[dict[str, Any]] = [
        {KEYS[column]: _encoded(value, encoding)} for column, value in identifiers.items() if column in KEYS
    ]
    if "address" in identifiers:
        given, family, region, postal = identifiers["address"].split("|", 3)
        names = {"givenName": _encoded(given, encoding), "familyName": _encoded(family, encoding)}
        found.append({"address": {**names, "regionCode": region, "postalCode": postal}})
    return {"userIdentifiers": found}


def _encoded(value: str, encoding: Encoding) -> str:
    return value if encoding == "HEX" else base64.b64encode(bytes.fromhex(value)).decode()

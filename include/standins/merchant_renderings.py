"""The merchant's records as HubSpot, Shopify and Mailchimp keep them.

Which property of the CRM means what is the merchant's own choice, as in real life; `include/sources/*.yaml` says it
to the connectors. HubSpot: ``shopify_customer_id``, ``loyalty_id``, ``interests`` (";" between), ``consent_email``,
``consent_ads`` ("granted", "withdrawn" or empty) with ``…_at`` beside, ``consent_text_version``, ``date_of_birth``
(ISO date), ``gender`` (f, m, d),
``hs_country_region_code`` (ISO 3166). Mailchimp: merge fields ``FNAME``, ``LNAME``, ``PHONE``, ``INTERESTS`` (","
between), the marketing permission ``permads`` for ads (only ``enabled: true`` says something; never ticked is
unknown), ``status`` for e-mail. Shopify: tags ``interest:<name>``.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from include.standins import mailchimp_shapes
from include.standins.merchant_people import Record
from include.standins.store import Document

LIST_ID = "a1f09c3b77"
COUNTRY_NAMES = {"DE": "Germany", "FR": "France", "GB": "United Kingdom", "US": "United States", "NL": "Netherlands"}
CONSENT_TEXT = "2025-03"
PERMISSIONS = (
    {"marketing_permission_id": "permemail0", "text": "Email"},
    {"marketing_permission_id": "permads000", "text": "Customized Online Advertising"},
)
STATES = {"granted": "SUBSCRIBED", "withdrawn": "UNSUBSCRIBED", None: "NOT_SUBSCRIBED"}


def ms(at: datetime) -> int:
    """Epoch milliseconds."""
    return int(at.timestamp() * 1000)


def iso_z(at: datetime) -> str:
    """A time in UTC as Shopify writes it: whole seconds, Z."""
    return f"{at.isoformat()[:19]}Z"


def iso_ms(at: datetime) -> str:
    """A time in UTC as HubSpot writes it: milliseconds, Z."""
    return f"{at.isoformat()[:19]}.{at.microsecond // 1000:03d}Z"


def contact(record: Record) -> Document:
    """A HubSpot contact with all its properties; values are strings, missing ones null."""
    created, changed = iso_ms(record.created), iso_ms(record.changed)
    (email_state, email_at), (ads_state, ads_at) = record.email_consent, record.ads_consent
    properties = {
        "hs_object_id": record.key,
        "createdate": created,
        "lastmodifieddate": changed,
        "email": record.email_typed,
        "phone": record.phone_typed,
        "firstname": record.first_name,
        "lastname": record.last_name,
        "date_of_birth": record.birth_on and record.birth_on.isoformat(),
        "gender": record.gender,
        "hs_language": record.language,
        "country": COUNTRY_NAMES.get(record.country or ""),
        "hs_country_region_code": record.country,
        "state": record.region,
        "city": record.city,
        "zip": record.postcode,
        "interests": ";".join(record.interests) or None,
        "shopify_customer_id": record.ids.get("shopify_customer"),
        "loyalty_id": record.ids.get("loyalty"),
        "consent_email": email_state,
        "consent_email_at": email_at and iso_ms(email_at),
        "consent_ads": ads_state,
        "consent_ads_at": ads_at and iso_ms(ads_at),
        "consent_text_version": CONSENT_TEXT if email_state or ads_state else None,
        "lifecyclestage": "customer",
    }
    body: dict[str, Any] = {
        "id": record.key,
        "properties": properties,
        "createdAt": created,
        "updatedAt": changed,
        "archived": record.deleted,
    }
    if record.deleted:
        body["archivedAt"] = changed
    return Document(record.key, body, ms(record.created), ms(record.changed), record.deleted)


def customer(record: Record, orders: int, spent_cents: int) -> Document:
    """A Shopify customer; ``orders`` and ``spent_cents`` are its lifetime figures."""
    gid = f"gid://shopify/Customer/{record.key}"
    state, at = record.email_consent
    email = (
        {
            "emailAddress": record.email_typed.strip(),
            "marketingState": STATES[state],
            "marketingOptInLevel": "SINGLE_OPT_IN" if state else None,
            "marketingUpdatedAt": at and iso_z(at),
            "openTrackingLevel": "UNKNOWN",
            "validFormat": record.bad != "email_syntax",
        }
        if record.email_typed
        else None
    )
    phone = (
        {
            "phoneNumber": record.phone_typed,
            "smsMarketingConsent": {"state": "NEVER_SUBSCRIBED", "optInLevel": None, "updatedAt": None},
        }
        if record.phone_typed
        else None
    )
    body = {
        "id": gid,
        "legacyResourceId": record.key,
        "firstName": record.first_name,
        "lastName": record.last_name,
        "displayName": f"{record.first_name} {record.last_name}",
        "createdAt": iso_z(record.created),
        "updatedAt": iso_z(record.changed),
        "state": "ENABLED",
        "locale": record.language,
        "note": None,
        "tags": [f"interest:{name}" for name in record.interests],
        "verifiedEmail": True,
        "dataSaleOptOut": record.ads_consent[0] == "withdrawn",
        "taxExempt": False,
        "numberOfOrders": str(orders),
        "amountSpent": money(spent_cents),
        "defaultEmailAddress": email,
        "defaultPhoneNumber": phone,
        "defaultAddress": address(record.key, record.country, record.place(), record.first_name, record.last_name),
    }
    return Document(record.key, body, ms(record.created), ms(record.changed), record.deleted)


@lru_cache(maxsize=10_000)
def money(cents: int) -> dict[str, str]:
    """Shopify's MoneyV2: a decimal as a string. The dictionary is shared: do not change it."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return {"amount": f"{sign}{cents // 100}.{cents % 100:02d}", "currencyCode": "EUR"}


def address(
    key: str, country: str | None, place: tuple[str | None, str | None, str | None], first: str, last: str
) -> dict[str, Any]:
    """Shopify's MailingAddress."""
    city, region, postcode = place
    return {
        "id": f"gid://shopify/MailingAddress/{key}",
        "firstName": first,
        "lastName": last,
        "name": f"{first} {last}",
        "address1": None,
        "address2": None,
        "company": None,
        "phone": None,
        "city": city,
        "province": region,
        "provinceCode": region if country == "US" else None,
        "country": COUNTRY_NAMES.get(country or ""),
        "countryCodeV2": country,
        "zip": postcode,
    }


def member(record: Record) -> Document:
    """A Mailchimp member of the merchant's one list."""
    opted = record.email_consent[1] if record.status == "subscribed" else record.created
    ticked = {"permemail0": record.status == "subscribed", "permads000": record.ads_consent[0] == "granted"}
    permissions = [{**one, "enabled": ticked[one["marketing_permission_id"]]} for one in PERMISSIONS]
    body = mailchimp_shapes.member_body(
        LIST_ID,
        (record.email_typed or "").strip(),
        status=record.status,
        changed_ms=ms(record.changed),
        signed_up_ms=ms(opted or record.created),
        language=record.language or "",
        email_client=record.email_client or "",
        country_code=record.country or "",
        source="Embed Form",
        permissions=permissions,
        merge_fields={
            "FNAME": record.first_name,
            "LNAME": record.last_name,
            "PHONE": record.phone_typed or "",
            "INTERESTS": ",".join(record.interests),
        },
    )
    body["timestamp_signup"] = mailchimp_shapes.stamp(ms(record.created))
    return Document(record.key, body, ms(record.created), ms(record.changed), record.deleted)

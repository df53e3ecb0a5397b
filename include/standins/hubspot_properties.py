"""The properties a contact has at the merchant's HubSpot: HubSpot's own, and those the merchant made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from include.standins.store import Document

READ_ONLY = (
    "createdate",
    "hs_marketable_status",
    "hs_object_id",
    "hs_object_source",
    "hs_object_source_id",
    "lastmodifieddate",
)
# What comes back when no property is asked for; the three in ALWAYS come back whatever is asked for.
DEFAULT = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
ALWAYS = ("createdate", "hs_object_id", "lastmodifieddate")


@dataclass(frozen=True)
class Property:
    """A contact property; ``own``: HubSpot brings it, the merchant did not make it."""

    label: str
    type: Literal["string", "number", "date", "datetime", "enumeration"]
    own: bool = True
    options: tuple[str, ...] = ()


PROPERTIES: Mapping[str, Property] = {
    "hs_object_id": Property("Record ID", "number"),
    "createdate": Property("Create Date", "datetime"),
    "lastmodifieddate": Property("Last Modified Date", "datetime"),
    "email": Property("Email", "string"),
    "phone": Property("Phone Number", "string"),
    "mobilephone": Property("Mobile Phone Number", "string"),
    "hs_email_optout": Property("Unsubscribed from all email", "enumeration", True, ("true", "false")),
    "firstname": Property("First Name", "string"),
    "lastname": Property("Last Name", "string"),
    "date_of_birth": Property("Date of birth", "string"),
    "gender": Property("Gender", "string"),
    "hs_language": Property("Preferred language", "enumeration"),
    "country": Property("Country/Region", "string"),
    "hs_country_region_code": Property("Country/Region Code", "string"),
    "state": Property("State/Region", "string"),
    "city": Property("City", "string"),
    "zip": Property("Postal Code", "string"),
    "lifecyclestage": Property("Lifecycle Stage", "enumeration"),
    "hs_marketable_status": Property("Marketing contact status", "enumeration"),
    "hs_object_source": Property("Record source", "enumeration"),
    "hs_object_source_id": Property("Record source ID", "string"),
    "interests": Property("Interests", "enumeration", False),
    "shopify_customer_id": Property("Shopify customer id", "string", False),
    "loyalty_id": Property("Loyalty card", "string", False),
    "consent_email": Property("Consent to e-mail", "enumeration", False, ("granted", "withdrawn")),
    "consent_email_at": Property("Consent to e-mail, when", "datetime", False),
    "consent_ads": Property("Consent to ads", "enumeration", False, ("granted", "withdrawn")),
    "consent_ads_at": Property("Consent to ads, when", "datetime", False),
    "consent_text_version": Property("Consent text", "string", False),
}
_FIELD_TYPES = {"string": "text", "number": "number", "date": "date", "datetime": "date", "enumeration": "select"}


def described() -> list[dict[str, Any]]:
    """The answer of the properties listing."""
    return [
        {
            "name": name,
            "label": one.label,
            "type": one.type,
            "fieldType": _FIELD_TYPES[one.type],
            "description": "",
            "groupName": "contactinformation",
            "hubspotDefined": one.own,
            "hidden": False,
            "formField": True,
            "displayOrder": -1,
            "hasUniqueValue": name == "email",
            "calculated": False,
            "externalOptions": False,
            "archived": False,
            "options": [
                {"label": option, "value": option, "hidden": False, "displayOrder": place}
                for place, option in enumerate(one.options)
            ],
        }
        for name, one in PROPERTIES.items()
    ]


def shown(document: Document, wanted: Iterable[str]) -> dict[str, Any]:
    """A contact with the properties asked for: unknown names are left out, known ones without a value are null."""
    names = dict.fromkeys([*ALWAYS, *(name for name in wanted if name in PROPERTIES)] if wanted else DEFAULT)
    has = document.body["properties"]
    return {**document.body, "properties": {name: has.get(name) for name in sorted(names)}}

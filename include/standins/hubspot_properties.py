"""The objects of the merchant's HubSpot and their properties: HubSpot's own, and those the merchant made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from include.standins.store import Document

READ_ONLY = (
    "createdate",
    "hs_marketable_status",
    "hs_merged_object_ids",
    "hs_object_id",
    "hs_object_source",
    "hs_object_source_id",
    "lastmodifieddate",
)


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
    "hs_merged_object_ids": Property("Merged record IDs", "enumeration"),
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


@dataclass(frozen=True)
class CrmObject:
    """One object of the CRM.

    :param name: as paths have it; ``kind`` is what its documents are called in the store.
    :param modified: the property that holds when a record last changed.
    :param default: what comes back when no property is asked for; ``always``: whatever is asked for.
    :param searched: what a search by ``query`` looks at.
    """

    name: str
    kind: str
    properties: Mapping[str, Property]
    modified: str
    default: tuple[str, ...]
    searched: tuple[str, ...]

    @property
    def always(self) -> tuple[str, ...]:
        return ("createdate", "hs_object_id", self.modified)


_RECORD = {
    "hs_object_id": Property("Record ID", "number"),
    "createdate": Property("Create Date", "datetime"),
    "hs_lastmodifieddate": Property("Last Modified Date", "datetime"),
    "hs_merged_object_ids": Property("Merged record IDs", "enumeration"),
}
CONTACTS = CrmObject(
    "contacts",
    "contact",
    PROPERTIES,
    "lastmodifieddate",
    ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    ("email", "firstname", "lastname", "phone"),
)
COMPANIES = CrmObject(
    "companies",
    "company",
    {
        **_RECORD,
        "name": Property("Company name", "string"),
        "domain": Property("Company Domain Name", "string"),
        "website": Property("Website URL", "string"),
        "phone": Property("Phone Number", "string"),
        "industry": Property("Industry", "enumeration"),
        "numberofemployees": Property("Number of Employees", "number"),
        "annualrevenue": Property("Annual Revenue", "number"),
        "country": Property("Country/Region", "string"),
        "state": Property("State/Region", "string"),
        "city": Property("City", "string"),
        "zip": Property("Postal Code", "string"),
    },
    "hs_lastmodifieddate",
    ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    ("name", "domain", "website", "phone"),
)
DEALS = CrmObject(
    "deals",
    "deal",
    {
        **_RECORD,
        "dealname": Property("Deal Name", "string"),
        "pipeline": Property("Pipeline", "enumeration"),
        "dealstage": Property("Deal Stage", "enumeration"),
        "amount": Property("Amount", "number"),
        "deal_currency_code": Property("Currency", "enumeration"),
        "closedate": Property("Close Date", "datetime"),
        "hs_is_closed": Property("Is Deal Closed?", "string"),
        "hs_is_closed_won": Property("Is closed won", "string"),
    },
    "hs_lastmodifieddate",
    ("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline"),
    ("dealname",),
)
_FIELD_TYPES = {"string": "text", "number": "number", "date": "date", "datetime": "date", "enumeration": "select"}


def described(thing: CrmObject) -> list[dict[str, Any]]:
    """The answer of the properties listing."""
    return [
        {
            "name": name,
            "label": one.label,
            "type": one.type,
            "fieldType": _FIELD_TYPES[one.type],
            "description": "",
            "groupName": f"{thing.kind}information",
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
        for name, one in thing.properties.items()
    ]


def shown(document: Document, wanted: Iterable[str], thing: CrmObject = CONTACTS) -> dict[str, Any]:
    """A record with the properties asked for: unknown names are left out, known ones without a value are null."""
    names = dict.fromkeys(
        [*thing.always, *(name for name in wanted if name in thing.properties)] if wanted else thing.default
    )
    has = document.body["properties"]
    return {**document.body, "properties": {name: has.get(name) for name in sorted(names)}}

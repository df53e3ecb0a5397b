"""The objects of the company's Salesforce and their fields: Salesforce's own, and those the company made (``…__c``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Type = Literal["id", "string", "boolean", "double", "int", "date", "datetime", "address"]
# What the platform itself keeps of every record: never written by anybody.
SYSTEM: Mapping[str, Type] = {
    "Id": "id",
    "IsDeleted": "boolean",
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "SystemModstamp": "datetime",
}


@dataclass(frozen=True)
class SObject:
    """One object.

    :param prefix: the three characters that the ids of its records begin with.
    :param parents: relationship → (the field that holds the id, the object it names).
    :param children: relationship → (the object, its field that names this one), for a query within a query.
    """

    name: str
    prefix: str
    fields: Mapping[str, Type]
    parents: Mapping[str, tuple[str, str]]
    children: Mapping[str, tuple[str, str]]


def _object(
    name: str,
    prefix: str,
    own: Mapping[str, Type],
    parents: Mapping[str, tuple[str, str]] | None = None,
    children: Mapping[str, tuple[str, str]] | None = None,
) -> SObject:
    return SObject(name, prefix, {**SYSTEM, **own}, parents or {}, children or {})


def _strings(*names: str) -> dict[str, Type]:
    return dict.fromkeys(names, "string")


def _address(prefix: str) -> dict[str, Type]:
    parts = ("Street", "City", "State", "PostalCode", "Country")
    return {**_strings(*(f"{prefix}{part}" for part in parts)), f"{prefix}Address": "address"}


_CONSENT: Mapping[str, Type] = {
    "HasOptedOutOfEmail": "boolean",
    "Consent_Email__c": "string",
    "Consent_Email_At__c": "datetime",
    "Consent_Ads__c": "string",
    "Consent_Ads_At__c": "datetime",
    "Consent_Text__c": "string",
}
_PERSON = {**_strings("FirstName", "LastName", "Name", "Email", "Phone", "MobilePhone"), **_CONSENT}

OBJECTS: Mapping[str, SObject] = {
    one.name: one
    for one in (
        _object(
            "Contact",
            "003",
            {
                **_PERSON,
                **_address("Mailing"),
                "AccountId": "id",
                "MasterRecordId": "id",
                "Birthdate": "date",
                **_strings("Language__c", "Interests__c", "Shopify_Customer_Id__c", "Loyalty_Id__c"),
            },
            {"Account": ("AccountId", "Account")},
        ),
        _object(
            "Lead",
            "00Q",
            {
                **_PERSON,
                **_address(""),
                "MasterRecordId": "id",
                "IsConverted": "boolean",
                "ConvertedDate": "date",
                "ConvertedContactId": "id",
                "ConvertedAccountId": "id",
                "ConvertedOpportunityId": "id",
                **_strings("Company", "Status", "LeadSource"),
            },
            {"ConvertedContact": ("ConvertedContactId", "Contact")},
        ),
        _object(
            "Account",
            "001",
            {
                **_address("Billing"),
                "MasterRecordId": "id",
                "AnnualRevenue": "double",
                "NumberOfEmployees": "int",
                **_strings("Name", "Website", "Phone", "Industry", "Type"),
            },
            children={"Opportunities": ("Opportunity", "AccountId"), "Contacts": ("Contact", "AccountId")},
        ),
        _object(
            "Opportunity",
            "006",
            {
                "AccountId": "id",
                "Amount": "double",
                "Probability": "double",
                "CloseDate": "date",
                "IsClosed": "boolean",
                "IsWon": "boolean",
                **_strings("Name", "StageName", "Type", "LeadSource", "NextStep"),
            },
            {"Account": ("AccountId", "Account")},
            {"OpportunityContactRoles": ("OpportunityContactRole", "OpportunityId")},
        ),
        _object(
            "OpportunityContactRole",
            "00K",
            {"OpportunityId": "id", "ContactId": "id", "IsPrimary": "boolean", "Role": "string"},
            {"Contact": ("ContactId", "Contact"), "Opportunity": ("OpportunityId", "Opportunity")},
        ),
    )
}
BY_LOWER = {name.lower(): one for name, one in OBJECTS.items()}

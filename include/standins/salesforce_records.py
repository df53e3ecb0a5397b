"""Plain records as the company's Salesforce keeps them: people as contacts and leads, companies, deals, who is in them.

Which field means what is the company's own choice: ``Consent_Email__c`` and ``Consent_Ads__c`` are "granted",
"withdrawn" or empty with ``…_At__c`` beside, ``Interests__c`` has ";" between, other systems' ids stand in
``Shopify_Customer_Id__c`` and ``Loyalty_Id__c``. Ids have eighteen characters: the object's prefix, a number, ``AAA``.
"""

from datetime import date, datetime
from typing import Any

from include.standins.merchant_people import Record
from include.standins.merchant_renderings import CONSENT_TEXT, COUNTRY_NAMES, ms
from include.standins.salesforce_query import stamp
from include.standins.salesforce_schema import OBJECTS
from include.standins.store import Document


def id_of(name: str, number: int | str) -> str:
    """The id of an object's record: ``id_of("Contact", 7)`` is ``003000000000007AAA``."""
    return f"{OBJECTS[name].prefix}{int(number):012d}AAA"


def contact(record: Record, *, account: int | None = None) -> Document:
    """A contact, of a company when ``account`` is its number."""
    body = {
        **_person(record),
        "AccountId": None if account is None else id_of("Account", account),
        "Birthdate": record.birth_on and record.birth_on.isoformat(),
        "Language__c": record.language,
        "MailingCity": record.city,
        "MailingState": record.region,
        "MailingPostalCode": record.postcode,
        "MailingCountry": COUNTRY_NAMES.get(record.country or ""),
        "Interests__c": ";".join(record.interests) or None,
        "Shopify_Customer_Id__c": record.ids.get("shopify_customer"),
        "Loyalty_Id__c": record.ids.get("loyalty"),
    }
    return _document("Contact", record.key, body, record.created, record.changed, deleted=record.deleted)


def lead(record: Record, *, company: str, converted_to: int | None = None) -> Document:
    """A lead; ``converted_to`` is the number of the contact it became."""
    body = {
        **_person(record),
        "Company": company,
        "City": record.city,
        "State": record.region,
        "PostalCode": record.postcode,
        "Country": COUNTRY_NAMES.get(record.country or ""),
        "Status": "Open - Not Contacted" if converted_to is None else "Closed - Converted",
        "IsConverted": converted_to is not None,
        "ConvertedDate": None if converted_to is None else record.changed.date().isoformat(),
        "ConvertedContactId": None if converted_to is None else id_of("Contact", converted_to),
    }
    return _document("Lead", record.key, body, record.created, record.changed, deleted=record.deleted)


def account(number: int, name: str, *, created: datetime, changed: datetime, **more: Any) -> Document:
    """A company; ``more`` are fields by their names (``Website``, ``Industry``, ``NumberOfEmployees``)."""
    return _document("Account", number, {"Name": name, **more}, created, changed)


def opportunity(
    number: int,
    name: str,
    *,
    stage: str,
    amount: float | None,
    closes_on: date,
    created: datetime,
    changed: datetime,
    account: int | None = None,
) -> Document:
    """A deal; "Closed Won" and "Closed Lost" are the stages that close one."""
    body = {
        "Name": name,
        "StageName": stage,
        "Amount": amount,
        "CloseDate": closes_on.isoformat(),
        "IsClosed": stage.startswith("Closed"),
        "IsWon": stage == "Closed Won",
        "AccountId": None if account is None else id_of("Account", account),
    }
    return _document("Opportunity", number, body, created, changed)


def role(number: int, *, opportunity: int, contact: int, at: datetime, primary: bool = False) -> Document:
    """A contact's part in a deal."""
    body = {
        "OpportunityId": id_of("Opportunity", opportunity),
        "ContactId": id_of("Contact", contact),
        "IsPrimary": primary,
        "Role": "Decision Maker" if primary else "Evaluator",
    }
    return _document("OpportunityContactRole", number, body, at, at)


def _person(record: Record) -> dict[str, Any]:
    (email_state, email_at), (ads_state, ads_at) = record.email_consent, record.ads_consent
    return {
        "FirstName": record.first_name or None,
        "LastName": record.last_name or "[not provided]",
        "Email": record.email_typed,
        "Phone": record.phone_typed,
        "HasOptedOutOfEmail": email_state == "withdrawn",
        "Consent_Email__c": email_state,
        "Consent_Email_At__c": email_at and stamp(ms(email_at)),
        "Consent_Ads__c": ads_state,
        "Consent_Ads_At__c": ads_at and stamp(ms(ads_at)),
        "Consent_Text__c": CONSENT_TEXT if email_state else None,
    }


def _document(
    name: str, number: int | str, body: dict[str, Any], created: datetime, changed: datetime, *, deleted: bool = False
) -> Document:
    return Document(id_of(name, number), body, ms(created), ms(changed), deleted)

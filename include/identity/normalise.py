"""Normal forms of e-mail addresses and phone numbers: what two records must share to be one person.

Pure functions of their arguments: the result may be kept for ever. Vendor ids are only trimmed, in SQL.

Sources of the rules: RFC 5321/5322/6531 as email-validator reads them (syntax and IDN, no DNS); E.164 as
libphonenumber's metadata know the numbering plans. No provider's rules (dots, plus tags): whether ``a.b@`` and ``ab@``
are one mailbox is the provider's to say, and sending to another spelling than the one given is nobody's consent.
"""

import re
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))  # pasted along, never meant

# Addresses that need no closer look: plain ASCII, no label that could be IDN, well below every length limit.
# Nine in ten addresses are such, and the full check takes 40 times as long; a test holds the two to one answer.
_PLAIN = re.compile(
    r"(?=.{3,200}$)[a-z0-9_+-]{1,30}(\.[a-z0-9_+-]{1,15}){0,2}@([a-z0-9](-?[a-z0-9]){0,30}\.){1,4}(?!(arpa|invalid|local|localhost|onion)$)[a-z]{2,20}",
    re.ASCII,
)


@dataclass(frozen=True)
class NormalForm:
    """A value in normal form, or the reason why there is none; one of the two is None."""

    value: str | None
    reason: str | None


def _unusable(reason: str) -> NormalForm:
    return NormalForm(None, reason)


def email(raw: str) -> NormalForm:
    """Trimmed, lower case, NFC, an international domain in Unicode (``xn--bcher-kva`` → ``bücher``).

    Reasons: ``empty``, ``not an address``.
    """
    value = raw.translate(INVISIBLE).strip().lower()
    if not value:
        return _unusable("empty")
    if _PLAIN.fullmatch(value):
        return NormalForm(value, None)
    try:
        checked = validate_email(value, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return _unusable("not an address")
    return NormalForm(checked.normalized.lower(), None)


def phone(raw: str, country: str = "") -> NormalForm:
    """E.164 (``+4915112345678``). A national number is read in ``country`` and in no other: never guessed.

    :param country: ISO 3166-1 alpha-2, or empty when the record does not say.

    Reasons: ``empty``, ``no country``, ``unknown country``, ``not a number``, ``no such number``, ``extension``.
    """
    value = raw.translate(INVISIBLE).strip()
    if not value:
        return _unusable("empty")
    region = country.strip().upper() or None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        if not value.startswith("+"):
            return _unusable("unknown country")
        region = None
    try:
        number = phonenumbers.parse(value, region)
    except NumberParseException as error:
        no_country = error.error_type == NumberParseException.INVALID_COUNTRY_CODE and region is None
        return _unusable("no country" if no_country else "not a number")
    if number.extension:
        return _unusable("extension")  # a desk behind a shared number: E.164 would join the whole office
    if not phonenumbers.is_valid_number(number):
        return _unusable("no such number")
    return NormalForm(phonenumbers.format_number(number, PhoneNumberFormat.E164), None)


def normal_form(kind: str, raw: str, country: str = "") -> NormalForm:
    """The normal form of a raw value of type ``email`` or ``phone``."""
    return email(raw) if kind == "email" else phone(raw, country)

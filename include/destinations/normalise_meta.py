"""Meta's normal forms of the values that are hashed for custom audiences.

Source: Meta, "Customer information parameters" (read 2026-04). Not the SDK's helper: that deletes every letter outside
a-z ("Müller" would become "mller" and match nobody). Each function returns None when nothing usable is left.
"""

import re
import unicodedata


def email(value: str | None) -> str | None:
    """Trimmed and lower-cased; dots and plus parts stay."""
    if value is None:
        return None
    trimmed = value.strip().lower()
    local, at, domain = trimmed.partition("@")
    usable = at and local and "." in domain and "@" not in domain and not re.search(r"\s", trimmed)
    return trimmed if usable else None


def phone(value: str | None, country_code: str = "") -> str | None:
    """Digits with the country code, no plus, no leading zeros: ``(650)555-1212`` of country code 1 → ``16505551212``.

    :param country_code: put before a national number; a number that starts with ``+`` or ``00`` has its own.
    """
    if value is None:
        return None
    trimmed = value.strip()
    digits = re.sub(r"[^0-9]", "", trimmed)
    international = trimmed.startswith(("+", "00"))
    digits = digits.lstrip("0")
    if not international:
        if not country_code or not digits:
            return None
        digits = country_code + digits
    return digits if 7 <= len(digits) <= 15 else None


def name(value: str | None) -> str | None:
    """Lower-cased, without punctuation and symbols, letters of any alphabet kept (composed form, UTF-8)."""
    if value is None:
        return None
    composed = unicodedata.normalize("NFC", value).lower()
    kept = "".join(letter for letter in composed if unicodedata.category(letter)[0] not in "PSC")
    return " ".join(kept.split()) or None


def postcode(value: str | None, country: str | None) -> str | None:
    """Lower-cased, without spaces and dashes; of the United States the first five digits."""
    if value is None:
        return None
    kept = re.sub(r"[\s\-]", "", value.lower())
    return (kept[:5] if (country or "").strip().lower() == "us" else kept) or None


def country(value: str | None) -> str | None:
    """ISO 3166-1 alpha-2, lower-cased."""
    kept = (value or "").strip().lower()
    return kept if re.fullmatch(r"[a-z]{2}", kept) else None

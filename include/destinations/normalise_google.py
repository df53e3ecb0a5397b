"""Google's normal forms of the values a member is matched by.

Source: Data Manager API, "Format user data" (read 2026-11). Each function returns None when nothing usable is left.
"""

import re
import unicodedata

GMAIL = frozenset({"gmail.com", "googlemail.com"})
_E164 = re.compile(r"[1-9][0-9]{6,14}")


def email(value: str | None) -> str | None:
    """Lower-cased, without any white space; at gmail.com and googlemail.com without dots and without ``+suffix``.

    ``Cloudy.SanFrancisco+shopping@gmail.com`` → ``cloudysanfrancisco@gmail.com``; the two domains are not made one.
    """
    if value is None:
        return None
    local, at, domain = re.sub(r"\s", "", value).lower().partition("@")
    if domain in GMAIL:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if at and local and "." in domain and "@" not in domain else None


def phone(value: str | None) -> str | None:
    """E.164 with its plus: ``+1 800-555-0100`` → ``+18005550100``. Of a national number nobody knows the country."""
    if value is None:
        return None
    trimmed = value.strip()
    digits = re.sub(r"[^0-9]", "", trimmed)
    if trimmed.startswith("00"):
        digits = digits[2:]
    elif not trimmed.startswith("+"):
        return None
    return f"+{digits}" if _E164.fullmatch(digits) else None


def name(value: str | None) -> str | None:
    """Lower-cased, without punctuation, symbols and outer spaces; letters of any alphabet kept (composed form)."""
    if value is None:
        return None
    composed = unicodedata.normalize("NFC", value).lower()
    kept = "".join(letter for letter in composed if unicodedata.category(letter)[0] not in "PSC")
    return " ".join(kept.split()) or None


def postal_code(value: str | None) -> str | None:
    """Trimmed and not hashed: ``1229-076`` stays so."""
    return (value or "").strip() or None


def region_code(value: str | None) -> str | None:
    """ISO 3166-1 alpha-2 in capitals, not hashed."""
    kept = (value or "").strip().upper()
    return kept if re.fullmatch("[A-Z]{2}", kept) else None

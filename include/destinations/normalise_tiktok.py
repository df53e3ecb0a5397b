"""TikTok's normal forms of the values that are hashed for custom audiences.

Source: TikTok, "How to create a Custom Audience with a customer file" (updated September 2025): e-mail without spaces
and in lower case; phone in E.164, with the plus ("also supported" without). Two older pages of TikTok contradict it
(plus parts and dots taken out of e-mails, phones without plus); the newest one, which also gives a hash, is followed:
``janedoe@gmail.com`` → ``d6117306…``. Each function returns None when nothing usable is left.
"""

import re


def email(value: str | None) -> str | None:
    """Without any space and in lower case; dots and plus parts stay."""
    if value is None:
        return None
    plain = re.sub(r"\s", "", value).lower()
    local, at, domain = plain.partition("@")
    return plain if at and local and "." in domain and "@" not in domain else None


def phone(value: str | None) -> str | None:
    """E.164 with the plus, no symbols and spaces: ``+1 (657) 777-0000`` → ``+16577770000``.

    A number without country code is none: nothing guesses one.
    """
    if value is None:
        return None
    trimmed = value.strip()
    digits = re.sub(r"[^0-9]", "", trimmed)
    if trimmed.startswith("00"):
        digits = digits[2:]
    elif not trimmed.startswith("+"):
        return None
    return f"+{digits}" if 7 <= len(digits) <= 15 and not digits.startswith("0") else None

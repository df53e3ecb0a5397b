"""Normal forms, by published vectors and against the libraries that define them."""

from pathlib import Path
from typing import Any

import phonenumbers
import pytest
import yaml
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from include.identity.normalise import email, phone

VECTORS = Path(__file__).parent / "vectors"


def published(name: str) -> list[dict[str, Any]]:
    """Published vectors; their sources stand at the head of the file."""
    return yaml.safe_load((VECTORS / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", published("email"), ids=lambda vector: vector["raw"])
def test_an_address_reads_as_published(vector: dict[str, Any]) -> None:
    found = email(vector["raw"])
    assert (found.value, found.reason) == (vector.get("value"), vector.get("reason"))


@pytest.mark.parametrize("vector", published("phone"), ids=lambda vector: f"{vector['raw']} in {vector['country']}")
def test_a_number_reads_as_published(vector: dict[str, Any]) -> None:
    found = phone(vector["raw"], vector["country"])
    assert (found.value, found.reason) == (vector.get("value"), vector.get("reason"))


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_countrys_example_number_is_one_in_all_its_spellings(country: str) -> None:
    example = phonenumbers.example_number(country)
    wanted = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for spelling in ("NATIONAL", "INTERNATIONAL", "E164", "RFC3966"):
        written = phonenumbers.format_number(example, getattr(phonenumbers.PhoneNumberFormat, spelling))
        assert phone(written, country).value == wanted
        if spelling != "NATIONAL":
            assert phone(written).value == wanted  # says its country itself


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (" Ada.Lovelace@Example.COM\n", "ada.lovelace@example.com"),
        ("ada+shop@example.com", "ada+shop@example.com"),  # a tag is the person's own choice of address
        ("a.d.a@gmail.com", "a.d.a@gmail.com"),  # no provider's rules
        ("jörg@xn--bcher-kva.example", "jörg@bücher.example"),
        ("JÖRG@BÜCHER.example", "jörg@bücher.example"),
        ("jo\u0308rg@example.com", "jörg@example.com"),  # decomposed umlaut
        ("ada@example.com\u200b", "ada@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_an_address_has_one_normal_form(raw: str, expected: str) -> None:
    assert (email(raw).value, email(raw).reason) == (expected, None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("  \t", "empty"),
        ("ada", "not an address"),
        ("ada@", "not an address"),
        ("a@b", "not an address"),
        ("a..b@example.com", "not an address"),
        ("Ada <ada@example.com>", "not an address"),
        ("a b@example.com", "not an address"),
        ("ada@example.com, bob@example.com", "not an address"),
        ("ada@1.2.3.4", "not an address"),
        ("ada@localhost", "not an address"),
        (f"{'a' * 65}@example.com", "not an address"),
        ("n/a", "not an address"),
    ],
)
def test_what_is_no_address_says_why(raw: str, reason: str) -> None:
    assert (email(raw).value, email(raw).reason) == (None, reason)


@settings(max_examples=500, deadline=None)
@given(st.from_regex(r"[a-z0-9._+-]{1,12}@([a-z0-9-]{1,8}\.){1,3}(com|local|test|arpa|info)", fullmatch=True))
def test_the_short_cut_for_plain_addresses_answers_as_the_library_does(raw: str) -> None:
    try:
        expected = validate_email(raw, check_deliverability=False, test_environment=True, strict=True).normalized
    except ValueError:
        expected = None
    assert email(raw).value == expected


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("0151 123 45678", "DE", "+4915112345678"),
        ("+49 (0)151/12345678", "", "+4915112345678"),
        ("0049 151 12345678", "DE", "+4915112345678"),
        ("+4915112345678", "US", "+4915112345678"),
        ("07400 123456", "GB", "+447400123456"),
        ("07400 123456", "gb", "+447400123456"),
        ("(503) 222-1234", "US", "+15032221234"),
        ("+44 7400 123456", "ZZ", "+447400123456"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("02 1234 5678", "IT", "+390212345678"),  # Italy keeps its zero
    ],
)
def test_a_number_has_one_normal_form(raw: str, country: str, expected: str) -> None:
    assert (phone(raw, country).value, phone(raw, country).reason) == (expected, None)


@pytest.mark.parametrize(
    ("raw", "country", "reason"),
    [
        ("", "DE", "empty"),
        ("0151 12345678", "", "no country"),
        ("0151 12345678", "ZZ", "unknown country"),
        ("call me", "DE", "not a number"),
        ("12345", "DE", "no such number"),
        ("+49 1", "", "not a number"),
        ("+1 503 222 1234 ext. 5", "", "extension"),
        ("+999 123456789", "", "no country"),
    ],
)
def test_a_number_that_cannot_be_read_is_not_guessed(raw: str, country: str, reason: str) -> None:
    assert (phone(raw, country).value, phone(raw, country).reason) == (None, reason)

"""Normal forms and hashes, by the vectors of Meta's own documentation."""

import pytest

from include.destinations import normalise_meta as normal
from include.destinations.hashing import is_hashed, sha256_hex
from include.destinations.meta import MetaDestination
from include.errors import RejectedRow

MARY = "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"
JOHN = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"


@pytest.mark.parametrize(("form", "hashed"), [
    (normal.email(" John_Smith@gmail.com "), JOHN),
    (normal.phone("(650)555-1212", "1"), "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
    (normal.phone("+1 650 555 1212"), "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
    (normal.name("Mary"), MARY),
])  # fmt: skip
def test_pain_15_hashes_equal_the_documented_vectors(form: str, hashed: str) -> None:
    assert sha256_hex(form) == hashed


@pytest.mark.parametrize(("given", "expected"), [
    ("Müller", "müller"), ("O'Neil-Smith", "oneilsmith"), ("  Anna  Maria ", "anna maria"), ("Żółć", "żółć"),
    ("Mu\u0308ller", "müller"), ("...", None), ("", None), (None, None),
])  # fmt: skip
def test_names_keep_their_letters_and_lose_punctuation(given: str | None, expected: str | None) -> None:
    assert normal.name(given) == expected


@pytest.mark.parametrize(("given", "expected"), [
    ("A.B+c@Gmail.com", "a.b+c@gmail.com"), ("no-at", None), ("a b@x.example", None), ("a@b@x.example", None),
    ("@x.example", None), ("a@localhost", None), ("", None), (None, None),
])  # fmt: skip
def test_addresses_keep_dots_and_plus_and_broken_ones_are_nothing(given: str | None, expected: str | None) -> None:
    assert normal.email(given) == expected


@pytest.mark.parametrize(("given", "expected"), [
    ("+49 (0)30 123", "49030123"), ("0049 30 123456", "4930123456"), ("030 123456", None), ("+12", None), (None, None),
])  # fmt: skip
def test_phones_carry_their_country_code_or_are_nothing(given: str | None, expected: str | None) -> None:
    assert normal.phone(given) == expected


@pytest.mark.parametrize(("postcode", "country", "expected"), [
    ("94104-1207", "US", "94104"), ("SW1A 1AA", "GB", "sw1a1aa"), ("10115", None, "10115"), ("", "DE", None),
])  # fmt: skip
def test_postcodes_are_five_digits_in_the_united_states_only(
    postcode: str, country: str | None, expected: str | None
) -> None:
    assert normal.postcode(postcode, country) == expected


@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_pain_17_nothing_is_never_hashed(empty: str) -> None:
    with pytest.raises(RejectedRow, match="empty"):
        sha256_hex(empty)


def test_pain_16_a_hash_is_recognised_and_never_hashed_again() -> None:
    assert is_hashed(MARY.upper())
    assert sha256_hex(MARY.upper(), kind="hashed") == MARY
    with pytest.raises(RejectedRow, match="declared raw"):
        sha256_hex(MARY)
    with pytest.raises(RejectedRow, match="declared hashed"):
        sha256_hex("mary", kind="hashed")


def test_a_person_is_named_by_what_is_usable() -> None:
    meta = MetaDestination("http://localhost", "token", "1")
    assert meta.identify({"email": "john_smith@gmail.com", "phone": MARY}) == {"email": JOHN}
    assert meta.identify({"email": None, "phone": "030 1"}) is None

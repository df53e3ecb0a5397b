"""Normal forms and hashes, by the vectors of Google's own documentation and helper library."""

import base64

import pytest

from include.destinations import normalise_google as normal
from include.destinations.google import identify, user_data
from include.destinations.hashing import sha256_hex

ALEX = "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"
PHONE = "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"
GIVEN = "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814"
FAMILY = "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574"
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("form", "hashed"), [
    (normal.email("  ALEXZ@example.com   "), ALEX), (normal.email("alexz@EXAMPLE.com"), ALEX),
    (normal.phone("   +1-800-555-0100"), PHONE), (normal.phone("+18005550100"), PHONE),
    (normal.name("  GivenName  "), GIVEN), (normal.name("Familyname"), FAMILY),
])  # fmt: skip
def test_pain_15_hashes_equal_the_documented_vectors(form: str, hashed: str) -> None:
    assert sha256_hex(form) == hashed


@pytest.mark.parametrize(("given", "expected"), [
    ("QuinnY@EXAMPLE.com", "quinny@example.com"),
    ("Jefferson.Loves.hiking@gmail.com", "jeffersonloveshiking@gmail.com"),
    ("Jefferson.LOVES.Hiking@googlemail.com", "jeffersonloveshiking@googlemail.com"),
    ("Cloudy.SanFrancisco+shopping@googlemail.com", "cloudysanfrancisco@googlemail.com"),
    ("cloudy.sanfrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),
    ("user.name+NYC@Example.com", "user.name+nyc@example.com"),
    ("a b @x.example", "ab@x.example"), ("a.b@notgmail.com", "a.b@notgmail.com"),
    ("a.b@mail.gmail.com", "a.b@mail.gmail.com"), ("quinn", None), (" @googlemail.com", None), (" ...@gmail.com", None),
    ("+tag@gmail.com", None), ("a@b@x.example", None),
    ("a@localhost", None), ("  ", None), ("", None), (None, None),
])  # fmt: skip
def test_addresses_lose_dots_and_plus_at_google_s_own_domains_only(given: str | None, expected: str | None) -> None:
    assert normal.email(given) == expected


@pytest.mark.parametrize(("given", "expected"), [
    ("+1 800 555 0100", "+18005550100"), ("+44-113-496-0987", "+441134960987"), ("0044 113 496 0987", "+441134960987"),
    ("(800)555-0100", None), ("030 123456", None), ("+0 30 123456", None), ("+12", None), (" +A BCD EFG ", None),
    ("", None), (None, None),
])  # fmt: skip
def test_phones_are_e_164_with_a_plus_or_nothing(given: str | None, expected: str | None) -> None:
    assert normal.phone(given) == expected


@pytest.mark.parametrize(("given", "expected"), [
    ("Müller", "müller"), ("Mu\u0308ller", "müller"), ("O'Neil-Smith", "oneilsmith"), ("  Anna  Maria ", "anna maria"),
    ("...", None), ("", None), (None, None),
])  # fmt: skip
def test_names_keep_their_letters_and_lose_punctuation(given: str | None, expected: str | None) -> None:
    assert normal.name(given) == expected


def test_postal_and_region_codes_are_trimmed_and_plain() -> None:
    assert normal.postal_code(" 1229-076  ") == "1229-076"
    assert [normal.region_code(one) for one in (" uS ", "us", "USA", "", None)] == ["US", "US", None, None, None]


PERSON = {"email": "alexz@example.com", "phone": "+18005550100", "first_name": "Givenname", "last_name": "Familyname",
          "country": "us", "postcode": "94104"}  # fmt: skip


def test_a_person_is_named_by_all_that_is_usable() -> None:
    assert identify(PERSON) == {"email": ALEX, "phone": PHONE, "address": f"{GIVEN}|{FAMILY}|US|94104"}
    assert identify({**PERSON, "postcode": None}) == {"email": ALEX, "phone": PHONE}
    assert identify({**PERSON, "email": None, "phone": "030 1"}) is None  # an address alone names nobody


@pytest.mark.parametrize("hashed", [ALEX, ALEX.upper(), f" {ALEX} "])
def test_pain_16_a_hash_in_a_raw_column_is_not_sent_at_all(hashed: str) -> None:
    assert identify({**PERSON, "email": hashed, "phone": None}) is None
    assert "address" not in (identify({**PERSON, "first_name": hashed}) or {})


def test_pain_17_nothing_is_never_hashed() -> None:
    named = identify({**PERSON, "phone": " ", "first_name": "...", "last_name": ""})
    assert named == {"email": ALEX}
    assert NOTHING not in str(named)


def test_base64_carries_the_same_hashes_and_leaves_places_alone() -> None:
    sent = user_data(identify(PERSON) or {}, "BASE64")["userIdentifiers"]
    assert sent[0] == {"emailAddress": "UJ6TMBm7KFoTSpM0uLtnnf950M4CPVKa9L10TUe0/Yo="}
    assert sent[1] == {"phoneNumber": "+09zpuxf23B31WTN0iw1VLQ85JFoVQw7EsVHt4xRezA="}
    assert sent[2]["address"] == {
        "givenName": "EooHv+Lfh3xSB25g13dM9bqqBGxabEja8w/0Psyi+BQ=",
        "familyName": "d3YsKH5hzgZb7lwVRkASxvvgiDmLgFdifVV3JJQw1XQ=",
        "regionCode": "US",
        "postalCode": "94104",
    }
    assert base64.b64decode(sent[0]["emailAddress"]).hex() == ALEX

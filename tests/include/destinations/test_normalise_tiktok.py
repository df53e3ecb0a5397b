"""TikTok's normal forms, by the documentation's own examples."""

import hashlib

import pytest

from include.destinations import normalise_tiktok as normal


def test_the_documented_hash_is_reached() -> None:
    form = normal.email(" JaneDoe@Gmail.com ") or ""
    assert form == "janedoe@gmail.com"
    expected = "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"
    assert hashlib.sha256(form.encode()).hexdigest() == expected


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("john doe@Example.com", "johndoe@example.com"),
        ("First.Last+news@gmail.com", "first.last+news@gmail.com"),
        ("Jürgen@Straße.example", "jürgen@straße.example"),
        ("no address", None),
        ("@x.example", None),
        ("a@b", None),
        ("a@b@x.example", None),
        ("", None),
        (None, None),
    ],
)
def test_an_email_has_no_spaces_and_no_capitals(given: str | None, form: str | None) -> None:
    assert normal.email(given) == form


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("+1 (657) 777-0000", "+16577770000"),
        ("00374-93-828222", "+37493828222"),
        ("+442071838750", "+442071838750"),
        ("+551155256", "+551155256"),
        ("(657) 777-0000", None),
        ("+0123456789", None),
        ("+12", None),
        ("", None),
        (None, None),
    ],
)
def test_a_phone_is_e164_with_the_plus(given: str | None, form: str | None) -> None:
    assert normal.phone(given) == form

"""The search for canaries finds them in every dress: else it would find nothing for the wrong reason."""

import hashlib
import json
from html import escape
from urllib.parse import quote_plus

import pytest

from tests import canaries

STREAM = "shopify.orders"


@pytest.mark.parametrize(
    "text",
    [
        canaries.word(STREAM).upper(),
        f"the row {canaries.address(STREAM)!r} is bad",
        json.dumps({"name": canaries.unusual(STREAM)}),
        escape(canaries.unusual(STREAM)),
        quote_plus(canaries.address(STREAM)),
        canaries.phone(STREAM),
        hashlib.sha256(canaries.phone(STREAM).encode()).hexdigest(),
        hashlib.sha256(f"{canaries.word(STREAM)}@shop.example".encode()).hexdigest(),
    ],
)
def test_a_canary_is_found_in_every_dress(text: str) -> None:
    assert list(canaries.sightings([("a log", f"before {text} after"), ("another", "nothing")])) == ["a log"]

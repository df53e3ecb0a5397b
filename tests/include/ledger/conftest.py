"""The ledger's world, on a warehouse of the test's own."""

from collections.abc import Iterator

import pytest

from tests.include.ledger.world import World


@pytest.fixture
def world(warehouse_url: str) -> Iterator[World]:
    """An empty segment that feeds one audience of an empty platform."""
    made = World(warehouse_url)
    yield made
    made.close()

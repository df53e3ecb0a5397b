"""One server for the whole suite; each case has a warehouse, a segment and an audience of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from include.runtime.postgres import EmbeddedPostgres
from include.standins.server import PLATFORMS
from tests.databases import Databases
from tests.include.destinations.contract.adapters import ADAPTERS
from tests.include.destinations.contract.stage import Stage
from tests.standins import Standins, running_standins


@pytest.fixture(scope="session")
def contract_standins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    """All platforms with accounts of which nobody has made use yet."""
    platforms = sorted({*PLATFORMS} & {*ADAPTERS})
    with running_standins(tmp_path_factory.mktemp("contract_standins"), platforms=platforms) as running:
        yield running


@pytest.fixture
def contract_warehouse(postgres: EmbeddedPostgres, databases: Databases) -> Iterator[str]:
    """URL of the case's warehouse: plans stay short when nobody else's people are in it."""
    name = databases.lend()
    yield postgres.url(name, role=databases.template)
    databases.take_back(name)


@contextmanager
def staged(platform: str, url: str, standins: Standins) -> Iterator[Stage]:
    """An empty segment that feeds an audience of a platform nobody has used yet."""
    standins.reset()
    adapter = ADAPTERS[platform](standins)
    adapter.prepare()
    stage = Stage(url, adapter)
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture(params=sorted(ADAPTERS))
def stage(request: pytest.FixtureRequest, contract_warehouse: str, contract_standins: Standins) -> Iterator[Stage]:
    """A scene of the case's own; the case runs once a platform."""
    with staged(request.param, contract_warehouse, contract_standins) as made:
        yield made

"""One server and one warehouse for the whole suite; each case has a segment and an audience of its own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from include.runtime.postgres import EmbeddedPostgres
from include.standins.server import PLATFORMS
from tests.include.destinations.contract.adapters import ADAPTERS
from tests.include.destinations.contract.stage import Stage
from tests.standins import Standins, running_standins


@pytest.fixture(scope="session")
def contract_standins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    """All platforms with accounts of which nobody has made use yet."""
    platforms = sorted({*PLATFORMS} & {*ADAPTERS})
    with running_standins(tmp_path_factory.mktemp("contract_standins"), platforms=platforms) as running:
        yield running


@pytest.fixture(scope="session")
def contract_warehouse(postgres: EmbeddedPostgres, template: str) -> str:
    """URL of the suite's warehouse; it goes with its cluster."""
    name = f"contract_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} owner {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(template)
            )
        )
    return postgres.url(name, role=template)


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

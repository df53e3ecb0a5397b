"""Real Postgres for every test: migrated once a session, copied for each test that asks for it."""

import os
import tempfile
from collections.abc import Iterator

import psycopg
import pytest

from include import warehouse
from include.runtime.postgres import EmbeddedPostgres, free_port
from tests.databases import Databases
from tests.standins import Standins, running_standins

# Airflow writes a folder of its own at its first import: never into the home of whoever runs the tests.
AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="airflow-")  # removed at the end of the session
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

FAST_AND_FORGETFUL = (
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "1GB"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first, so that no worker is left alone with one at the end. No test needs an order."""
    longest = ("test_end_to_end.py", "test_fault_run.py")
    items.sort(key=lambda item: longest.index(item.path.name) if item.path.name in longest else len(longest))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A cluster of this session's own; stopped and thrown away at its end."""
    cluster = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), free_port(), settings=FAST_AND_FORGETFUL)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """Name of the database that holds the migrated, empty warehouse."""
    warehouse.migrate(postgres.ensure_database("warehouse_template"))
    return "warehouse_template"


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres, template: str) -> Databases:
    """Copies of the empty warehouse, to be lent and taken back."""
    return Databases(postgres, template)


@pytest.fixture
def warehouse_url(postgres: EmbeddedPostgres, databases: Databases, template: str) -> Iterator[str]:
    """URL of a warehouse of this test's own, as migrations leave it."""
    name = databases.lend()
    yield postgres.url(name, role=template)
    databases.take_back(name)


@pytest.fixture
def conn(warehouse_url: str) -> Iterator[psycopg.Connection]:
    """An open connection to this test's warehouse."""
    with warehouse.connect(warehouse_url) as connection:
        yield connection


def folder_from(variable: str) -> str:
    """The folder an environment variable names; the test is skipped with that reason when it is unset."""
    folder = os.environ.get(variable)
    if not folder:
        pytest.skip(f"{variable} is not set")
    return folder


@pytest.fixture(scope="session")
def vendor_specs() -> str:
    """Folder of the vendors' published specifications."""
    return folder_from("VENDOR_SPECS")


@pytest.fixture(scope="session")
def real_data() -> str:
    """Folder of the real data sets."""
    return folder_from("REAL_DATA")


@pytest.fixture(scope="session")
def small_merchant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    """All stand-ins with a merchant of 200 customers; one server a session."""
    with running_standins(tmp_path_factory.mktemp("standins"), customers=200) as running:
        yield running


@pytest.fixture
def standins(small_merchant: Standins) -> Standins:
    """All stand-ins with a merchant of 200 customers, in the state of their first start."""
    small_merchant.reset()
    return small_merchant


@pytest.fixture(scope="session")
def empty_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    """The platforms of destinations without a merchant; one server a session."""
    folder = tmp_path_factory.mktemp("empty_standins")
    platforms = ("mailchimp", "meta", "brevo", "google", "klaviyo", "hubspot", "tiktok", "slack", "webhook")
    with running_standins(folder, platforms=platforms) as running:
        yield running


@pytest.fixture
def empty_standins(empty_accounts: Standins) -> Standins:
    """The platforms of destinations with accounts of which nobody has made use yet."""
    empty_accounts.reset()
    return empty_accounts

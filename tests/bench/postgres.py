"""A Postgres to measure on: the product's own settings, thrown away afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include import warehouse
from include.runtime.postgres import EmbeddedPostgres, free_port

FOLDER = Path(__file__).resolve().parents[2] / ".run" / "bench"  # beside the product's data: the same disk


@contextmanager
def throwaway_postgres() -> Iterator[EmbeddedPostgres]:
    """A running cluster with the settings of `make run` (durable, 1 GB of buffers); gone at the end."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="postgres-", ignore_cleanup_errors=True) as folder:
        cluster = EmbeddedPostgres(Path(folder), free_port())
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def throwaway_warehouse() -> Iterator[str]:
    """URL of a migrated, empty warehouse on a cluster of its own."""
    with throwaway_postgres() as cluster:
        url = cluster.ensure_database("warehouse")
        warehouse.migrate(url)
        yield url

"""Each platform's stand-in once a session, in this process; each history has an empty account and warehouse."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from include import warehouse
from include.runtime.postgres import EmbeddedPostgres
from include.sources import registry
from tests.databases import Databases
from tests.include.sources.contract.adapters import ADAPTERS
from tests.include.sources.contract.history import History
from tests.include.sources.contract.stage import Stage


class Stages:
    """Begins a history of a stream."""

    def __init__(
        self, postgres: EmbeddedPostgres, databases: Databases, folders: pytest.TempPathFactory, stack: ExitStack
    ) -> None:
        self._postgres, self._databases, self._folders, self._stack = postgres, databases, folders, stack
        self._stages: dict[str, Stage] = {}

    @contextmanager
    def history(self, stream: str) -> Iterator[History]:
        """On a platform that nobody has used, with a warehouse that nothing was landed in."""
        source = registry.stream(stream).source
        stage = None if source == "files" else self._stage(source)
        adapter = ADAPTERS[stream](stage or self._folders.mktemp("drop"))
        name = self._databases.lend()
        with warehouse.connect(self._postgres.url(name, role=self._databases.template)) as conn:
            yield History(conn, adapter, stage)
        self._databases.take_back(name)

    def _stage(self, source: str) -> Stage:
        if source not in self._stages:
            made = self._stages[source] = Stage(source)
            self._stack.enter_context(made.serving())
        self._stages[source].renew()
        return self._stages[source]


@pytest.fixture(scope="session")
def stages(
    postgres: EmbeddedPostgres, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stages]:
    """Where histories of all streams are played."""
    with ExitStack() as stack:
        yield Stages(postgres, databases, tmp_path_factory, stack)

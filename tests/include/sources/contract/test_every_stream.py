"""Which streams the suite is played for."""

from include.sources.registry import STREAMS
from tests.include.sources.contract.adapters import ADAPTERS

WITHOUT: dict[str, str] = {}  # stream → why no history can be played for it


def test_every_stream_of_the_registry_has_an_adapter() -> None:
    assert {*ADAPTERS} | {*WITHOUT} == {*STREAMS}
    assert {*ADAPTERS} & {*WITHOUT} == set()
    assert all(WITHOUT.values())

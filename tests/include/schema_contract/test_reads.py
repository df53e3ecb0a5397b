"""What staging reads is under contract: of a mapping by itself, of a statement of a stream's own by its ``reads:``."""

import re

import pytest

from include import warehouse
from include.schema_contract.terms import terms_of
from include.sources.mapping import table_mapping
from include.sources.mapping_reader import SEPARATOR
from include.sources.registry import STREAMS

OWN = [name for name, one in STREAMS.items() if not one.staging_statement.endswith(one.shape)]
BUILT = {"matomo.visits": {"site"}}  # keys of what the statement itself makes, not of the payload
KEY = re.compile(r"(?:->>?|#>>?)\s*'(?:\{([^']*)\}|([^'{]+))'|'\$\.(\w+)")


def read_by_the_statement(name: str) -> set[str]:
    """Every key that the stream's own statement takes out of a payload by name."""
    text = re.sub(r"--.*", "", warehouse.statement(STREAMS[name].staging_statement))
    found = {key for several, one, top in KEY.findall(text) for key in (*several.split(","), one, top) if key}
    return found - BUILT.get(name, set())


@pytest.mark.parametrize("name", [name for name in OWN if not name.startswith("files.")])
def test_a_column_that_a_stream_s_own_statement_reads_is_missed_when_it_is_lost(name: str) -> None:
    terms = terms_of(table_mapping(name))

    under_contract = {step for read in terms.reads for step in read}

    assert len(read_by_the_statement(name)) > 0
    assert read_by_the_statement(name) - under_contract == set()
    assert terms.mode("lost_column", terms.reads[-1]) == "freeze"


def test_the_streams_with_a_statement_of_their_own_are_these() -> None:
    assert set(OWN) >= {"shopify.orders", "shopify.checkouts", "woocommerce.orders", "matomo.visits"}


@pytest.mark.parametrize("name", sorted(set(STREAMS) - set(OWN)))
def test_every_column_of_a_mapping_is_under_contract_without_a_word(name: str) -> None:
    parameters = table_mapping(name)
    terms = terms_of(parameters)

    paths = [path.split(SEPARATOR) for kind in ("ids", "properties") for path in (parameters.get(kind) or {}).values()]
    paths += [
        parameters[column] for column in ("changed_at", "on_date", "email", "created_at") if parameters.get(column)
    ]

    assert len(paths) > 0
    assert [path for path in paths if not terms.is_read(tuple(path)) and not path[0].startswith("$")] == []
    assert terms.mode("lost_column", tuple(paths[-1])) == "freeze"

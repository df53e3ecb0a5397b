"""The contracts of a stream: one, or one a kind of dropped file."""

from collections.abc import Mapping, Sequence

import psycopg

from include import warehouse
from include.schema_contract.terms import Terms, terms_of
from include.sources.mapping import table_mapping


def terms_by_part(conn: psycopg.Connection, stream: str) -> dict[str, Terms]:
    """Part → its terms; of a stream that has no parts, those of ``''``.

    Kinds of files are described by the project's mappings and by those that lay beside the data when it was landed.
    """
    if not stream.startswith("files."):
        return {"": terms_of(table_mapping(stream))}
    from include.sources.files.mappings import built_in

    found = {one.name: terms_of(one.parameters) for one in built_in() if one.stream == stream}
    for row in warehouse.rows(conn, "landing/read_cursor", {"stream": stream}):
        own: Mapping[str, Mapping] = row["cursor"].get("mappings", {})
        found |= {name: terms_of(parameters) for name, parameters in own.items()}
    return found


def deletion_mark(stream: str) -> Sequence[str] | None:
    """Where a record of the stream says that it is deleted, if it does."""
    return None if stream.startswith("files.") else table_mapping(stream).get("deleted")

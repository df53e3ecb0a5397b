"""What a vendor's fields mean: the mapping of each stream, and the parameters its staging statement binds.

The files are ``include/sources/<source>.yaml``; how they are written is told in ``mapping_reader``.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from include.sources import registry
from include.sources.files.mappings import built_in
from include.sources.mapping_reader import read_table

HERE = Path(__file__).resolve().parent


@cache
def table_mapping(stream: str) -> Mapping[str, Any]:
    """The parameters of one stream's mapping, from ``include/sources/<source>.yaml``.

    :raises ConfigError: names file, line, cause and mend.
    """
    found = registry.stream(stream)
    path = HERE / f"{found.source}.yaml"
    return read_table(f"include/sources/{path.name}", path.read_text(encoding="utf-8"), found.shape, found.table)


def staging_parameters(stream: str, batch_ids: Sequence[int]) -> dict[str, Any]:
    """What the stream's staging statement binds: the stream, the batches, the mapping.

    :param batch_ids: raw rows of these batches are read, the newest version of each key; of persons, only those of
        ``version_ids`` when the caller binds some.
    """
    bound: dict[str, Any] = {"stream": stream, "batch_ids": list(batch_ids), "version_ids": None}
    if registry.stream(stream).source == "files":
        return {**bound, "mappings": Jsonb({one.name: one.parameters for one in built_in() if one.stream == stream})}
    for name, value in table_mapping(stream).items():
        if name not in ("options", "contract"):
            bound[name] = Jsonb(value) if isinstance(value, dict) else value
    return bound

"""YAML that remembers its lines: front matters of SQL segments, whole files of rule segments.

Every complaint about a segment file goes through :func:`complain`, so that it names file, line, cause and mend.
"""

from pathlib import Path
from typing import Any

import yaml

from include.errors import ConfigError


class Located(dict):
    """A YAML mapping that knows on which line (from 1) it and each of its keys stands."""

    line: int = 1
    lines: dict[str, int]

    def line_of(self, key: str) -> int:
        """Line of ``key``, or of the mapping when it has no such key."""
        return self.lines.get(key, self.line)


class _Loader(yaml.SafeLoader):
    first_line = 1


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Located:
    found = Located()
    found.line = node.start_mark.line + loader.first_line
    found.lines = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + loader.first_line
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(
                problem=f"key {key!r} is no text; put it in quotes", problem_mark=key_node.start_mark
            )
        if key in found:
            raise yaml.constructor.ConstructorError(
                problem=f"key {key!r} stands twice; keep one", problem_mark=key_node.start_mark
            )
        found[key] = loader.construct_object(value_node, deep=True)
        found.lines[key] = line
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def complain(path: Path, line: int, cause: str, mend: str) -> ConfigError:
    """The error for one line of one file: ``sql/segments/x.sql:3: cause; mend``."""
    shown = "/".join(path.parts[-3:])
    return ConfigError(f"{shown}:{line}: {cause}; {mend}")


def read_yaml(text: str, path: Path, first_line: int = 1) -> Located:
    """The one mapping that ``text`` holds.

    :param first_line: line of the file on which ``text`` begins.
    :raises ConfigError: no YAML, a key twice, or no mapping.
    """
    loader = _Loader(text)
    loader.first_line = first_line
    try:
        found: Any = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + first_line
        raise complain(path, line, f"this is not YAML: {error.problem}", "mend the line") from None
    finally:
        loader.dispose()
    if not isinstance(found, Located):
        raise complain(
            path, first_line, "there is no mapping of keys to values", "begin with `segment: <name of the file>`"
        )
    return found


def split_sql(text: str, path: Path) -> tuple[Located, str, int]:
    """Front matter, statement, and the line on which the statement begins.

    :raises ConfigError: the file does not open with a ``/* … */`` front matter.
    """
    opening = text.lstrip()
    skipped = text[: len(text) - len(opening)].count("\n")
    end = opening.find("*/")
    if not opening.startswith("/*") or end < 0:
        raise complain(
            path, 1, "the file does not begin with a front matter", "open it with /* segment: …, owner: … */"
        )
    head = opening[2:end]
    body_line = 1 + skipped + opening[: end + 2].count("\n")
    return read_yaml(head, path, 1 + skipped), opening[end + 2 :], body_line

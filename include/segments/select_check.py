"""What a segment's SQL may say: one SELECT over profile, known columns and functions, no clock.

This is the first of the cage's two walls: it reads the text when files are loaded and tells the author what is
wrong. The second is Postgres (:mod:`include.segments.cage`); what passes here by a trick still meets it.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.tokens import TokenType

from include.segments.columns import Tables, readable_tables
from include.segments.front_matter import complain

# Functions that answer from their arguments alone. Whatever is not here (clocks, random, sleep, settings, files,
# other servers, query_to_xml, …) is refused; a harmless one that is missing is added by a reviewed line.
# fmt: off
ALLOWED_FUNCTIONS = frozenset({
    "abs", "age", "all", "any", "array", "array_agg", "array_contained_by", "array_contains", "array_contains_all",
    "array_length", "array_overlaps", "array_position", "array_size", "avg", "bool_and", "bool_or", "cardinality",
    "case", "cast", "ceil", "ceiling", "coalesce", "concat", "concat_ws", "count", "count_if", "cume_dist",
    "date_part", "date_trunc", "dense_rank", "exists", "explode", "exploding_generate_series", "extract",
    "first_value", "floor", "generate_series", "greatest", "group_concat", "if", "in", "initcap", "json_extract",
    "json_extract_scalar", "jsonb_array_length", "jsonb_contains", "jsonb_exists", "jsonb_extract",
    "jsonb_extract_scalar", "lag", "last_value", "lead", "least", "left", "length", "ln", "log", "logical_and",
    "logical_or", "lower", "make_date", "make_interval", "max", "min", "mod", "mode", "nth_value", "ntile",
    "nullif", "percent_rank", "percentile_cont", "percentile_disc", "position", "pow", "power", "rank",
    "regexp_i_like", "regexp_like", "regexp_replace", "replace", "right", "round", "row_number", "sign",
    "split_part", "sqrt", "starts_with", "stddev", "stddev_pop", "stddev_samp", "str_position", "string_agg",
    "strpos", "substring", "sum", "timestamp_trunc", "to_char", "trim", "try_cast", "unnest", "upper", "variance",
    "variance_pop", "width_bucket",
})
# fmt: on
CONNECTORS = (exp.Connector, exp.Case, exp.If, exp.Exists, exp.Any, exp.All)
CLOCK_WORDS = frozenset({"now", "today", "tomorrow", "yesterday"})  # Postgres reads these texts as the clock
FORBIDDEN = (
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Command,
    exp.Into,
    exp.Lock,
    exp.Copy,
    exp.Set,
    exp.TableSample,
)
ODD_TEXTS = (exp.RawString, exp.ByteString, exp.HexString, exp.BitString, exp.UnicodeString, exp.National)
CLOCK_TYPES = (
    exp.DataType.Type.DATE,
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.TIMESTAMPTZ,
    exp.DataType.Type.TIME,
    exp.DataType.Type.TIMETZ,
)
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it cannot parse is refused here, with file and line
PLACEHOLDER = re.compile(r"(?<!%)%(?:\((\w+)\)s)?")


def line_of(body: str, word: str, first_line: int) -> int:
    """Line of the file on which ``word`` first stands in the statement, or the statement's first line."""
    for number, line in enumerate(body.splitlines()):
        if re.search(rf"\b{re.escape(word)}\b", line, re.IGNORECASE):
            return number + first_line
    return first_line


def normal_form(body: str) -> str:
    """The statement without comments, white space and letter case: two texts of one meaning are equal."""
    kept = []
    for token in sqlglot.tokenize(body, dialect="postgres"):
        exact = token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
        kept.append(f"{token.token_type.name}:{token.text}" if exact else token.text.lower())
    return "\x1f".join(kept)


def _parse(body: str, path: Path, first_line: int) -> exp.Query:
    try:
        found = [tree for tree in sqlglot.parse(body, dialect="postgres") if tree is not None]
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        line = first_line + (details[0].get("line") or 1) - 1
        raise complain(
            path, line, f"the SQL cannot be read: {details[0].get('description', 'syntax error')}", "mend the statement"
        ) from None
    if len(found) != 1:
        raise complain(path, first_line, f"{len(found)} statements", "a segment is exactly one SELECT")
    if not isinstance(found[0], exp.Query):
        raise complain(path, first_line, "the statement is no SELECT", "a segment only selects person_id")
    for node in found[0].find_all(*FORBIDDEN):
        raise complain(path, first_line, f"the statement contains {node.key}", "a segment only reads")
    return found[0]


def _check_functions(tree: exp.Query, body: str, path: Path, first_line: int) -> None:
    for node in tree.find_all(exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if isinstance(node, CONNECTORS) and not isinstance(node, exp.Anonymous):
            continue
        one_argument_age = name == "age" and len(node.expressions) == 1  # age(x) counts from the clock
        if name not in ALLOWED_FUNCTIONS or one_argument_age:
            line = line_of(body, name.split("_")[0] if name.startswith("current") else name, first_line)
            raise complain(
                path,
                line,
                f"function {name}() is not allowed in a segment",
                "the day comes in as %(as_of)s; only functions of their arguments may be used",
            )
    _check_texts(tree, body, path, first_line)


def _check_texts(tree: exp.Query, body: str, path: Path, first_line: int) -> None:
    """Refuse texts that Postgres reads as the clock, and ways to spell one so that nobody sees it."""
    for odd in tree.find_all(*ODD_TEXTS):
        raise complain(path, first_line, f"a text is written as {odd.key}", "write texts as 'text'")
    for cast in tree.find_all(exp.Cast):
        built = cast.this.find(exp.DPipe, exp.Concat, exp.ConcatWs, exp.Anonymous)
        if cast.to.this in CLOCK_TYPES and built is not None:
            raise complain(
                path, first_line, "a date is made from a text that was put together", "bind it as a parameter"
            )
    for literal in tree.find_all(exp.Literal):
        if literal.is_string and literal.name.strip().lower() in CLOCK_WORDS:
            raise complain(
                path,
                line_of(body, literal.name.strip(), first_line),
                f"the text '{literal.name}' is the clock to Postgres",
                "the day comes in as %(as_of)s",
            )


def _check_tables(tree: exp.Query, tables: Tables, body: str, path: Path, first_line: int) -> None:
    inner = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        full = f"{table.db}.{table.name}" if table.db else table.name
        if (not table.db and table.name in inner) or full in tables or not table.name:
            continue
        raise complain(
            path,
            line_of(body, table.name, first_line),
            f"a segment may not read {full!r}",
            f"read one of {', '.join(sorted(tables))}",
        )


def _check_columns(tree: exp.Query, tables: Tables, body: str, path: Path, first_line: int) -> None:
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for full, columns in tables.items():
        space, name = full.split(".")
        schema.setdefault(space, {})[name] = dict.fromkeys(columns, "unknown")
    try:
        qualify(tree.copy(), schema=schema, dialect="postgres")
    except OptimizeError as error:
        found = re.search(r"['\"](?:[\w\"]+\.)*?\"?(\w+)\"?['\"]", str(error))
        line = line_of(body, found[1], first_line) if found else first_line
        cause = f"unknown column {found[1]!r}" if found else "a column cannot be found in its table"
        raise complain(path, line, cause, "see sql/migrations for the columns of profile") from None


def check_select(body: str, path: Path, first_line: int) -> exp.Query:
    """Read a segment's statement and refuse what has no place in one.

    :param first_line: line of the file on which ``body`` begins.
    :raises ConfigError: names file, line, cause and mend.
    """
    tables = readable_tables()
    tree = _parse(body, path, first_line)
    if tree.named_selects != ["person_id"]:
        raise complain(
            path,
            first_line,
            f"the statement gives {', '.join(name or 'a column without a name' for name in tree.named_selects)}",
            "give exactly one column, person_id",
        )
    _check_functions(tree, body, path, first_line)
    _check_tables(tree, tables, body, path, first_line)
    _check_columns(tree, tables, body, path, first_line)
    return tree


def check_placeholders(body: str, params: Mapping[str, Any], path: Path, first_line: int) -> None:
    """Each ``%(name)s`` has a parameter, each parameter a use, and a literal percent sign is doubled."""
    used = set()
    for number, line in enumerate(body.replace("%%", "  ").splitlines()):
        for found in PLACEHOLDER.finditer(line):
            if found[1] is None:
                raise complain(
                    path, number + first_line, "a single percent sign", "write %% for one, %(name)s for a parameter"
                )
            if found[1] not in params and found[1] != "as_of":
                raise complain(
                    path, number + first_line, f"%({found[1]})s has no value", "name it in params of the front matter"
                )
            used.add(found[1])
    for name in sorted(set(params) - used):
        raise complain(path, 1, f"parameter {name!r} is never used", "use it as %(" + name + ")s or take it out")


def segments_read(tree: exp.Query, body: str, path: Path, first_line: int) -> tuple[str, ...]:
    """Names of the segments a statement reads through ``segment.current``, in the order of the alphabet.

    :raises ConfigError: ``segment.current`` is read without saying, as a literal beside it, which segment is meant.
    """
    names: set[str] = set()
    for table in tree.find_all(exp.Table):
        if (table.db, table.name) != ("segment", "current"):
            continue
        select = table.find_ancestor(exp.Select)
        where = select.args.get("where") if select is not None else None
        found = _named_in(where) if where is not None else set()
        if not found:
            raise complain(
                path,
                line_of(body, "current", first_line),
                "segment.current is read without naming a segment",
                "add `where segment = '<name>'` to the same select",
            )
        names |= found
    return tuple(sorted(names))


def _conjuncts(node: exp.Expression) -> list[exp.Expression]:
    if isinstance(node, exp.And):
        return _conjuncts(node.left) + _conjuncts(node.right)
    return _conjuncts(node.this) if isinstance(node, exp.Paren) else [node]


def _named_in(where: exp.Where) -> set[str]:
    """Literals that ``segment`` must equal: only conditions that always hold count, not one side of an ``or``."""
    found: set[str] = set()
    for node in _conjuncts(where.this):
        if (
            not isinstance(node, exp.EQ | exp.In)
            or not isinstance(node.this, exp.Column)
            or node.this.name != "segment"
        ):
            continue
        values = [node.expression] if isinstance(node, exp.EQ) else node.expressions
        if values and all(isinstance(value, exp.Literal) and value.is_string for value in values):
            found |= {value.name for value in values}
    return found

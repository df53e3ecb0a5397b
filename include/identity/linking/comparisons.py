"""How alike two values are, in levels from the same to nothing in common; the model learns what each level is worth.

Where a value is the same, its own frequency counts (a rare surname says more than a common one).

The family name alone, with another given name, counts as different: it is what a household shares.
"""

from collections.abc import Sequence

import splink.comparison_level_library as levels
import splink.comparison_library as library
from psycopg import sql
from splink.internals.comparison_creator import ComparisonCreator
from splink.internals.comparison_level_creator import ComparisonLevelCreator

from include.identity.linking.fields import NAME_KINDS, WHOLE_NAME, Field

RAREST = 1e-5  # frequency below which a value counts as no rarer: typing errors are rare as well
NAME = "name"  # what the comparison of given and family name together is called

_SAME = "{l} = {r}"
_TYPING_ERROR = "damerau_levenshtein({l}, {r}) <= 1"
_ALIKE = "jaro_winkler_similarity({l}, {r}) >= 0.88"
_ALIKE_WORD = "(jaro_winkler_similarity({l}, {r}) >= 0.88 or levenshtein({l}, {r}) <= 1)"
_YEARS_APART = "abs(try_cast(left({l}, 4) as int) - try_cast(left({r}, 4) as int)) <= 2"
# Levels between the same value and no agreement at all, from near to far: what people are told, and the condition.
_NEAR: dict[str, tuple[tuple[str, str], ...]] = {
    "text": (
        ("one error or nearly alike", "levenshtein({l}, {r}) <= 1 or jaro_winkler_similarity({l}, {r}) >= 0.94"),
        ("alike", _ALIKE),
        ("somewhat alike", "jaro_winkler_similarity({l}, {r}) >= 0.75"),
    ),
    "code": (
        ("one typing error", _TYPING_ERROR),
        ("two typing errors", "damerau_levenshtein({l}, {r}) <= 2"),
        ("same beginning", "left({l}, 2) = left({r}, 2)"),
    ),
    "date": (
        ("one typing error", _TYPING_ERROR),
        ("same year", "left({l}, 4) = left({r}, 4)"),
        ("same day, other year", "substr({l}, 5) = substr({r}, 5) and substr({l}, 5) <> '0101'"),
        ("two typing errors", "damerau_levenshtein({l}, {r}) <= 2"),
        ("at most two years apart", _YEARS_APART),
    ),
    "category": (),
}


def comparisons(fields: Sequence[Field]) -> list[ComparisonCreator]:
    """One comparison a field; given and family name are one, for they are swapped and shortened together."""
    names = {field.kind: field.name for field in fields if field.kind in NAME_KINDS}
    found = [_names(names["given"], names["family"])] if names else []
    return found + [_single(field) for field in fields if field.kind not in NAME_KINDS]


def _single(field: Field) -> ComparisonCreator:
    near = [_level(condition, label, field.name) for label, condition in _NEAR[field.kind]]
    found = [levels.NullLevel(field.name), _weighed(levels.ExactMatchLevel(field.name), field.name), *near]
    return library.CustomComparison([*found, levels.ElseLevel()], output_column_name=field.name)


def _names(given: str, family: str) -> ComparisonCreator:
    def both(condition_given: str, condition_family: str, label: str) -> ComparisonLevelCreator:
        return levels.CustomLevel(f"{_on(condition_given, given)} and {_on(condition_family, family)}", label)

    crossed = sql.SQL("{} = {}").format
    g_l, g_r, f_l, f_r = (sql.Identifier(name + side) for name in (given, family) for side in ("_l", "_r"))
    one, other = crossed(g_l, f_r).as_string(), crossed(f_l, g_r).as_string()
    initial = "({l} is null or {r} is null or left({l}, 1) = left({r}, 1))"
    found = [
        levels.NullLevel(WHOLE_NAME),
        _weighed(levels.ExactMatchLevel(WHOLE_NAME), WHOLE_NAME),
        levels.CustomLevel(f"{one} and {other}", "given and family name swapped"),
        both(_ALIKE_WORD, _SAME, "same family name, given name alike"),
        both(_SAME, _ALIKE_WORD, "same given name, family name alike"),
        both(_ALIKE_WORD, _ALIKE_WORD, "both alike"),
        _level("jaro_winkler_similarity({l}, {r}) >= 0.92", "whole name alike", WHOLE_NAME),
        both(initial, _SAME, "same family name, initial fits"),
        _weighed(_level(_SAME, "same given name", given), given),
        _level(_ALIKE_WORD, "given name alike", given),
        levels.CustomLevel(f"{one} or {other}", "one name stands as the other"),
        levels.ElseLevel(),
    ]
    return library.CustomComparison(found, output_column_name=NAME)


def _on(condition: str, column: str) -> str:
    """A condition about the left and the right value of a column."""
    return sql.SQL(condition).format(l=sql.Identifier(column + "_l"), r=sql.Identifier(column + "_r")).as_string()


def _level(condition: str, label: str, column: str) -> ComparisonLevelCreator:
    return levels.CustomLevel(_on(condition, column), label)


def _weighed(level: ComparisonLevelCreator, column: str) -> ComparisonLevelCreator:
    return level.configure(tf_adjustment_column=column, tf_minimum_u_value=RAREST)

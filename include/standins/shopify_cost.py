"""What a query costs at Shopify, before and after it ran.

Documented (https://shopify.dev/docs/api/usage/limits, read 2026-11-21): a scalar or enum nothing, an object one
point, a connection "sized by first and last". How it is sized is not; here it is two points and its size times what
one entry costs, which is how it was when it was documented and no less than today's. Requested is counted from the
query, actual from the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_list_type,
)
from graphql.pyutils import Undefined
from graphql.type import get_nullable_type
from graphql.utilities import value_from_ast_untyped

CONNECTION = 2.0
MUTATION = 10.0  # "Mutation: 10 points", in the same table


@dataclass(frozen=True)
class Part:
    """A field that costs something, with the costly fields below it.

    ``first``, ``last`` and ``ids`` are what the query gives for the size: a number, a list, or the name of a variable.
    """

    key: str
    kind: Literal["object", "connection", "list", "entries", "edges", "free"]
    size: Any
    below: tuple["Part", ...]


@dataclass(frozen=True)
class _Variable:
    name: str


def parts_of(schema: GraphQLSchema, document: DocumentNode) -> tuple[Part, ...]:
    """The costly fields of a valid document's one operation."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    root = schema.mutation_type if operation.operation is OperationType.MUTATION else schema.query_type
    return _below(schema, root, operation.selection_set, fragments)


def _below(
    schema: GraphQLSchema, of: Any, selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[Part, ...]:
    found: list[Part] = []
    for one in selected.selections:
        if isinstance(one, FieldNode):
            part = _part(schema, of, one, fragments)
            found += [part] if part else []
        elif isinstance(one, InlineFragmentNode):
            inner = schema.get_type(one.type_condition.name.value) if one.type_condition else of
            found += _below(schema, inner, one.selection_set, fragments)
        elif isinstance(one, FragmentSpreadNode):
            fragment = fragments[one.name.value]
            found += _below(
                schema, schema.get_type(fragment.type_condition.name.value), fragment.selection_set, fragments
            )
    return tuple(found)


def _part(
    schema: GraphQLSchema, of: Any, one: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Part | None:
    name = one.name.value
    if name.startswith("__") or one.selection_set is None:
        return None
    returned = get_nullable_type(of.fields[name].type)
    inner = get_named_type(returned)
    if not is_composite_type(inner):
        return None
    below = _below(schema, inner, one.selection_set, fragments)
    key = one.alias.value if one.alias else name
    kind = _kind(of, inner, name, is_list_type(returned))
    return Part(key, kind, _size(one), below)


def _kind(of: GraphQLObjectType, inner: Any, name: str, is_list: bool) -> Any:
    if inner.name == "PageInfo":
        return "free"
    if inner.name.endswith("Connection"):
        return "connection"
    if of.name.endswith("Connection"):
        return {"nodes": "entries", "edges": "edges"}[name]
    return "list" if is_list else "object"


def _size(one: FieldNode) -> Any:
    for argument in one.arguments or ():
        if argument.name.value in ("first", "last", "ids"):
            variable = getattr(argument.value, "name", None)
            return _Variable(variable.value) if variable else value_from_ast_untyped(argument.value)
    return 1


def requested(parts: Sequence[Part], variables: Mapping[str, Any]) -> float:
    """Points before the query ran."""
    return sum(_requested(part, variables) for part in parts)


def _requested(part: Part, variables: Mapping[str, Any]) -> float:
    below = requested(part.below, variables)
    match part.kind:
        case "connection":
            return CONNECTION + _count(part.size, variables) * below
        case "list":
            return _count(part.size, variables) * (1 + below)
        case "edges" | "free":
            return below
        case _:
            return 1 + below


def _count(size: Any, variables: Mapping[str, Any]) -> int:
    value = variables.get(size.name, 0) if isinstance(size, _Variable) else size
    return len(value) if isinstance(value, list | tuple) else 0 if value in (None, Undefined) else int(value)


def actual(parts: Sequence[Part], data: Mapping[str, Any]) -> float:
    """Points for what came back; missing objects cost nothing."""
    total = 0.0
    for part in parts:
        value = data.get(part.key)
        if value is None:
            continue
        own = {"connection": CONNECTION, "edges": 0.0, "free": 0.0}.get(part.kind, 1.0)
        for one in value if isinstance(value, list) else (value,):
            if one is not None:
                total += own + (actual(part.below, one) if part.below else 0.0)
    return total

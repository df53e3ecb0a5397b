"""The queries of Shopify's bulk operations: which may be asked, and what lines of the file each record becomes.

A query is read once and its records are then taken from the documents directly: an engine that walks the query anew
for each record takes a minute for 100,000 orders. It gives what the engine gives; directives are not read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_argument_values,
    parse,
    validate,
)

MOST_CONNECTIONS, MOST_NESTING = 5, 2
Node = dict[str, Any]
Reader = Callable[[Any], Any]


class Invalid(ValueError):
    """A query that cannot be run in bulk; the text is the user error's message."""


def check(schema: GraphQLSchema, query: str) -> None:
    """Whether a query can be run in bulk.

    :raises Invalid: it cannot.
    """
    try:
        document = parse(query)
        errors = validate(schema, document)
    except GraphQLError as error:
        raise Invalid(f"Invalid bulk query: {error.message}") from error
    if errors:
        raise Invalid(f"Invalid bulk query: {errors[0].message}")
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY or operations[0].variable_definitions:
        raise Invalid("Bulk queries hold one query, without variables.")
    fields = [one for one in operations[0].selection_set.selections if isinstance(one, FieldNode)]
    if len(fields) != 1 or fields[0].name.value in ("node", "nodes"):
        raise Invalid("Bulk queries have one field at the top, and that is neither `node` nor `nodes`.")
    found = list(_connections(fields[0], schema.query_type, 1))
    if not 1 <= len(found) <= MOST_CONNECTIONS or max(found) > MOST_NESTING:
        raise Invalid("Bulk queries have one to five connections, nested two levels at most.")


def _connections(field: FieldNode, of: Any, depth: int) -> Iterator[int]:
    """The depth of each connection, which must be read by edge and node, with the id of what has another below it."""
    returned = of.fields[field.name.value].type
    kind = _bare(returned)
    is_connection = kind.name.endswith("Connection")
    entries = _entries(field) if is_connection else field.selection_set
    inner_of = _bare(_bare(kind.fields["edges"].type).fields["node"].type) if is_connection else kind
    if is_connection:
        yield depth
    below = [one for one in entries.selections if isinstance(one, FieldNode) and one.selection_set] if entries else []
    nested = [found for one in below for found in _connections(one, inner_of, depth + is_connection)]
    if nested and str(returned).startswith("["):
        raise Invalid("Queries that contain a connection field within a list field are not supported.")
    if nested and is_connection and "id" not in {one.name.value for one in entries.selections}:
        raise Invalid("The parent 'node' field for a nested connection must select the 'id' field.")
    yield from nested


def _bare(kind: Any) -> Any:
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    return kind


def _entries(field: FieldNode) -> SelectionSetNode:
    edges = next((one for one in field.selection_set.selections if one.name.value == "edges"), None)
    node = next((one for one in edges.selection_set.selections if one.name.value == "node"), None) if edges else None
    if node is None:
        raise Invalid("Bulk queries read a connection by `edges` and `node`.")
    return node.selection_set


@dataclass(frozen=True)
class Asked:
    """As much of a ``GraphQLResolveInfo`` as the stand-in's resolvers look at."""

    context: Any
    field_name: str
    field_nodes: Sequence[FieldNode]


class Reading:
    """All that a query asks for, piece by piece.

    :param query: one that `check` took.
    :param shop: whose ``whole`` tells where reading begins, and then where it goes on.
    """

    def __init__(self, schema: GraphQLSchema, query: str, shop: Any) -> None:
        document = parse(query)
        self._shop = shop
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        [operation] = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        [top] = self._collected(schema.query_type, [operation.selection_set]).values()
        self._find, self._complete = self._parts(schema.query_type, top)

    def read(self, cursor: str | None) -> tuple[Any, str | None]:
        """The next piece of the list, and the cursor behind it; None is the end."""
        self._shop.whole.cursor = cursor
        found = self._find(None)
        return found, self._shop.whole.cursor

    def lines(self, found: Any, grouped: bool) -> list[Node]:
        """The lines of a piece; those below a record follow it if grouped, else they stand behind all, backwards."""
        parents, children = [], []
        for edge in self._complete(found)["edges"]:
            mine = list(_lines(edge["node"], None))
            parents += mine if grouped else mine[:1]
            children += [] if grouped else mine[1:]
        return parents + children[::-1]

    def _object(self, kind: GraphQLObjectType, selected: Sequence[SelectionSetNode]) -> Reader:
        fields = []
        for key, nodes in self._collected(kind, selected).items():
            find, complete = self._parts(kind, nodes)
            fields.append((key, find, complete))
        return lambda source: {key: complete(find(source)) for key, find, complete in fields}

    def _collected(self, kind: GraphQLObjectType, selected: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of a type by the names they have in the answer, those of fragments among them."""
        found: dict[str, list[FieldNode]] = {}
        for one in (one for each in selected for one in each.selections):
            if isinstance(one, FieldNode):
                found.setdefault((one.alias or one.name).value, []).append(one)
                continue
            fragment = self._fragments[one.name.value] if isinstance(one, FragmentSpreadNode) else one
            for key, nodes in self._collected(kind, self._inside(kind, fragment)).items():
                found.setdefault(key, []).extend(nodes)
        return found

    @staticmethod
    def _inside(
        kind: GraphQLObjectType, fragment: InlineFragmentNode | FragmentDefinitionNode
    ) -> list[SelectionSetNode]:
        """What a fragment selects of a type; nothing when it is for another."""
        on = fragment.type_condition.name.value if fragment.type_condition else kind.name
        fits = on == kind.name or on in {each.name for each in kind.interfaces}
        return [fragment.selection_set] if fits else []

    def _parts(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> tuple[Reader, Reader]:
        """How a field's value is found, and how it is brought into the answer's shape."""
        name = nodes[0].name.value
        if name == "__typename":
            return lambda source: kind.name, lambda value: value
        field = kind.fields[name]
        complete = self._completed(field.type, nodes)
        if field.resolve is None:
            return lambda source: source[name], complete
        resolve, asked = field.resolve, Asked(self._shop, name, nodes)
        arguments = get_argument_values(field, nodes[0], None)
        return lambda source: resolve(source, asked, **arguments), complete

    def _completed(self, returned: Any, nodes: list[FieldNode]) -> Reader:
        if isinstance(returned, GraphQLNonNull):
            return _required(self._completed(returned.of_type, nodes), nodes[0].name.value)
        if isinstance(returned, GraphQLList):
            inner = self._completed(returned.of_type, nodes)
            return lambda value: None if value is None else [inner(one) for one in value]
        if isinstance(returned, GraphQLObjectType):
            read = self._object(returned, [one.selection_set for one in nodes if one.selection_set])
            return lambda value: None if value is None else read(value)
        serialize = returned.serialize
        return lambda value: None if value is None else serialize(value)


def _required(read: Reader, name: str) -> Reader:
    def known(value: Any) -> Any:
        found = read(value)
        if found is None:
            raise GraphQLError(f"Cannot return null for non-nullable field {name}.")
        return found

    return known


def _lines(node: Node, parent: str | None) -> Iterator[Node]:
    """A record, then all below it, each with the id of what it is below."""
    connections = {name: one for name, one in node.items() if isinstance(one, dict) and set(one) == {"edges"}}
    own = {name: one for name, one in node.items() if name not in connections}
    yield {**own, **({"__parentId": parent} if parent else {})}
    for connection in connections.values():
        for edge in connection["edges"]:
            yield from _lines(edge["node"], node["id"])

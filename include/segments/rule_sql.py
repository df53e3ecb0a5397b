"""Rule trees → SQL that people can read: one named CTE for what happened, one condition over the persons.

A rule is compiled into parts (CTEs, joins, condition), so that several rules can share one scan of the traits.
"""

from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from include.segments.rules import Compare, Condition, Every, Followed, Happened, Member, Node, Not, Some

DAY_AFTER = sql.SQL("%(as_of)s::date + 1")  # as_of's day counts whole
COLUMNS = {"age": sql.SQL("extract(year from age(%(as_of)s::date, person.birth_on))")}


@dataclass(frozen=True)
class CompiledRule:
    """A statement that gives ``person_id``, and the values of its placeholders."""

    text: str
    binds: dict[str, Any]


@dataclass
class _Compiler:
    ctes: dict[str, sql.Composable] = field(default_factory=dict)
    names: dict[Any, str] = field(default_factory=dict)  # equal questions share one CTE
    binds: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> sql.Placeholder:
        name = f"value_{len(self.binds) + 1}"
        self.binds[name] = value
        return sql.Placeholder(name)

    def since(self, span: str) -> sql.Composable:
        return sql.SQL("{} - {}::interval").format(DAY_AFTER, self.bind(span))

    def cte(self, kind: str, key: Any, make: Any) -> sql.Identifier:
        if (kind, key) not in self.names:
            self.names[(kind, key)] = f"{kind}_{sum(1 for known, _ in self.names if known == kind) + 1}"
            self.ctes[self.names[(kind, key)]] = make()
        return sql.Identifier(self.names[(kind, key)])

    def node(self, node: Node) -> sql.Composable:
        match node:
            case Every(children):
                return self._join(children, "\n    and ")
            case Some(children):
                return self._join(children, "\n    or ")
            case Not(child):
                return sql.SQL("not ({})").format(self.node(child))
            case Compare():
                column = COLUMNS.get(node.column, sql.Identifier(node.table, node.column))
                return self.compare(column, node.condition)
            case Happened():
                return self._happened(node)
            case Followed():
                name = self.cte("sequence", node, lambda: self._sequence(node))
                return sql.SQL("{}.person_id is not null").format(name)
            case Member(segment):
                name = self.cte("segment", segment, lambda: self._member(segment))
                return sql.SQL("{}.person_id is not null").format(name)

    def _join(self, children: tuple[Node, ...], word: str) -> sql.Composable:
        return sql.SQL("({})").format(sql.SQL(word).join(self.node(child) for child in children))

    def compare(self, column: sql.Composable, condition: Condition) -> sql.Composable:
        """Two-valued: a comparison with a missing value is false, so that ``not`` of it is true."""
        operator, value = condition.operator, condition.value
        if operator == "known":
            return sql.SQL("{} is not null" if value else "{} is null").format(column)
        return sql.SQL("({}) is true").format(self._comparison(column, operator, value))

    def _comparison(self, column: sql.Composable, operator: str, value: Any) -> sql.Composable:
        if operator == "within":
            return sql.SQL("{0} >= {1} and {0} < {2}").format(column, self.since(value), DAY_AFTER)
        if operator == "before":
            return sql.SQL("{} < {}").format(column, self.since(value))
        if operator == "between":
            return sql.SQL("{} between {} and {}").format(column, self.bind(value[0]), self.bind(value[1]))
        templates = {
            "in": "{} = any({})",
            "not_in": "{} <> all({})",
            "contains": "{} @> array[{}]::text[]",
            "contains_any": "{} && {}::text[]",
            "contains_all": "{} @> {}::text[]",
            "starts_with": "starts_with({}, {})",
            "!=": "{} <> {}",
        }
        template = templates.get(operator, "{} " + operator + " {}")  # the others are spelled as in SQL
        bound = list(value) if isinstance(value, list) else value
        return sql.SQL(template).format(column, self.bind(bound))

    def _window(self, alias: str, name: str, within: str | None) -> sql.Composable:
        """Which rows are this event, up to the end of as_of."""
        at = sql.Identifier(alias, "ordered_at" if name == "order_placed" else "occurred_at")
        parts = [
            sql.SQL("{}.is_purchase").format(sql.Identifier(alias))
            if name == "order_placed"
            else sql.SQL("{}.name = {}").format(sql.Identifier(alias), self.bind(name)),
            sql.SQL("{} < {}").format(at, DAY_AFTER),
        ]
        if within is not None:
            parts.insert(1, sql.SQL("{} >= {}").format(at, self.since(within)))
        return sql.SQL("\n            and ").join(parts)

    def _happened(self, node: Happened) -> sql.Composable:
        name = self.cte("event", (node.name, node.within, repr(node.amount)), lambda: self._counted(node))
        conditions = [self.compare(sql.SQL("coalesce({}.times, 0)").format(name), node.count)]
        for column, condition in (("first_at", node.first), ("last_at", node.last)):
            if condition is not None:
                conditions.append(self.compare(sql.SQL("{}.{}").format(name, sql.Identifier(column)), condition))
        return sql.SQL("({})").format(sql.SQL(" and ").join(conditions))

    def _counted(self, node: Happened) -> sql.Composable:
        where = self._window("happened", node.name, node.within)
        if node.amount is not None:
            column = sql.Identifier("happened", "total_cents" if node.name == "order_placed" else "amount_minor")
            where = sql.SQL("{}\n            and {}").format(where, self.compare(column, node.amount))
        return sql.SQL("""
        select
            happened.person_id,
            count(*) as times,
            min(happened.{at}) as first_at,
            max(happened.{at}) as last_at
        from {table} as happened
        where
            {where}
        group by happened.person_id
    """).format(at=_at(node.name), table=_table(node.name), where=where)

    def _sequence(self, node: Followed) -> sql.Composable:
        did = self._window("did", node.did, node.within)
        later = self._window("later", node.then, None)
        did_at, later_at = sql.Identifier("did", *_at(node.did)._obj), sql.Identifier("later", *_at(node.then)._obj)
        after = sql.SQL("{} > {}").format(later_at, did_at)
        if node.wait is not None:
            until = sql.SQL("{} + {}::interval").format(did_at, self.bind(node.wait))
            after = sql.SQL("{} and {} <= {}").format(after, later_at, until)
            if node.negated:  # before the wait is over nobody can say "did not"
                did = sql.SQL("{}\n            and {} < {}").format(did, until, DAY_AFTER)
        return sql.SQL("""
        select distinct did.person_id
        from {did_table} as did
        where
            {did}
            and {word} (
                select from {later_table} as later
                where later.person_id = did.person_id and {after}
                and {later}
            )
    """).format(
            did_table=_table(node.did),
            did=did,
            word=sql.SQL("not exists" if node.negated else "exists"),
            later_table=_table(node.then),
            after=after,
            later=later,
        )

    def _member(self, segment: str) -> sql.Composable:
        return sql.SQL(
            "\n        select person_id\n        from segment.current\n        where segment = {}\n    "
        ).format(self.bind(segment))


def _table(event: str) -> sql.Identifier:
    return sql.Identifier("profile", "person_order" if event == "order_placed" else "person_event")


def _at(event: str) -> sql.Identifier:
    return sql.Identifier("ordered_at" if event == "order_placed" else "occurred_at")


def compile_rule(node: Node) -> CompiledRule:
    """The SELECT a rule means: one row per person of ``profile.person`` for whom it is true."""
    compiler = _Compiler()
    condition = compiler.node(node)
    ctes = sql.SQL(",\n    ").join(
        sql.SQL("{} as ({})").format(sql.Identifier(name), body) for name, body in compiler.ctes.items()
    )
    joins = [
        sql.SQL("left join {0} on {0}.person_id = person.person_id").format(sql.Identifier(name))
        for name in compiler.ctes
    ]
    text = sql.SQL(
        "{head}select person.person_id\nfrom profile.person as person\n{joins}\nwhere\n    {condition}\n"
    ).format(
        head=sql.SQL("with\n    {}\n").format(ctes) if compiler.ctes else sql.SQL(""),
        joins=sql.SQL("\n").join(
            [sql.SQL("left join profile.trait as trait on trait.person_id = person.person_id"), *joins]
        ),
        condition=condition,
    )
    return CompiledRule(text.as_string(None), compiler.binds)

"""Segments as files: read, checked, put in the order they are built in.

Nothing here needs a database: a wrong file is refused when it is read (by a DAG, the command line or a test),
with file, line, cause and mend.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from include import warehouse
from include.errors import ConfigError
from include.segments.front_matter import Located, complain, read_yaml, split_sql
from include.segments.head import Audience, Limits, read_audiences, read_limits, read_params, read_text
from include.segments.rule_sql import compile_rule
from include.segments.rules import RuleReader, segments_named
from include.segments.select_check import check_placeholders, check_select, normal_form, segments_read

SEGMENTS_FOLDER = warehouse.SQL_ROOT / "segments"
KINDS = (
    "demographic",
    "geographic",
    "behavioural",
    "psychographic",
    "technographic",
    "contextual",
    "transactional",
    "value",
    "lifecycle",
)
KEYS = ("segment", "title", "owner", "kind", "goal", "purpose", "params", "limits", "audiences")
NEEDED = ("segment", "title", "owner", "kind", "goal")


@dataclass(frozen=True)
class Segment:
    """One segment, as its file says.

    :ivar sql: the SELECT that gives ``person_id``; for a rule, what the rule compiles to.
    :ivar binds: values of its placeholders, without ``as_of``.
    :ivar body: the statement or rule as the author wrote it.
    :ivar depends_on: segments that must be built before.
    :ivar version: hash of the meaning: statement or rule, parameters, and the versions of ``depends_on``. Comments,
        white space, letter case, title, owner, limits and audiences do not change it.
    """

    name: str
    title: str
    owner: str
    kind: str
    goal: str
    purpose: Literal["email", "ads"] | None
    limits: Limits
    audiences: tuple[Audience, ...]
    depends_on: tuple[str, ...]
    sql: str
    binds: Mapping[str, Any]
    body: str
    version: str
    path: Path
    front_matter: Mapping[str, Any]

    @cached_property
    def front_matter_json(self) -> str:
        """The front matter as JSON; dates as ISO 8601."""
        return json.dumps(self.front_matter, default=str, sort_keys=True)


@dataclass(frozen=True)
class _Draft:
    """A file that was read for itself; its version needs the others."""

    path: Path
    head: Located
    body: str
    sql: str
    binds: dict[str, Any]
    meaning: str
    depends_on: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.head["segment"]


def _check_head(head: Located, path: Path, keys: tuple[str, ...]) -> None:
    for key in head:
        if key not in keys:
            raise complain(path, head.line_of(key), f"unknown key {key!r}", f"use one of {', '.join(keys)}")
    for key in NEEDED:
        if key not in head:
            raise complain(path, head.line, f"{key!r} is missing", f"add `{key}: …`")
        read_text(head, key, path)
    if head["segment"] != path.stem:
        raise complain(
            path,
            head.line_of("segment"),
            f"the file is called {path.stem!r}, the segment {head['segment']!r}",
            "give both one name",
        )
    if head["kind"] not in KINDS:
        raise complain(path, head.line_of("kind"), f"unknown kind {head['kind']!r}", f"use one of {', '.join(KINDS)}")
    if head.get("purpose") not in (None, "email", "ads"):
        raise complain(path, head.line_of("purpose"), f"unknown purpose {head['purpose']!r}", "use email or ads")


def _read_sql(path: Path) -> _Draft:
    head, body, line = split_sql(path.read_text(encoding="utf-8"), path)
    _check_head(head, path, KEYS)
    params = read_params(head, path)
    check_placeholders(body, params, path, line)
    tree = check_select(body.replace("%%", "%"), path, line)
    meaning = json.dumps([normal_form(body), params], default=str, sort_keys=True)
    return _Draft(path, head, body.strip(), body, params, meaning, segments_read(tree, body, path, line))


def _read_rule(path: Path) -> _Draft:
    text = path.read_text(encoding="utf-8")
    head = read_yaml(text, path)
    _check_head(head, path, (*(key for key in KEYS if key != "params"), "rule"))
    if "rule" not in head:
        raise complain(path, head.line, "'rule' is missing", "add `rule: …`")
    node = RuleReader(path).node(head["rule"], head.line_of("rule"))
    compiled = compile_rule(node)
    rest = Located({key: value for key, value in head.items() if key != "rule"})
    rest.line, rest.lines = head.line, head.lines
    return _Draft(path, rest, text, compiled.text, compiled.binds, repr(node), tuple(sorted(segments_named(node))))


def _finish(draft: _Draft, versions: Mapping[str, str]) -> Segment:
    head = draft.head
    below = [f"{name}:{versions[name]}" for name in draft.depends_on]
    version = hashlib.sha256("\x1e".join([draft.meaning, *below]).encode()).hexdigest()[:16]
    return Segment(
        name=draft.name,
        title=head["title"],
        owner=head["owner"],
        kind=head["kind"],
        goal=head["goal"],
        purpose=head.get("purpose"),
        limits=read_limits(head, draft.path),
        audiences=read_audiences(head, draft.path),
        depends_on=draft.depends_on,
        sql=draft.sql,
        binds=draft.binds,
        body=draft.body,
        version=version,
        path=draft.path,
        front_matter=dict(head),
    )


def _in_order(drafts: Mapping[str, _Draft]) -> list[str]:
    for draft in drafts.values():
        for name in draft.depends_on:
            if name not in drafts:
                raise complain(
                    draft.path,
                    1,
                    f"it builds on segment {name!r}, which no file defines",
                    f"name one of {', '.join(sorted(drafts))}",
                )
    try:
        graph = {name: drafts[name].depends_on for name in sorted(drafts)}
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = error.args[1]
        raise complain(
            drafts[circle[0]].path,
            1,
            f"segments build on each other in a circle: {' → '.join(circle)}",
            "take one of these references out",
        ) from None


def _refuse_shared_audiences(segments: Mapping[str, Segment]) -> None:
    taken: dict[tuple[str, str], Segment] = {}
    for segment in segments.values():
        for audience in segment.audiences:
            other = taken.setdefault((audience.destination, audience.key.casefold()), segment)
            if other is not segment:
                raise complain(
                    segment.path,
                    audience.line,
                    f"{audience.destination} audience {audience.key!r} is fed by segment {other.name!r} too",
                    "give each segment an audience of its own",
                )


def load_definitions(folder: Path = SEGMENTS_FOLDER) -> dict[str, Segment]:
    """Every segment file of a folder, by name, in the order they have to be built.

    :raises ConfigError: a file is wrong, two have one name or one audience, or they build on each other in a circle.
    """
    paths = sorted([*folder.glob("*.sql"), *folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not paths:
        raise ConfigError(f"{folder.name}/ holds no segment; an empty folder would empty every audience. Add a file.")
    drafts: dict[str, _Draft] = {}
    for path in paths:
        draft = _read_sql(path) if path.suffix == ".sql" else _read_rule(path)
        if draft.name in drafts:
            raise complain(
                path, 1, f"segment {draft.name!r} is defined by {drafts[draft.name].path.name} too", "keep one file"
            )
        drafts[draft.name] = draft
    segments: dict[str, Segment] = {}
    for name in _in_order(drafts):
        segments[name] = _finish(drafts[name], {done.name: done.version for done in segments.values()})
    _refuse_shared_audiences(segments)
    return segments

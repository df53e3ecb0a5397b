"""``segment list``, ``segment show NAME``, ``segment preview NAME``."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer

from include import warehouse
from include.cli.app import AsOf, Json, NotFoundError, day, warehouse_connection
from include.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:  # the reader of segment files brings a SQL parser along: only for the commands that read them
    from include.segments.definition import Segment
    from include.segments.preview import Preview

commands = typer.Typer(no_args_is_help=True, help="What the segment files say, and what came of them.")
Name = Annotated[str, typer.Argument(help="Name of the segment: the stem of its file in sql/segments/.")]


def _find(name: str) -> tuple[dict[str, "Segment"], "Segment"]:
    from include.segments.definition import load_definitions

    segments = load_definitions()
    if name not in segments:
        raise NotFoundError(f"There is no segment {name!r}. There are: {', '.join(sorted(segments))}.")
    return segments, segments[name]


def _audiences(segment: "Segment") -> list[str]:
    return [f"{audience.destination}:{audience.key}" for audience in segment.audiences]


def _newest_builds(conn: psycopg.Connection) -> dict[str, dict[str, Any]]:
    return {row["segment"]: row for row in warehouse.rows(conn, "membership/newest_builds")}


@commands.command("list")
def list_segments(json: Json = False) -> None:
    """Every segment with its newest build: size, who entered and left, alert, audiences."""
    from include.segments.definition import load_definitions

    segments = load_definitions()
    with warehouse_connection() as conn:
        builds = _newest_builds(conn)
    nothing = {
        "size": None,
        "entered": None,
        "left": None,
        "as_of": None,
        "built_at": None,
        "alert": None,
        "version": None,
    }
    listed = []
    for name, segment in sorted(segments.items()):
        build = {key: builds.get(name, nothing)[key] for key in nothing}
        stale = build["version"] not in (None, segment.version)
        listed.append(
            {
                "segment": name,
                "kind": segment.kind,
                "title": segment.title,
                "owner": segment.owner,
                **build,
                "version": segment.version,
                "changed_since_build": stale,
                "audiences": _audiences(segment),
                "depends_on": list(segment.depends_on),
            }
        )
    if json:
        print_json(listed)
        return
    print_table(
        "Segments",
        [
            "segment",
            "kind",
            "owner",
            "size",
            "entered",
            "left",
            "built_at",
            "changed_since_build",
            "alert",
            "audiences",
        ],
        listed,
    )


@commands.command("show")
def show(name: Name, json: Json = False) -> None:
    """What a segment's file says, and the SQL it means."""
    _, segment = _find(name)
    readable = re.sub(r'"([a-z_][a-z0-9_]*)"', r"\1", segment.sql) if segment.path.suffix != ".sql" else segment.body
    if json:
        print_json(
            {
                "segment": name,
                "version": segment.version,
                "front_matter": segment.front_matter,
                "depends_on": segment.depends_on,
                "sql": readable,
                "binds": segment.binds,
            }
        )
        return
    print_line(f"{segment.title} ({segment.kind}, {segment.owner}): {segment.goal}")
    print_line(
        f"version {segment.version}, file {segment.path.name}, builds on {', '.join(segment.depends_on) or 'nothing'}\n"
    )
    print_line(readable.strip())
    for key, value in segment.binds.items():
        print_line(f"  {key} = {value!r}")


@commands.command("preview")
def preview(
    name: Name,
    as_of: AsOf = None,
    timeout: Annotated[int | None, typer.Option(min=1, help="Seconds the statement may take; 300.")] = None,
    json: Json = False,
) -> None:
    """Size, reach per destination, consent and a masked sample. Writes nothing; works before the first build."""
    from include.segments.cage import TIMEOUT_SECONDS
    from include.segments.preview import preview_segment

    segments, segment = _find(name)
    with warehouse_connection() as conn:
        found = preview_segment(conn, segments, name, as_of=day(as_of), timeout_seconds=timeout or TIMEOUT_SECONDS)
    if json:
        print_json(found)
        return
    _print_preview(segment, found)


def _print_preview(segment: "Segment", found: "Preview") -> None:
    share = 100 * found.size / found.persons if found.persons else 0.0
    print_line(f"{segment.title} ({segment.name}), as of {found.as_of}")
    print_line(
        f"{found.size:,} of {found.persons:,} persons ({share:.1f} %); "
        f"{found.would_enter:,} would enter, {found.would_leave:,} would leave."
    )
    if found.visitors:
        print_line(f"{found.visitors:,} of them are visitors who never said who they are: no platform is sent them.")
    if found.built_version is None:
        print_line("Never built so far.")
    elif found.built_version != found.version:
        print_line("The definition changed since it was last built.")
    print_table(
        "Reach",
        ["destination", "purpose", "audiences", "with_identifier", "granted", "withdrawn", "unknown", "reachable"],
        [vars(reach) for reach in found.reach],
    )
    print_table(
        "Sample (masked)",
        ["person_id", "email", "first_name", "country", "lifecycle", "order_count"],
        found.sample,
        empty="nobody",
    )
    print_line("Nothing was written.")

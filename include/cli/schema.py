"""``schema changes``, ``schema columns``, ``schema accept``."""

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from include.cli.app import Json, NotFoundError, warehouse_connection
from include.cli.output import print_json, print_line, print_table

commands = typer.Typer(no_args_is_help=True, help="What the records of streams are made of, and what changed.")
Stream = Annotated[str, typer.Argument(help="Name of the stream, as in shopify.orders.")]


@commands.command("changes")
def list_changes(
    stream: Annotated[str | None, typer.Argument(help="Only this stream.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that nobody needs to look at.")] = False,
    json: Json = False,
) -> None:
    """Changes of columns that wait for somebody, with counts and first sight."""
    from include.schema_contract import accept

    with warehouse_connection() as conn:
        found = [asdict(one) for one in accept.changes(conn, stream=stream, waiting=not every)]
    if json:
        print_json(found)
        return
    shown = ["stream", "part", "path", "kind", "expected", "found", "rows", "of_rows", "state", "first_seen_at"]
    print_table("Changes", shown, found, empty="no change waits for anybody")


@commands.command("columns")
def list_columns(stream: Stream, json: Json = False) -> None:
    """The known columns of a stream: types, in how many records, since when."""
    from include.schema_contract import accept

    with warehouse_connection() as conn:
        found = [asdict(one) for one in accept.columns(conn, stream)]
    if not found:
        raise NotFoundError(f"Nothing is known of a stream {stream!r}; it is learned when a batch of it is published.")
    if json:
        print_json(found)
        return
    shown = ["part", "path", "types", "state", "rows", "of_rows", "first_seen_at", "last_seen_at"]
    print_table(stream, shown, found)


@commands.command("accept")
def accept_changes(
    stream: Stream,
    paths: Annotated[list[str] | None, typer.Argument(help="Only these columns; all that wait when left out.")] = None,
    who: Annotated[str | None, typer.Option(help="Who decides; your user name when left out.")] = None,
    json: Json = False,
) -> None:
    """Let changes of a stream pass, from its next check on. Each is audited."""
    from include.schema_contract import accept

    with warehouse_connection() as conn:
        accepted = accept.accept(conn, stream, who=who or getpass.getuser(), paths=paths or ())
    if not accepted:
        raise NotFoundError("No such change waits; `schema changes` shows what does.")
    if json:
        print_json([asdict(one) for one in accepted])
        return
    for one in accepted:
        print_line(f"Accepted: {one.path} ({one.kind}). The next check of {stream} lets it pass.")

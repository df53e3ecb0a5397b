"""``checks list`` and ``checks accept``: checks over several sources."""

import getpass
from typing import Annotated

import typer

from include.cli.app import Json, NotFoundError, warehouse_connection
from include.cli.output import print_json, print_line, print_table

commands = typer.Typer(no_args_is_help=True, help="Checks of sources against each other.")


@commands.command("list")
def list_checks(json: Json = False) -> None:
    """The newest result of each check."""
    from include import warehouse

    with warehouse_connection() as conn:
        found = warehouse.rows(conn, "quality/list_cross")
    if json:
        print_json(found)
        return
    shown = ["check_name", "as_of", "severity", "passed", "judged", "checked_rows", "failed_rows", "found", "usual"]
    print_table("Checks", [*shown, "accepted_by"], found, empty="none was asked yet")


@commands.command("accept")
def accept_check(
    name: Annotated[str, typer.Argument(help="Name of the check, from `checks list`.")],
    who: Annotated[str | None, typer.Option(help="Who decides; your user name when left out.")] = None,
    json: Json = False,
) -> None:
    """Let a failed check pass: what it found counts as usual. Audited."""
    from include import cross_checks

    with warehouse_connection() as conn:
        accepted = cross_checks.accept(conn, name, who=who or getpass.getuser())
    if not accepted:
        raise NotFoundError("No failed result of that check waits; `checks list` shows what there is.")
    if json:
        print_json({"accepted": name})
        return
    print_line(f"Accepted: {name}. Persons are built again; clear the task or wait for the next run.")

"""``debts list``: removals that are behind, with age and deadline."""

from typing import Annotated

import typer

from include.cli.app import Json, warehouse_connection
from include.cli.output import print_json, print_table

commands = typer.Typer(no_args_is_help=True, help="Removals that are behind.")


@commands.callback()
def _group() -> None:
    """Keeps `list` a command of its own."""


@commands.command("list")
def list_debts(
    destination: Annotated[str | None, typer.Option(help="Only this destination.")] = None,
    json: Json = False,
) -> None:
    """Refused, unanswered and held removals, and withdrawals not yet carried out, the oldest first."""
    from include.ledger import debts

    with warehouse_connection() as conn:
        found = [{**vars(debt), "age": debt.age} for debt in debts.listed(conn, destination)]
    if json:
        print_json(found)
        return
    print_table(
        "Removals that are behind",
        ["destination", "audience", "kind", "people", "age", "due_at", "overdue", "error_code"],
        found,
        empty="none",
    )

"""``alerts list``: what people were told is failing."""

import typer

from include.cli.app import Json, warehouse_connection
from include.cli.output import print_json, print_table

commands = typer.Typer(no_args_is_help=True, help="What people were told is failing.")


@commands.callback()
def _group() -> None:
    """Keeps `list` a command of its own."""


@commands.command("list")
def list_open(json: Json = False) -> None:
    """Open alerts, the oldest first: since when, whose, how often it came and went, when it was last told, and
    what fails beside it by the same cause."""
    from include import alerts

    with warehouse_connection() as conn:
        found = alerts.open_alerts(conn)
    if json:
        print_json(found)
        return
    columns = ["subject", "state", "owner", "opened_at", "spells", "told_at", "summary", "beside"]
    print_table("Open alerts", columns, found, empty="nothing that people were told of is failing")

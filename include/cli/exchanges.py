"""``exchanges show --batch N``: what was asked and answered about one batch, masked."""

from typing import Annotated, Any

import typer

from include import warehouse
from include.cli.app import Json, NotFoundError, warehouse_connection
from include.cli.output import print_json, print_line, print_table

CALL = ["at", "method", "path", "status", "milliseconds", "request_bytes", "answer_bytes", "request_id"]

commands = typer.Typer(no_args_is_help=True, help="What was asked and answered.")


@commands.callback()
def _group() -> None:
    """Keeps `show` a command of its own."""


@commands.command("show")
def show(
    batch: Annotated[int, typer.Option("--batch", help="A batch_id of audience.batch.")], json: Json = False
) -> None:
    """The calls that served a batch: path, status, time, sizes, and both bodies with everything personal masked."""
    with warehouse_connection() as conn:
        found = warehouse.rows(conn, "ledger/batch", {"batch_id": batch})
        calls = warehouse.rows(conn, "ledger/exchanges", {"batch_id": batch})
    if not found:
        raise NotFoundError(f"There is no batch {batch}; the table audience.batch lists them.")
    if json:
        print_json({"batch": found[0], "exchanges": calls})
        return
    _print(found[0], calls)


def _print(batch: dict[str, Any], calls: list[dict[str, Any]]) -> None:
    print_line(
        f"Batch {batch['batch_id']}: {batch['operation']} on {batch['destination']} {batch['audience']}, "
        f"{batch['state']}; {batch['sent']} sent, {batch['accepted']} accepted, {batch['rejected']} rejected, "
        f"{batch['unknown']} unknown"
    )
    print_table("Calls", CALL, calls, empty="none kept (they are pruned by age)")
    for number, call in enumerate(calls, 1):
        for part in ("request", "answer"):
            if call[part] is not None:
                print_line(f"{number}. {part}: {call[part]}")

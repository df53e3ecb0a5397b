"""``sync plan DESTINATION``: what the next sync would send, without sending it."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import psycopg
import typer

from include.cli.app import AsOf, Json, NotFoundError, day, warehouse_connection
from include.cli.output import print_json, print_line, print_table
from include.destinations.registry import DESTINATIONS
from include.ledger import audiences
from include.ledger.plan import plan_audience

commands = typer.Typer(no_args_is_help=True, help="What goes to the platforms.")


@commands.callback()
def _group() -> None:
    """Keeps `plan` a command of its own."""


def _plans(conn: psycopg.Connection, name: str, as_of: date) -> list[dict[str, Any]]:
    destination = DESTINATIONS[name]
    found = []
    with conn.transaction(force_rollback=True):  # also the audiences that only the files know so far
        audiences.register(conn)
        for audience in audiences.of_destination(conn, name):
            plan = asdict(plan_audience(conn, audience.audience_id, destination, as_of=as_of))
            found.append({"audience": audience.key, "segment": audience.segment, "active": audience.active, **plan})
    return found


@commands.command("plan")
def plan(
    destination: Annotated[str, typer.Argument(help="mailchimp, meta, …")],
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """A dry run: adds, updates, removals and what would be held, per audience. Sends and writes nothing."""
    if destination not in DESTINATIONS:
        raise NotFoundError(f"There is no destination {destination!r}. There are: {', '.join(sorted(DESTINATIONS))}.")
    with warehouse_connection() as conn:
        found = _plans(conn, destination, day(as_of))
    if json:
        print_json({"destination": destination, "as_of": day(as_of), "audiences": found})
        return
    print_table(
        f"Plan for {destination}, as of {day(as_of)}",
        ["audience", "segment", "size", "adds", "updates", "removes", "held", "reason", "plan_hash"],
        found,
        empty="no segment feeds it",
    )
    print_line("Nothing was sent or written.")

"""``holds list``, ``holds show``, ``holds approve``, ``holds reject``."""

import getpass
from typing import Annotated

import typer

from include.cli.app import Json, NotFoundError, warehouse_connection
from include.cli.output import print_json, print_line, print_table
from include.errors import ConfigError, FatalError

commands = typer.Typer(no_args_is_help=True, help="Removals that wait for a person.")
STATES = ("open", "approved", "rejected", "closed")
Id = Annotated[int, typer.Argument(metavar="HOLD", help="Number of the hold, from `holds list`.")]
Who = Annotated[str | None, typer.Option(help="Who decides; your user name when left out.")]
Why = Annotated[str | None, typer.Option(help="Kept in the audit, beside your name.")]


@commands.command("list")
def list_holds(
    state: Annotated[str, typer.Option(help=f"One of waiting, {', '.join(STATES)}, all.")] = "waiting",
    json: Json = False,
) -> None:
    """Holds with size, age and reason, newest first. Waiting: open, approved and not yet sent, or rejected and kept."""
    from include.ledger import holds

    if state not in (*STATES, "all", "waiting"):
        raise ConfigError(f"There is no state {state!r}; use one of waiting, {', '.join(STATES)}, all.")
    states = {"waiting": holds.WAITING, "all": None}.get(state, (state,))
    with warehouse_connection() as conn:
        found = holds.listed(conn, states=states)
    if json:
        print_json([{**vars(hold), "age": hold.age} for hold in found])
        return
    print_table(
        "Holds",
        ["hold_id", "destination", "audience", "removals", "audience_size", "age", "state", "reason", "decided_by"],
        [{**vars(hold), "age": hold.age} for hold in found],
        empty="no removal waits for a person",
    )


@commands.command("show")
def show(hold_id: Id, json: Json = False) -> None:
    """One hold: size, age, reason, causes, a masked sample, who decided and why."""
    from include.ledger import holds

    with warehouse_connection() as conn:
        try:
            hold = holds.show(conn, hold_id)
        except FatalError as error:
            raise NotFoundError(str(error)) from None
    if json:
        print_json({**vars(hold), "age": hold.age})
        return
    print_line(
        f"Hold {hold.hold_id}: {hold.removals:,} of {hold.audience_size:,} people would leave {hold.audience} "
        f"at {hold.destination} (segment {hold.segment}, owner {hold.owner or 'unknown'})"
    )
    print_line(f"Held because: {hold.reason}. Waiting for {hold.age}; {hold.state}.")
    if hold.decided_by:
        why = f": {hold.decided_why}" if hold.decided_why else ""
        print_line(f"{hold.decision} by {hold.decided_by} at {hold.decided_at:%Y-%m-%d %H:%M} UTC{why}")
    print_table("Causes", ["cause", "people"], [{"cause": cause, "people": n} for cause, n in hold.causes.items()])
    print_table("Sample (masked)", ["person_id", "email", "phone", "cause"], hold.sample, empty="nobody")


def _decide(hold_id: int, who: str | None, why: str | None, json: bool, *, approve: bool) -> None:
    from include.ledger import guard, holds

    with warehouse_connection() as conn:
        (guard.approve if approve else guard.reject)(conn, hold_id, who or getpass.getuser(), why)
        hold = holds.show(conn, hold_id)
    if json:
        print_json({**vars(hold), "age": hold.age})
    elif approve:
        print_line(
            f"Approved: up to {hold.removals:,} removals go with the next sync of {hold.destination}. "
            "The difference is computed anew; nobody goes who was not shown."
        )
    else:
        print_line(f"Rejected: {hold.removals:,} people stay in {hold.audience}; asked again when others would leave.")


@commands.command("approve")
def approve(hold_id: Id, who: Who = None, why: Why = None, json: Json = False) -> None:
    """Let the removals that a hold shows go with the next sync, and nobody else's."""
    _decide(hold_id, who, why, json, approve=True)


@commands.command("reject")
def reject(hold_id: Id, who: Who = None, why: Why = None, json: Json = False) -> None:
    """Keep the people of a hold; asked again only when somebody else would be removed."""
    _decide(hold_id, who, why, json, approve=False)

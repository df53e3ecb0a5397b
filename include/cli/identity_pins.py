"""``identity merge A B``, ``identity split A B``, ``identity undo PIN``, ``identity pins``."""

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.cli.app import Json, warehouse_connection
from include.cli.identity_ends import By, EndName, end
from include.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from include.identity.pins import Pinned

Why = Annotated[str, typer.Option("--why", help="Kept with the pin and in the audit, beside your name.")]
THEN = "The next build_persons applies it; until then nothing changes."


def merge(a: EndName, b: EndName, why: Why, by: By = None, json: Json = False) -> None:
    """Decide that two records are one person, whatever the rules say; outlives every rebuild."""
    from include.identity import pins

    made = _pin(pins.merge, a, b, why, by)
    if json:
        print_json(made)
        return
    print_line(f"Pin {made.pin_id}: {made.a} and {made.b} are one person.")
    print_line(f"Today they are {made.persons[0]} and {made.persons[1]}. {THEN}")
    print_line("The older person's id stays, the younger one leads to it. What a split pin parts stays apart.")


def split(a: EndName, b: EndName, why: Why, by: By = None, json: Json = False) -> None:
    """Decide that two records of one person are two persons, whatever the rules say; outlives every rebuild."""
    from include.identity import pins

    made = _pin(pins.split, a, b, why, by)
    if json:
        print_json(made)
        return
    print_line(f"Pin {made.pin_id}: {made.a} and {made.b} are two persons.")
    print_line(f"Today both are {made.persons[0]}. {THEN}")
    print_line("Their other records go with the one they are linked to more strongly; the oldest record keeps the id.")


def undo(
    pin: Annotated[int, typer.Argument(metavar="PIN", help="Number of the pin, from `identity pins`.")],
    why: Why,
    by: By = None,
    json: Json = False,
) -> None:
    """Take a pin back: records and rules decide again."""
    from include.identity import pins

    with warehouse_connection() as conn:
        kind = pins.undo(conn, pin, who=by or getpass.getuser(), why=why)
    if json:
        print_json({"pin_id": pin, "kind": kind, "undone": True})
        return
    print_line(f"Pin {pin} ({kind}) is undone: records and rules decide again. {THEN}")


def list_pins(
    undone_too: Annotated[bool, typer.Option("--all", help="Also those that were undone.")] = False,
    json: Json = False,
) -> None:
    """Every decision by hand in force: who, when, why, and whether a build has applied it."""
    from include.identity import pins

    with warehouse_connection() as conn:
        found = pins.listed(conn, undone_too=undone_too)
    if json:
        print_json([{**vars(pin), "state": pin.state} for pin in found])
        return
    print_table(
        "Pins",
        ["pin", "kind", "a", "b", "who", "decided_at", "why", "state"],
        [{**vars(pin), "pin": pin.number, "state": pin.state} for pin in found],
        empty="nothing was decided by hand",
    )


def _pin(decide: Callable[..., "Pinned"], a: str, b: str, why: str, by: str | None) -> Any:
    with warehouse_connection() as conn:
        return decide(conn, end(conn, a), end(conn, b), who=by or getpass.getuser(), why=why)

"""What the commands of ``identity`` share: naming an end, showing values, who asks."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import psycopg
import typer

from include import warehouse
from include.cli.app import NotFoundError
from include.errors import ConfigError

if TYPE_CHECKING:
    from include.identity.ends import End
    from include.identity.explain import Show

END_HELP = (
    "A record (hubspot.contacts:9), a person id of today or the past, or an identifier (email=…, shopify_customer=77, "
    "an address as it is); - reads it from stdin, so that no address stays in the shell's history."
)
EndName = Annotated[str, typer.Argument(metavar="END", help=END_HELP)]
ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Show personal values unmasked; that is written to the audit.")
]
By = Annotated[str | None, typer.Option("--by", help="Who asks or decides; your user name when left out.")]


def end(conn: psycopg.Connection, named: str) -> "End":
    """What an argument names; ``-`` is a line of stdin.

    :raises NotFoundError: nothing of that name is known.
    """
    from include.identity.ends import UnknownEndError, find_end

    if named == "-":
        named = sys.stdin.readline()
        if not named.strip():
            raise ConfigError("Nothing came on stdin for `-`; write one name a line.")
    try:
        return find_end(conn, named)
    except UnknownEndError as error:
        raise NotFoundError(str(error)) from None


def shower(conn: psycopg.Connection, subject: str, by: str | None, *, unmasked: bool) -> "Show":
    """How values are shown. Unmasked ones are shown only after the audit has been written."""
    from include import mask
    from include.identity.explain import plain

    if not unmasked:
        return mask.identifier
    warehouse.run(conn, "explain/audit", {"who": by or getpass.getuser(), "subject": subject})
    conn.commit()
    return plain


def one_person(found: "End") -> UUID:
    """The person of an end.

    :raises NotFoundError: it is nobody's.
    :raises ConfigError: it is the end of several persons.
    """
    if len(found.persons) == 1:
        return found.persons[0]
    if found.persons:
        raise ConfigError(f"{found.label} belongs to {len(found.persons)} persons; name one of them by its id.")
    if found.carriers:
        others = len(found.carriers)
        raise NotFoundError(
            f"{found.label} joins nobody; {'persons that carry it' if others > 1 else 'a person that carries it'}: "
            f"{', '.join(map(str, found.carriers[:3]))}{' …' if others > 3 else ''}."
        )
    raise NotFoundError(f"{found.label} is nobody's: its source deleted it.")

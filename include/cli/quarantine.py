"""``quarantine list`` and ``quarantine release``."""

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from include import quarantine
from include.cli.app import Json, NotFoundError, warehouse_connection
from include.cli.output import print_json, print_line, print_table
from include.errors import ConfigError

commands = typer.Typer(no_args_is_help=True, help="Landed records that were set aside.")
STATES = ("held", "released", "published", "superseded", "all")
Stream = Annotated[str | None, typer.Option(help="Only this stream, as in shopify.orders.")]
Rule = Annotated[str | None, typer.Option(help="Only this rule.")]


@commands.command("list")
def list_quarantined(
    stream: Stream = None,
    rule: Rule = None,
    state: Annotated[str, typer.Option(help=f"One of {', '.join(STATES)}.")] = "held",
    limit: Annotated[int, typer.Option(min=1, help="Entries at most.")] = quarantine.LIMIT,
    json: Json = False,
) -> None:
    """How much is held by which rule, and the newest entries."""
    if state not in STATES:
        raise ConfigError(f"There is no state {state!r}; use one of {', '.join(STATES)}.")
    wanted = None if state == "all" else state
    with warehouse_connection() as conn:
        counts = [asdict(row) for row in quarantine.counts(conn, stream=stream, rule=rule, state=wanted)]
        entries = [asdict(row) for row in quarantine.listed(conn, stream=stream, rule=rule, state=wanted, limit=limit)]
    if json:
        print_json({"counts": counts, "entries": entries})
        return
    print_table(
        "By rule", ["stream", "rule", "reason", "state", "records", "oldest_at"], counts, empty="nothing is set aside"
    )
    if entries:
        print_table(
            "Newest", ["quarantine_id", "stream", "record_key", "rule", "reason", "state", "quarantined_at"], entries
        )


@commands.command("release")
def release(
    ids: Annotated[list[int] | None, typer.Argument(help="Entries, by the ids that `quarantine list` shows.")] = None,
    stream: Stream = None,
    rule: Rule = None,
    who: Annotated[str | None, typer.Option(help="Who decides; your user name when left out.")] = None,
    json: Json = False,
) -> None:
    """Let held records through: the next publication of their stream brings them, once."""
    if not ids and not rule:
        raise ConfigError("Say what to release: ids from `quarantine list`, or --rule (and --stream).")
    with warehouse_connection() as conn:
        released = quarantine.release(conn, who=who or getpass.getuser(), ids=ids, stream=stream, rule=rule)
    if not released:
        raise NotFoundError("Nothing that fits is held; `quarantine list` shows what is.")
    if json:
        print_json({"released": released})
        return
    print_line(f"{released:,} released. The next publication of the stream brings them.")

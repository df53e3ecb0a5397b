"""``sync plan DESTINATION``: what the next sync would send. ``sync retry``: whom it asks about again."""

import getpass
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.cli.app import AsOf, Json, NotFoundError, day, warehouse_connection
from include.cli.output import print_json, print_line, print_table
from include.errors import ConfigError

if TYPE_CHECKING:
    import psycopg

commands = typer.Typer(no_args_is_help=True, help="What goes to the platforms.")
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


def _known(destination: str) -> None:
    from include.destinations.registry import DESTINATIONS

    if destination not in DESTINATIONS:
        raise NotFoundError(f"There is no destination {destination!r}. There are: {', '.join(sorted(DESTINATIONS))}.")


def _plans(conn: "psycopg.Connection", name: str, as_of: date) -> list[dict[str, Any]]:
    from include.destinations.registry import DESTINATIONS
    from include.ledger import audiences, exclusions
    from include.ledger.plan import plan_audience

    destination = DESTINATIONS[name]
    found = []
    with conn.transaction(force_rollback=True):  # also the audiences that only the files know so far
        audiences.register(conn)
        for audience in audiences.of_destination(conn, name):
            plan = asdict(plan_audience(conn, audience.audience_id, destination, as_of=as_of))
            exclusions.write(conn, audience, at=datetime.now(UTC))
            kept_out = {row["reason"]: row["people"] for row in exclusions.counts(conn, audience)}
            about = {"audience": audience.key, "segment": audience.segment, "active": audience.active}
            found.append({**about, **plan, "kept_out": kept_out})
    return found


@commands.command("plan")
def plan(
    destination: Annotated[str, typer.Argument(help="mailchimp, meta, …")],
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """A dry run: adds, updates, removals and what would be held, per audience. Sends and writes nothing."""
    _known(destination)
    with warehouse_connection() as conn:
        found = _plans(conn, destination, day(as_of))
    if json:
        print_json({"destination": destination, "as_of": day(as_of), "audiences": found})
        return
    print_table(
        f"Plan for {destination}, as of {day(as_of)}",
        ["audience", "segment", "size", "adds", "updates", "removes", "kept_out", "held", "reason", "plan_hash"],
        [{**one, "kept_out": [f"{people:,} {why}" for why, people in one["kept_out"].items()]} for one in found],
        empty="no segment feeds it",
    )
    print_line("Nothing was sent or written.")


@commands.command("retry")
def retry(
    since: Annotated[datetime, typer.Option("--from", formats=MOMENTS, help="Refused at this moment or later, UTC.")],
    until: Annotated[datetime | None, typer.Option("--to", formats=MOMENTS, help="And before this one; now.")] = None,
    error_class: Annotated[
        str | None, typer.Option(help="Only this class or code, as `sync retry --dry-run` shows.")
    ] = None,
    destination: Annotated[str | None, typer.Option(help="Only this destination.")] = None,
    audience: Annotated[str | None, typer.Option(help="Only this audience.")] = None,
    who: Annotated[str | None, typer.Option(help="Who decides; your user name when left out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    json: Json = False,
) -> None:
    """Ask again, with the next sync, about people a platform refused in a span of time. Sends nothing itself."""
    from include.ledger.retry import retry as plan_again

    begin, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    if begin >= end:
        raise ConfigError("--from is not before --to.")
    if destination is not None:
        _known(destination)
    with warehouse_connection() as conn:
        found = plan_again(
            conn,
            since=begin,
            until=end,
            who=who or getpass.getuser(),
            error_class=error_class,
            destination=destination,
            audience=audience,
            only_count=dry_run,
        )
    if json:
        print_json([asdict(one) for one in found])
        return
    print_table(
        "Refused people asked about again" + (" (dry run)" if dry_run else ""),
        ["destination", "audience", "error_class", "error_code", "again", "anyway"],
        [asdict(one) for one in found],
        empty="nobody was refused then",
    )
    if found and not dry_run:
        print_line(
            f"{sum(one.again for one in found):,} people are planned again by the next sync. Written to the audit."
        )

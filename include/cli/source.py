"""``source``: loads and their estimates, staging made again from raw, deletions that a person lets through."""

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from include.cli.app import Json, NotFoundError, setting, warehouse_connection
from include.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from include.sources.registry import Stream

commands = typer.Typer(no_args_is_help=True, help="What is read from the platforms.")
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
Name = Annotated[str, typer.Argument(help="As in shopify.orders.")]


def _known(stream: str) -> "Stream":
    from include.sources.registry import STREAMS

    if stream not in STREAMS:
        raise NotFoundError(f"There is no stream {stream!r}. There are: {', '.join(sorted(STREAMS))}.")
    return STREAMS[stream]


@commands.command("estimate")
def estimate(
    stream: Annotated[str | None, typer.Argument(help="As in shopify.orders; every stream when left out.")] = None,
    json: Json = False,
) -> None:
    """What a stream's first load was expected to take when it began, and how far it has come."""
    from include import load_estimate

    if stream is not None:
        _known(stream)
    with warehouse_connection() as conn:
        found = [asdict(one) for one in load_estimate.newest(conn, stream)]
    if json:
        print_json(found)
        return
    columns = ["stream", "estimated_at", "records", "calls", "hours", "landed", "done"]
    print_table("First loads", columns, found, empty="none has begun; the first landing of a stream asks its platform")


@commands.command("replay")
def replay(
    stream: Name,
    since: Annotated[datetime, typer.Option("--from", formats=MOMENTS, help="Landed at this moment or later, UTC.")],
    until: Annotated[datetime | None, typer.Option("--to", formats=MOMENTS, help="And before this one; now.")] = None,
    json: Json = False,
) -> None:
    """Make staging again from what landed in a span of time, by today's mapping and suite. Calls no platform."""
    from include.replay import replay as again

    known = _known(stream)
    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    with warehouse_connection() as conn:
        url = setting("WAREHOUSE_URL", "warehouse")
        done = again(conn, url, known, since=since.replace(tzinfo=UTC), until=end)
    if not done.batches:
        raise NotFoundError(f"{stream} published nothing that landed in that span.")
    if json:
        print_json(asdict(done))
        return
    print_line(f"{done.batches:,} batches: {done.rows:,} rows written, {done.deleted:,} records left staging, "
               f"{done.quarantined:,} are held.")


@commands.command("allow-deletions")
def allow_deletions(
    stream: Name,
    who: Annotated[str | None, typer.Option(help="Who decides; your user name when left out.")] = None,
    json: Json = False,
) -> None:
    """After too many records were gone at the source: let the next landing delete as many as that one would have."""
    from include import sweep

    _known(stream)
    with warehouse_connection() as conn:
        allowed = sweep.allow(conn, stream, who or getpass.getuser())
    if allowed is None:
        raise NotFoundError(f"The last landing of {stream} held no deletions back.")
    if json:
        print_json({"stream": stream, "records": allowed})
        return
    print_line(f"The next landing of {stream} may delete up to {allowed:,} records.")


@commands.command("set-aside")
def set_stream_aside(
    stream: Name,
    why: Annotated[str, typer.Option(help="For those who ask later.")],
    hours: Annotated[int, typer.Option(help="For how long.", min=1, max=168)] = 24,
    who: Annotated[str | None, typer.Option(help="Who decides; your user name when left out.")] = None,
    json: Json = False,
) -> None:
    """A failed check of a stream holds all persons back: let them be built without its news for some hours."""
    from include import publishing

    _known(stream)
    with warehouse_connection() as conn:
        until = publishing.set_aside(
            conn, stream, who=who or getpass.getuser(), why=why, hours=hours, at=datetime.now(UTC)
        )
    if until is None:
        raise NotFoundError(f"No check of {stream} has failed; it holds nobody back.")
    if json:
        print_json({"stream": stream, "until": until.isoformat()})
        return
    print_line(f"Persons are built without the news of {stream} until {until:%Y-%m-%d %H:%M} UTC; clear the task.")

"""bin/audienceflow: what a person asks the system, and the few things decided by hand.

Exit codes: 0 done, 1 not found (or a destination that is not well), 2 wrong use, wrong file or no warehouse. Errors are
one sentence on stderr.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, NoReturn

import psycopg
import typer

from include import warehouse
from include.errors import AudienceflowError, ConfigError

PROJECT = Path(__file__).resolve().parents[2]

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
AsOf = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day to compute for; today in UTC.")
]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="audienceflow: segments, plans, sources, schemas, checks, holds, debts, connections, results, alerts.",
)


class NotFoundError(AudienceflowError):
    """What was asked for does not exist."""


def day(as_of: datetime | None) -> date:
    """The day an option names; today in UTC when it names none."""
    return as_of.date() if as_of is not None else datetime.now(UTC).date()


def home() -> Path:
    """The folder of a system that `make up` started."""
    return Path(os.environ.get("AUDIENCEFLOW_HOME") or PROJECT / ".run")


def setting(name: str, what: str) -> str:
    """A value of the environment, or of the ``env`` file a running system leaves in its folder.

    :raises ConfigError: neither has it; the text calls it ``what``.
    """
    if value := os.environ.get(name):
        return value
    path = home() / "env"
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            key, _, value = line.removeprefix("export ").partition("=")
            if key == name:
                return value.strip().strip("'\"")
    raise ConfigError(f"No {what} is named: set {name}, or start the system with `make up`, which writes .run/env.")


@contextmanager
def warehouse_connection() -> Iterator[psycopg.Connection]:
    """The warehouse, for one command."""
    try:
        conn = warehouse.connect(setting("WAREHOUSE_URL", "warehouse"), application_name="audienceflow cli")
    except psycopg.OperationalError:
        raise ConfigError(
            "The warehouse does not answer; is it running (`make up`), and is WAREHOUSE_URL right?"
        ) from None
    except psycopg.ProgrammingError:
        raise ConfigError(
            "WAREHOUSE_URL is no libpq URL; it looks like postgresql://user:password@host:port/warehouse."
        ) from None
    with conn:
        yield conn


def _fail(text: str, code: int) -> NoReturn:
    sys.stderr.write(f"{text}\n")
    raise SystemExit(code)


@cache
def _with_commands() -> typer.Typer:
    """``app`` with every command. What is slow to import, a command imports itself: a call pays for what it uses."""
    from include.cli import (
        alerts,
        checks,
        connections,
        debts,
        exchanges,
        health,
        holds,
        identity,
        person,
        proposals,
        quarantine,
        results,
        schema,
        segment,
        source,
        sync,
    )

    app.add_typer(segment.commands, name="segment")
    app.add_typer(sync.commands, name="sync")
    app.add_typer(holds.commands, name="holds")
    app.add_typer(debts.commands, name="debts")
    app.add_typer(connections.commands, name="connections")
    app.add_typer(results.commands, name="results")
    app.add_typer(alerts.commands, name="alerts")
    app.add_typer(quarantine.commands, name="quarantine")
    app.add_typer(source.commands, name="source")
    app.add_typer(schema.commands, name="schema")
    app.add_typer(checks.commands, name="checks")
    app.add_typer(exchanges.commands, name="exchanges")
    identity.commands.command("propose")(proposals.propose)
    identity.commands.add_typer(proposals.commands, name="proposals")
    app.add_typer(identity.commands, name="identity")
    app.command("person")(person.show)
    app.command("health")(health.health)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; what people can mend is told in one sentence, without a traceback.

    :param arguments: None: those of the process.
    """
    try:
        _with_commands()(args=arguments, prog_name="audienceflow")
    except NotFoundError as error:
        _fail(str(error), 1)
    except AudienceflowError as error:
        _fail(str(error), 2)
    except psycopg.errors.UndefinedTable:
        _fail("The warehouse lacks tables this version needs; start the system once (`make up`), which migrates it.", 2)

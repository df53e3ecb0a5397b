"""``identity propose`` and ``identity proposals …``: persons that may be one though they share no key."""

import getpass
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from include.cli.app import Json, NotFoundError, warehouse_connection
from include.cli.output import print_json, print_line, print_table
from include.errors import ConfigError

commands = typer.Typer(no_args_is_help=True, help="Persons that may be one though they share no key.")

STATES = ("open", "accepted", "rejected", "superseded")
Id = Annotated[int, typer.Argument(metavar="ID", help="As `identity proposals list` shows it.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; your user name when left out.")]


def propose(
    accept: Annotated[
        bool, typer.Option("--accept", help="Accept what holds at the stricter threshold; else all waits for a person.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="For what does not fit in memory: holds personal data meanwhile; a private one when left out."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare golden records, keep what may be one person; accepted ones join with the next build of persons."""
    from include.identity.linking import proposals

    with tempfile.TemporaryDirectory(prefix="propose-", dir=folder) as private, warehouse_connection() as conn:
        found = asdict(proposals.propose(conn, folder=Path(private), at=datetime.now(UTC), accept=accept))
    if json:
        print_json(found)
        return
    print_table("Proposals", list(found), [found])


@commands.command("list")
def list_proposals(
    state: Annotated[str, typer.Option(help=f"{', '.join(STATES)}, or all.")] = "open",
    most: Annotated[int, typer.Option(help="At most so many, the surest first.")] = 50,
    json: Json = False,
) -> None:
    """Proposals in a state, the surest first."""
    from include.identity.linking import proposals

    if state not in (*STATES, "all"):
        raise ConfigError(f"{state!r} is no state of a proposal; use {', '.join(STATES)} or all.")
    with warehouse_connection() as conn:
        found = proposals.listed(conn, state=None if state == "all" else state, most=most)
    if json:
        print_json(found)
        return
    shown = ["proposal_id", "state", "weight", "probability", "person_a", "person_b", "proposed_at", "decided_by"]
    print_table("Proposals", shown, found, empty="none")


@commands.command("show")
def show(
    proposal_id: Id,
    out: Annotated[Path | None, typer.Option("--out", help="Draw the waterfall into this .svg file.")] = None,
    json: Json = False,
) -> None:
    """What speaks for and against a proposal, comparison by comparison, in bits of evidence; no values."""
    if out is not None and out.suffix != ".svg":
        raise ConfigError(f"--out names a .svg file; {out.name} is none.")
    found = _one(proposal_id)
    if out is not None:
        from include.identity.linking import waterfall

        picture = waterfall.svg(proposal_id, found["weight"], found["probability"], found["contributions"])
        out.write_text(picture, encoding="utf-8")
    if json:
        print_json(found)
        return
    _print(found)
    if out is not None:
        print_line(f"Drawn into {out}.")


def _one(proposal_id: int) -> dict[str, Any]:
    from include.identity.linking import proposals

    with warehouse_connection() as conn:
        try:
            return proposals.one(conn, proposal_id)
        except proposals.ProposalError as error:
            raise NotFoundError(str(error)) from None


def _print(found: dict[str, Any]) -> None:
    decided = f" by {found['decided_by']}" if found["decided_by"] else ""
    why = f": {found['decided_why']}" if found["decided_why"] else ""
    print_line(f"Proposal {found['proposal_id']}, {found['state']}{decided}{why}")
    print_line(f"  {found['stream_a']}: person {found['person_a']}")
    print_line(f"  {found['stream_b']}: person {found['person_b']}")
    print_line(
        f"  match weight {found['weight']:+.1f} bits, probability {found['probability']:.4f}; model "
        f"{found['model_version']} proposes from {found['propose_from']:+.1f}, accepts from {found['accept_from']:+.1f}"
    )
    start = found["weight"] - sum(part["weight"] for part in found["contributions"])
    parts = sorted(found["contributions"], key=lambda part: -abs(part["weight"]))
    rows = [{"comparison": "before any", "agreement": "", "bits": f"{start:+.1f}"}]
    rows += [
        {"comparison": part["comparison"], "agreement": part["label"], "bits": f"{part['weight']:+.1f}"}
        for part in parts
    ]
    print_table("What speaks for it (+) and against it (-)", ["comparison", "agreement", "bits"], rows)


@commands.command("accept")
def accept(
    proposal_id: Id,
    why: Annotated[str | None, typer.Option("--why", help="For whoever asks later.")] = None,
    by: By = None,
) -> None:
    """Take two persons for one, from the next build of persons on; weaker than every identifier, limit and pin."""
    from include.identity.linking import proposals

    with warehouse_connection() as conn:
        proposals.accept(conn, proposal_id, who=by or getpass.getuser(), at=datetime.now(UTC), why=why)
    print_line(f"Proposal {proposal_id} is accepted; the next build of persons joins the two.")


@commands.command("reject")
def reject(
    proposal_id: Id, why: Annotated[str, typer.Option("--why", help="For whoever asks later.")], by: By = None
) -> None:
    """Keep two persons two, and never propose them again; what was accepted is taken back."""
    from include.identity.linking import proposals

    with warehouse_connection() as conn:
        proposals.reject(conn, proposal_id, who=by or getpass.getuser(), at=datetime.now(UTC), why=why)
    print_line(f"Proposal {proposal_id} is rejected; the two are not proposed again.")

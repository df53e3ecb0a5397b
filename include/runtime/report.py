"""The report of a run: what was read, set aside, found and delivered, and whether all of it holds.

Everything comes from the warehouse and, with stand-ins, from what the platforms say they hold: nothing is counted here.
Counts, names of rules and codes only; no value of any row.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from include import warehouse
from include.runtime.pipeline import Done

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Claim:
    """Something that must be true after a run. ``detail`` says what is not, or how many things were looked at."""

    claim: str
    holds: bool
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """One run.

    :param stages: seconds by stage of the chain.
    :param skipped: platforms and tasks that had nothing to do, in words.
    :param failure: why the chain ended early, None when it did not.
    """

    run_id: str
    started_at: datetime
    seconds: float
    extracted: Rows = field(default_factory=list)
    quarantined: Rows = field(default_factory=list)
    persons: dict[str, int] = field(default_factory=dict)
    segments: Rows = field(default_factory=list)
    audiences: Rows = field(default_factory=list)
    refusals: Rows = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    tasks: Rows = field(default_factory=list)
    skipped: tuple[str, ...] = ()
    failure: str | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything in the report holds: what the exit code says."""
        return self.failure is None and bool(self.claims) and all(claim.holds for claim in self.claims)

    def write(self, path: Path) -> None:
        """The report as JSON."""
        whole = {"ok": self.ok, **asdict(self), "started_at": self.started_at.astimezone(UTC).isoformat()}
        whole["claims"] = [asdict(claim) for claim in self.claims]
        path.write_text(json.dumps(whole, indent=2, default=str) + "\n", encoding="utf-8")


def gather(conn: psycopg.Connection, since: datetime) -> dict[str, Any]:
    """The parts of a report that the warehouse tells, as keyword arguments of ``Report``."""
    bound = {"since": since}
    return {
        "extracted": warehouse.rows(conn, "report/extracted", bound),
        "quarantined": warehouse.rows(conn, "report/quarantined", bound),
        "persons": warehouse.rows(conn, "report/persons", bound)[0],
        "segments": warehouse.rows(conn, "report/segments", bound),
        "audiences": warehouse.rows(conn, "report/audiences", bound),
        "refusals": warehouse.rows(conn, "report/refusals", bound),
        "tasks": warehouse.rows(conn, "report/tasks", bound),
    }


def stage_seconds(stages: Sequence[Done]) -> dict[str, float]:
    """Seconds by stage, in the chain's order."""
    return {stage.stage: round(stage.seconds, 1) for stage in stages}


def in_words(skipped: Sequence[str]) -> tuple[str, ...]:
    """What skipped tasks mean: a platform without a connection, or a sync that left somebody out.

    :param skipped: ``dag_id.task_id``.
    """
    words = []
    for name in skipped:
        dag_id, _, task = name.partition(".")
        kind, _, platform = dag_id.partition("_")
        if kind == "extract" and task.startswith("land_"):
            words.append(f"{platform}: no connection {platform}_default, {task.removeprefix('land_')} not read")
        elif kind == "sync" and task == "sync":
            words.append(f"{platform}: no connection {platform}_default, nothing sent")
    return tuple(words)


def claims(
    parts: Mapping[str, Any], skipped: Sequence[str], equal: Mapping[str, "Difference"] | None
) -> tuple[Claim, ...]:
    """What must hold after a chain that ran to its end.

    :param parts: what ``gather`` returned.
    :param skipped: ``dag_id.task_id`` of tasks without work; their destinations owe nothing.
    :param equal: by ``destination audience`` how ledger and platform differ; None without stand-ins.
    """
    left_out = {name.partition(".")[0].removeprefix("sync_") for name in skipped if name.endswith(".sync")}
    audiences = [one for one in parts["audiences"] if one["destination"] not in left_out]
    made = [
        _all("every batch that was read is published", parts["extracted"], _published, "stream"),
        _all("every audience was brought in line or says why not", audiences, _delivered, "audience"),
        _all("sent = accepted + rejected", audiences, _accounted, "audience"),
        _all("every request is confirmed", audiences, _confirmed, "audience"),
        Claim("every segment is built", bool(parts["segments"]), f"{len(parts['segments'])} segments"),
    ]
    if equal is not None:
        off = [f"{name} ({diff})" for name, diff in equal.items() if diff]
        made.append(
            Claim("the platforms' members equal the ledger", not off, "; ".join(off) or f"{len(equal)} audiences")
        )
    return tuple(made)


@dataclass(frozen=True)
class Difference:
    """How many members only the ledger, and only the platform, has."""

    only_ledger: int
    only_platform: int

    def __bool__(self) -> bool:
        return bool(self.only_ledger or self.only_platform)

    def __str__(self) -> str:
        return f"{self.only_ledger} only in the ledger, {self.only_platform} only at the platform"


def _all(claim: str, rows: Rows, rule: Any, key: str) -> Claim:
    """A claim over many rows: the rows that break ``rule`` are named, with the rule's word."""
    broken = [f"{row[key]}: {word}" for row in rows if (word := rule(row))]
    return Claim(claim, not broken, "; ".join(broken) or f"{len(rows)} looked at")


def _published(stream: Mapping[str, Any]) -> str:
    waiting = stream["unpublished_batches"]
    return f"{waiting} batches are not published" if waiting else ""


def _delivered(audience: Mapping[str, Any]) -> str:
    if audience["outcome"] in ("success", None) and audience["syncs"]:
        return "" if audience["outcome"] else "the sync never ended"
    if audience["outcome"] == "partial" and (audience["rejected"] or audience["parked"] or audience["open_attempts"]):
        return ""  # somebody was left out, now or before, and the refusals say who and why
    if audience["outcome"] == "held":
        return f"{audience['held']} removals wait for approval ({audience['hold_reason']})"
    return f"ended as {audience['outcome']} ({audience['error_code']})" if audience["syncs"] else "was not synced"


def _accounted(audience: Mapping[str, Any]) -> str:
    if audience["sent"] == audience["accepted"] + audience["refused"]:
        return ""
    return f"{audience['unknown']} of {audience['sent']} people sent have no answer"


def _confirmed(audience: Mapping[str, Any]) -> str:
    waiting = audience["unconfirmed_requests"]
    return f"{waiting} of {audience['requests']} requests" if waiting else ""

"""What a check found: what stops the batch, in words, and the rows of ``ops.check_result``. Counts and names only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.candidate import Candidate, CheckedStream
from include.check_history import Freshness
from include.pushdown import Outcome
from include.schema_contract import drift
from include.schema_contract.drift import Drift
from include.suites import Suite


@dataclass(frozen=True)
class Found:
    """All that was found about a candidate, before anything is decided.

    :param age: with its severity; None: the contract does not ask.
    """

    outcomes: Sequence[Outcome]
    drift: Sequence[Drift]
    age: tuple[Freshness, Any] | None

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.passed]

    @property
    def stale(self) -> bool:
        return self.age is not None and self.age[0].stale

    @property
    def failed_rules(self) -> tuple[str, ...]:
        changed = [drift.rule_of(kind) for kind in drift.KINDS if any(one.kind == kind for one in self.drift)]
        return (*(outcome.rule.name for outcome in self.failed), *changed, *(["freshness"] if self.stale else []))


def stops(stream: CheckedStream, candidate: Candidate, found: Found) -> str | None:
    """What stops the batch whatever its rows are like: critical rules, a broken contract, a stream that went stale."""
    stale = f"{stream.name}: {found.age[0].text}." if found.stale and found.age[1] == "critical" else None
    texts = (_critical(stream, candidate, found.failed),
             drift.problem(stream.name, found.drift, candidate.report_batch_id), stale)
    return " ".join(text for text in texts if text) or None


def result_rows(found: Found, records: int) -> list[dict[str, Any]]:
    """A row of ``ops.check_result`` for each rule, each kind of change, and the stream's age.

    :param records: landed records that were checked.
    """
    aged = [found.age[0].result(found.age[1])] if found.age is not None else []
    return [*(_result(outcome) for outcome in found.outcomes), *drift.results(found.drift, records), *aged]


def _critical(stream: CheckedStream, candidate: Candidate, failed: Sequence[Outcome]) -> str | None:
    critical = [outcome for outcome in failed if outcome.rule.severity == "critical"]
    if not critical:
        return None
    return (f"{stream.name}: {len(critical)} critical {'rule' if len(critical) == 1 else 'rules'} failed on "
            f"{candidate.rows} rows: {_listed(critical)}; expected none. Full result: ops.check_result, batch "
            f"{candidate.report_batch_id}.")


def too_many(candidate: Candidate, failed: Sequence[Outcome], held: int, records: int, share: float) -> str:
    """What stops the batch when ``held`` of its records break warnings.

    :param share: of the records that may be held.
    """
    return (f"{candidate.stream}: {held} of {records} records break a rule, {held / records:.1%}; expected at most "
            f"{share:.1%} ({_listed(failed)}). Nothing was set aside. Full result: ops.check_result, batch "
            f"{candidate.report_batch_id}.")


def _listed(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(
        outcome.rule.name if outcome.failed_rows is None else f"{outcome.rule.name} ({outcome.failed_rows})"
        for outcome in outcomes
    )


def _result(outcome: Outcome) -> dict[str, Any]:
    columns = outcome.rule.columns
    return {
        "rule": outcome.rule.name,
        "column_name": ", ".join(columns) or None,
        "severity": outcome.rule.severity,
        "passed": outcome.passed,
        "checked_rows": outcome.checked_rows,
        "failed_rows": outcome.failed_rows,
        "details": {"type": outcome.rule.type, "reason": outcome.rule.reason},
    }


def share_row(held: int, records: int, share: float, suite: Suite, beyond: bool) -> dict[str, Any]:
    """How many records are held, and whether they are too many, as a row of ``ops.check_result``."""
    return {
        "rule": "quarantine_share", "column_name": None, "severity": "critical", "passed": not beyond,
        "checked_rows": records, "failed_rows": held,
        "details": {"max_quarantine_share": share, "quarantine_floor": suite.quarantine_floor},
    }

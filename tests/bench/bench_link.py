"""Rows that share no key, against data with known truth (REAL_DATA names its folder): F1 by a rule that never sees it.

A file of one's own: ``python -m tests.bench.bench_link FILE TRUTH_COLUMN COLUMN=KIND … [--source COLUMN]``.
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from include import warehouse
from include.identity import stitch
from include.identity.linking.link import link
from include.identity.linking.workbench import workbench
from include.identity.rules import IdentifierRule, IdentityRules, Limit
from tests.bench.hub_data import add_people_with_hubs, pairwise
from tests.bench.link_data import Known, any_file, febrl, historical, score
from tests.bench.measure import Bench, Measure
from tests.bench.postgres import throwaway_warehouse

FEBRL_ANCHOR = 0.9991  # F1 of Splink's documented model on FEBRL 4 at its own threshold
HUB_RECORDS, HUB_PEOPLE = 200_000, 80_000
HUB_RULES = IdentityRules(
    20,
    (),
    (
        IdentifierRule("shop", 1, (Limit(5, "ever"),)),
        IdentifierRule("email", 2, (Limit(5, "ever"),)),
        IdentifierRule("phone", 3, (Limit(3, "ever"),)),
        IdentifierRule("device", 4, (Limit(5, "ever"),)),
    ),
)
HISTORICAL_ANCHOR = 0.870  # best F1 measured before at a precision of 0.95, after closure


def measured(known: Known, anchor: float) -> Measure:
    """Link, close, and compare F1 with the best that was measured before."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-link-") as folder, workbench(Path(folder)) as conn:
        found = link(conn, known.table, known.fields, one_per_source=known.one_per_source)
    seconds = time.perf_counter() - began
    ours, sure = score(found.persons, known.persons), score(found.sure, known.persons)
    note = (
        f"F1 {ours.f1:.4f}, precision {ours.precision:.4f}, recall {ours.recall:.4f}, largest {ours.largest} of "
        f"{ours.largest_true} true rows, at {found.cut:+.1f} bits; accepted unseen at {found.sure_cut:+.1f} bits: "
        f"precision {sure.precision:.4f}, recall {sure.recall:.4f}; {len(found.pairs):,} pairs weighed"
    )
    return Measure(ours.f1 / anchor, seconds, known.table.num_rows / seconds, note)


def _folder() -> Path:
    return Path(os.environ["REAL_DATA"]) / "identity"


def link_febrl4() -> Measure:
    """F1 of FEBRL 4 against Splink's documented model."""
    folder = _folder() / "febrl4"
    return measured(febrl(folder / "dataset4a.csv", folder / "dataset4b.csv"), FEBRL_ANCHOR)


def link_historical_50k() -> Measure:
    """F1 of the historical persons against the best measured before."""
    return measured(historical(_folder() / "historical_50k" / "historical_50k.parquet"), HISTORICAL_ANCHOR)


def stitch_50_hubs() -> Measure:
    """Recall of 200,000 records with 50 planted hubs, all stitched by identifier, against the recall to reach."""
    with throwaway_warehouse() as url, warehouse.connect(url) as conn:
        stitch.apply_rules(conn, HUB_RULES)
        add_people_with_hubs(conn, HUB_RECORDS, HUB_PEOPLE)
        conn.execute("analyze identity.record, identity.identifier, identity.edge, identity.work_touched")
        began = time.perf_counter()
        for step in ("48_identifiers_to_count", "49_blocked", "50_report_shared", "51_dropped"):
            values = {"shared_above": HUB_RULES.shared_above} if step == "49_blocked" else None
            warehouse.run(conn, f"identity/{step}", values)
            conn.execute("analyze identity.work_identifier, identity.work_touched")
        stitch.assign_persons(conn, HUB_RULES, at=datetime.now(UTC), everybody=True)
        seconds = time.perf_counter() - began
        precision, recall, largest = pairwise(conn, HUB_PEOPLE)
    note = f"precision {precision:.4f}, recall {recall:.4f}, largest person {largest} records"
    return Measure(recall / 0.98, seconds, HUB_RECORDS / seconds, note)


BENCHES: dict[str, Bench] = {
    "link_febrl4": link_febrl4,
    "link_historical_50k": link_historical_50k,
    "stitch_50_hubs": stitch_50_hubs,
}


def main() -> None:
    """Score a file of one's own."""
    parser = argparse.ArgumentParser(description="Link a file with known truth and print the figures.")
    parser.add_argument("file", type=Path)
    parser.add_argument("truth", help="column that tells who a row is")
    parser.add_argument("columns", nargs="+", help="COLUMN=given|family|date|code|text|category")
    parser.add_argument("--source", help="column of sources, each free of doubles")
    asked = parser.parse_args()
    kinds = dict(column.split("=", 1) for column in asked.columns)
    known = any_file(asked.file, truth=asked.truth, kinds=kinds, source=asked.source)
    print(measured(known, 1.0).note)


if __name__ == "__main__":
    main()

"""What people are told of the persons after a build: values that strangers share, and persons that grew too large.

One subject each, so that a notice goes out once per change of its state, with a recovery. A value is named by its type,
its mask and the first characters of its hash; counts say the rest.
"""

import hashlib

import psycopg

from include import mask, warehouse
from include.identity.rules import IdentityRules, identity_rules
from include.ledger.watch import State

SHARED = "shared value: "
LARGEST = "size of persons"
AT_ONCE = 10  # notices of new shared values a run, the most carried first; the rest is told by the next runs


def states(conn: psycopg.Connection, owner: str, rules: IdentityRules | None = None) -> list[State]:
    """Subjects whose state the last build may have changed.

    :param owner: who is told.
    """
    rules = rules or identity_rules()
    sizes = cluster_sizes(conn)
    return [*_shared(conn, owner, rules, sizes), _largest(conn, owner, rules, sizes)]


def cluster_sizes(conn: psycopg.Connection) -> str:
    """The table of sizes in one line: ``1 record: 900 persons, 2: 310, 3-4: 120``."""
    parts = []
    for row in warehouse.rows(conn, "identity/cluster_sizes"):
        top = row["up_to"]
        size = "1 record" if top == 1 else "2" if top == 2 else f"{top // 2 + 1}-{top}"
        parts.append(f"{size}: {row['persons']:,}{' persons' if not parts else ''}")
    return ", ".join(parts) or "no persons"


def subject_of(kind: str, value: str) -> str:
    """How a shared value is called: ``shared value: email i***@f***.example (3f0c2a91)``."""
    digest = hashlib.sha256(f"{kind}\x1f{value}".encode()).hexdigest()[:8]
    return f"{SHARED}{kind} {mask.identifier(kind, value)} ({digest})"


def _shared(conn: psycopg.Connection, owner: str, rules: IdentityRules, sizes: str) -> list[State]:
    carriers = {
        subject_of(row["type"], row["value"]): row["carriers"]
        for row in warehouse.rows(conn, "identity/shared_values")  # the most carried first
    }
    told = {row["subject"] for row in warehouse.rows(conn, "identity/told_shared", {"prefix": SHARED})}
    fresh = [subject for subject in carriers if subject not in told]
    found = [
        State(subject, True, owner, (
            f"{carriers[subject]:,} records of different people carry it, sql/identity/rules.yaml allows "
            f"{rules.shared_above}: it joins nobody. {len(carriers):,} such values in all. Sizes of persons: {sizes}."
        ))
        for subject in fresh[:AT_ONCE]
    ]
    over = sorted(told - carriers.keys())
    return [*found, *(State(subject, False, owner, "is no longer shared and joins records again") for subject in over)]


def _largest(conn: psycopg.Connection, owner: str, rules: IdentityRules, sizes: str) -> State:
    row = warehouse.rows(conn, "identity/largest_person", {"above": rules.alert_above})[0]
    summary = (
        f"{row['persons']:,} persons have more than {rules.alert_above} records, the largest {row['largest']:,}. "
        f"Sizes of persons: {sizes}."
    )
    return State(LARGEST, row["persons"] > 0, owner, summary if row["persons"] else "no person is larger than allowed")

"""``build_persons``: changed records → persons, golden records, orders, events, consent, traits."""

from datetime import date

import psycopg

from include import warehouse
from include.identity import stitch
from include.identity.components import Route
from include.identity.rules import IdentityRules, Survivorship, identity_rules, survivorship
from include.identity.traits import build_traits

MANY_RECORDS = 20_000  # changed at once: a first load, a rebuild, a mapping that changed
WRITER_LOCK = 7_210_004  # any constant: two builds at once wait for each other


def build_persons(
    conn: psycopg.Connection,
    *,
    as_of: date,
    rebuild: bool = False,
    route: Route | None = None,
    rules: IdentityRules | None = None,
) -> dict[str, int]:
    """Drain ``staging.changed_record`` and bring identity, profile, consent and traits up to date, in one transaction.

    Safe to repeat and to kill: without changes nothing but the traits' day moves. Work grows with what changed.

    :param as_of: day (UTC) the traits stand at: orders and events after it do not count in them.
    :param rebuild: look at everything staging holds instead of the queue. Ids, history and former ids stay; the result
        is the one that runs by increments would have had.
    :param route: see :func:`include.identity.components.find_components`.
    :param rules: other rules than those of sql/identity/rules.yaml.
    :returns: counts: ``changed`` vendor records, ``withdrawn`` records, ``unusable`` values, new ``links``,
        ``records`` in scope, ``moved`` records, ``vanished`` persons, ``refused`` links; rows written of ``profiles``,
        ``orders``, ``events``, ``statements``, ``consents``, ``traits``; ``persons`` and ``blocked`` values of today.
    """
    rules, winners = rules or identity_rules(), survivorship()
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        if rebuild:
            conn.execute("select set_config('work_mem', '256MB', true)")
        at = conn.execute("select clock_timestamp()").fetchone()[0]
        warehouse.run(conn, "identity/00_hold")
        warehouse.run(conn, "identity/00_clear")
        ruled_anew = stitch.apply_rules(conn, rules)
        counts = stitch.gather_records(conn, at=at, rebuild=rebuild)
        counts |= stitch.link_records(conn, rules)
        counts |= stitch.assign_persons(conn, rules, at=at, everybody=rebuild or ruled_anew, route=route)
        _expect_many(conn, counts["changed"])
        counts |= _build_profile(conn, winners)
        counts |= _build_consent(conn)
        counts["traits"] = build_traits(conn, as_of=as_of)
        counts |= warehouse.rows(conn, "identity/90_counts")[0]
        if counts["records"]:
            warehouse.run(conn, "identity/91_cluster_sizes", {"at": at})
    return counts


def _expect_many(conn: psycopg.Connection, changed: int) -> None:
    """Keep the planner from walking a large load row by row.

    Stream and key depend on each other, which the planner does not know: it expects a handful of rows from a join on
    both, and a nested loop over a first load of 50,000 customers ran for minutes where a hash join takes a second.
    """
    if changed > MANY_RECORDS:
        conn.execute("set local enable_nestloop = off")


def _look_at_what_was_sent(conn: psycopg.Connection) -> None:
    """Let the planner know the ledger as the last syncs left it.

    The golden record asks which records our own syncs made. Autovacuum looks at a table a minute after it was filled;
    a build that came before it walked what was sent for every such record: 9.5 s instead of 0.6 for 5,000 customers.
    """
    for row in warehouse.rows(conn, "profile/05_sent_unseen"):
        conn.execute(psycopg.sql.SQL("analyze {}").format(psycopg.sql.Identifier("audience", row["table_name"])))


def _build_profile(conn: psycopg.Connection, winners: Survivorship) -> dict[str, int]:
    _look_at_what_was_sent(conn)
    profiles = warehouse.run(conn, "profile/10_person", {
        "trust": list(winners.trust), "echoing": list(winners.echoing),
        "addressed": list(winners.addressed),
        "fields": list(winners.fields), "rules": list(winners.fields.values()),
    })
    warehouse.run(conn, "profile/11_person_gone")
    warehouse.run(conn, "profile/20_affected_orders")
    warehouse.run(conn, "profile/29_affected_events")
    conn.execute("analyze identity.work_order, identity.work_event")
    return {
        "profiles": profiles,
        "orders": warehouse.run(conn, "profile/21_person_order"),
        "events": warehouse.run(conn, "profile/30_person_event"),
    }


def _build_consent(conn: psycopg.Connection) -> dict[str, int]:
    last_words = warehouse.run(conn, "consent/05_last_words")
    return {
        "statements": last_words + warehouse.run(conn, "consent/10_ledger"),
        "consents": warehouse.run(conn, "consent/20_person_consent"),
    }

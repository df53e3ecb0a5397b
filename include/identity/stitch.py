"""From changed vendor records to the person of each record: the steps of sql/identity, in their order."""

from dataclasses import asdict
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from include import warehouse
from include.identity.components import Route, find_components
from include.identity.islands import stitch_islands
from include.identity.normalise import normal_form
from include.identity.rules import IdentityRules

PAGE = 50_000  # raw values normalised at a time: bounds the memory
MANY = 20_000  # rows new at once; above, the planner is told at once, not when autovacuum comes by


def _step(conn: psycopg.Connection, name: str, **values: object) -> int:
    return warehouse.run(conn, f"identity/{name}", values or None)


def apply_rules(conn: psycopg.Connection, rules: IdentityRules) -> bool:
    """Make the tables of rules equal to rules.yaml; identifiers whose listing or threshold changed are to be looked at.

    :returns: whether priorities or limits changed: then everybody is to be stitched anew.
    """
    changed = warehouse.rows(conn, "identity/05_rules", {
        "types": [one.type for one in rules.blocked],
        "kinds": [one.kind for one in rules.blocked],
        "values": [one.value for one in rules.blocked],
        "reasons": [one.reason for one in rules.blocked],
    })
    if changed:
        _step(conn, "06_relist")
    if _step(conn, "05_carrier_rule", shared_above=rules.shared_above):
        _step(conn, "06_recount")
    ruled = warehouse.rows(conn, "identity/05_identifier_rules", {
        "types": [one.type for one in rules.identifiers],
        "priorities": [one.priority for one in rules.identifiers],
        "limits": [Jsonb([asdict(limit) for limit in one.limits]) for one in rules.identifiers],
        "users_above": [one.users_above for one in rules.identifiers],
    })
    if ruled:
        _step(conn, "06_recount")
    return bool(ruled)


def gather_records(conn: psycopg.Connection, *, at: datetime, rebuild: bool) -> dict[str, int]:
    """Drain the queue into ``identity.record``: new, changed and withdrawn records.

    :returns: ``changed`` vendor records looked at, ``withdrawn`` records.
    """
    changed = _step(conn, "10_keys_rebuild" if rebuild else "10_keys")
    conn.execute("analyze identity.work_key")
    if changed > MANY:
        conn.execute("analyze staging.person_record, staging.order_entry, staging.event")
    for step in ("20_person_sources", "21_bundles", "22_bundle_sources"):
        _step(conn, step)
    conn.execute("analyze identity.work_source, identity.work_bundle")
    for step in ("30_records", "31_touched", "32_bundle_rows_gone", "33_bundle_rows_new", "34_bundle_first_seen"):
        _step(conn, step)
    withdrawn = _step(conn, "35_withdrawn", at=at)
    _step(conn, "36_last_words")
    return {"changed": changed, "withdrawn": withdrawn}


def link_records(conn: psycopg.Connection, rules: IdentityRules) -> dict[str, int]:
    """Bring the identifiers and links of the records looked at up to date, and decide which links are dropped.

    :returns: ``unusable`` values without a normal form among them, new ``links``.
    """
    _step(conn, "40_values")
    _normalise_new_values(conn)
    conn.execute("analyze identity.work_value, identity.work_touched")
    _step(conn, "42_carried")
    _step(conn, "43_unusable_gone")
    unusable = _step(conn, "43_unusable_new")
    _step(conn, "44_identifiers")
    conn.execute("analyze identity.work_carried")
    _step(conn, "45_identifier_ids")
    _step(conn, "46_edges_gone")
    links = _step(conn, "47_edges_new")
    if links > MANY:
        conn.execute("analyze identity.record, identity.identifier, identity.edge")
    _step(conn, "48_identifiers_to_count")
    conn.execute("analyze identity.work_identifier")
    _step(conn, "49_blocked", shared_above=rules.shared_above)
    _step(conn, "50_report_shared")
    _step(conn, "51_dropped")
    _step(conn, "52_last_word_carriers")
    return {"unusable": unusable, "links": links}


def _normalise_new_values(conn: psycopg.Connection) -> None:
    new = _step(conn, "41_new_values")
    for after in range(0, new, PAGE):
        page = warehouse.rows(conn, "identity/41_page_of_new_values", {"after": after, "upto": after + PAGE})
        with conn.cursor() as cursor, cursor.copy(warehouse.statement("identity/41_copy_normal_forms")) as copy:
            for row in page:
                form = normal_form(row["type"], row["raw_value"], row["country"])
                copy.write_row((row["type"], row["raw_value"], row["country"], form.value, form.reason))


def assign_persons(
    conn: psycopg.Connection, rules: IdentityRules, *, at: datetime, everybody: bool, route: Route | None = None
) -> dict[str, int]:
    """Stitch the records in scope anew and write what changed: persons, history, merges, splits, redirects.

    :param everybody: all records are in scope, not only those looked at and who they are linked to.
    :returns: ``records`` in scope, ``moved`` records, ``vanished`` persons (merged ones included), ``refused`` links.
    """
    _step(conn, "53_decided", at=at)
    _step(conn, "54_standing_links")
    records = _step(conn, "55_scope_rebuild" if everybody else "55_scope")
    conn.execute("analyze identity.work_scope")
    for step in ("57_neighbours_gone", "57_links", "58_splits"):
        _step(conn, step)
    find_components(conn, rules, route, everybody=everybody)
    refused = stitch_islands(conn, rules, at=at)
    _step(conn, "70_assignment")
    conn.execute("analyze identity.work_assignment")
    _step(conn, "71_former")
    conn.execute("analyze identity.work_former")
    _step(conn, "72_person_changes", at=at)
    _step(conn, "73_history_closed", at=at)
    _step(conn, "74_history_opened", at=at)
    moved = _step(conn, "75_record_person")
    _step(conn, "76_persons", at=at)
    _step(conn, "77_redirects", at=at)
    _step(conn, "78_redirects_follow", at=at)
    return {"records": records, "moved": moved, "vanished": _step(conn, "79_vanished"), "refused": refused}

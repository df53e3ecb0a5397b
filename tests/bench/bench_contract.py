"""What the schema contract adds to the check of a million records."""

import time

from include import check_history, warehouse
from include.candidate import fill_candidate
from include.pushdown import run_suite
from include.schema_contract import drift
from include.schema_contract.parts import deletion_mark, terms_by_part
from include.sources import registry
from include.suites import read_suite
from tests.bench.measure import Measure
from tests.bench.postgres import throwaway_postgres

ROWS = 1_000_000
BATCH = """
insert into ops.batch (stream, state, landed_rows, landed_at) values ('hubspot.contacts', 'landed', %s, '2026-11-20')
"""
CONTACTS = """
insert into raw.record (batch_id, stream, record_key, payload, payload_hash)
select
    1, 'hubspot.contacts', n::text,
    json_build_object(
        'id', n::text, 'archived', false, 'createdAt', '2026-01-01T00:00:00Z', 'updatedAt', '2026-11-01T00:00:00Z',
        'url', 'https://crm.example/' || n, 'properties', json_build_object(
            'email', 'person' || n || '@shop.example', 'firstname', 'Ann', 'lastname', 'Person',
            'phone', case when mod(n, 3) = 0 then '+49171' || n end, 'city', 'Berlin', 'zip', '10115',
            'country', 'Germany', 'state', null, 'date_of_birth', '1980-01-01', 'hs_language', 'de',
            'lifecyclestage', 'lead', 'hs_object_id', n::text, 'hs_email_optout', null, 'gender', 'f',
            'interests', 'run;ski', 'shopify_customer_id', n::text, 'consent_email', 'granted',
            'consent_email_at', '2026-01-01T00:00:00Z', 'consent_ads', 'withdrawn')),
    sha256(n::text::bytea)
from generate_series(1, %(rows)s) as n
"""


def contract_vs_check(rows: int = ROWS) -> Measure:
    """The columns of every record, time against candidate and suite together."""
    stream = registry.stream("hubspot.contacts")
    with throwaway_postgres() as cluster:
        url = cluster.ensure_database("warehouse")
        warehouse.migrate(url)
        with warehouse.connect(url, autocommit=True) as conn:
            conn.execute(BATCH, (rows,))
            conn.execute(CONTACTS, {"rows": rows})
            conn.execute("vacuum analyze raw.hubspot_contacts")
            begun = time.perf_counter()
            candidate = fill_candidate(conn, stream)
            run_suite(url, candidate.table, read_suite(stream.suite), check_history.parameters(conn, candidate))
            theirs = time.perf_counter() - begun
            begun = time.perf_counter()
            with conn.transaction():
                drift.find(conn, stream.name, [1], terms_by_part(conn, stream.name), deletion_mark(stream.name))
            ours = time.perf_counter() - begun
            [columns] = conn.execute("select count(distinct path) from ops.observed_column").fetchone()
    if columns < 20:
        raise ValueError(f"The contract found {columns} columns; the records have more.")
    return Measure(
        ratio=ours / theirs,
        seconds=ours,
        rows_per_second=rows / ours,
        note=f"{rows:,} records, {columns} columns; candidate and suite {theirs:.2f} s",
    )


BENCHES = {"contract_vs_check": contract_vs_check}

"""The gate on a batch of a million rows, against one hand-written SQL pass over the same rules."""

import time
from collections.abc import Callable

import psycopg

from include import warehouse
from include.pushdown import run_suite
from include.suites import read_suite
from tests.bench.measure import Measure
from tests.bench.postgres import throwaway_postgres

ROWS = 1_000_000
PARAMETERS = {"latest_at": "2026-11-21T03:00:00+00:00", "latest_on": "2026-11-21", "volume_min": 0,
              "volume_max": 2**53}

TABLE = """
create unlogged table checking.shopify_orders (like checking.order_entry including defaults including generated)
"""
FILL = """
insert into checking.shopify_orders (stream, record_key, entry_no, raw_id, batch_id, payload_hash, identity_key,
    changed_at, order_key, kind, occurred_at, email, ids, sku, title, quantity, amount_minor, currency, country)
select
    'shopify.orders', 'gid://shopify/Order/' || n / 3, mod(n, 3) + 1, n / 3, 1, sha256(n::text::bytea), md5(n::text),
    '2026-11-01', 'gid://shopify/Order/' || n / 3, case when mod(n, 50) = 0 then 'return' else 'sale' end,
    timestamptz '2024-01-01' + n * interval '1 minute', 'person' || mod(n, 200000) || '@shop.example',
    jsonb_build_object('shopify_customer', mod(n, 200000)::text), 'sku-' || mod(n, 5000), 'A thing for the house', 1,
    case when mod(n, 50) = 0 then -1999 else 1999 end, 'EUR', case when mod(n, 500) = 0 then 'Germany' else 'DE' end
from generate_series(1, %(rows)s) as n
"""
# What a person would write for the same rules: one pass that counts what fails, one aggregate for doubled keys.
BY_HAND = (
    """
    select
        count(*),
        count(*) filter (where record_key is null),
        count(*) filter (where order_key is null),
        count(*) filter (where entry_no is null),
        count(*) filter (where kind is null),
        count(*) filter (where kind not in ('sale', 'return')),
        count(*) filter (where occurred_at is null),
        count(*) filter (where occurred_at < '1995-01-01' or occurred_at > '2026-11-21 03:00:00+00'),
        count(*) filter (where amount_minor is null),
        count(*) filter (where not sign_fits),
        count(*) filter (where currency is null),
        count(*) filter (where currency !~ '^[A-Z]{3}$'),
        count(*) filter (where country !~ '^[A-Z]{2}$'),
        count(*) filter (where not has_identifier),
        count(*) filter (where not is_readable),
        count(*) filter (where not is_product)
    from checking.shopify_orders
    """,
    """
    select count(*)
    from (
        select 1 from checking.shopify_orders group by record_key, entry_no having count(*) > 1
    ) as doubled
    """,
)


def seconds(action: Callable[[], object], times: int = 3) -> float:
    """The best of some tries: what else the machine does is not the subject."""
    tries = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        tries.append(time.perf_counter() - begun)
    return min(tries)


def by_hand(conn: psycopg.Connection) -> None:
    for statement in BY_HAND:
        conn.execute(statement).fetchall()


def gate_vs_sql() -> Measure:
    """Great Expectations pushed down, time against time. Its import, once a process, is not counted."""
    suite = read_suite("shopify_orders")
    with throwaway_postgres() as cluster:
        url = cluster.ensure_database("warehouse")
        warehouse.migrate(url)
        with warehouse.connect(url, autocommit=True) as conn:
            conn.execute(TABLE)
            conn.execute(FILL, {"rows": ROWS})
            conn.execute("vacuum analyze checking.shopify_orders")
            outcomes = run_suite(url, "shopify_orders", suite, PARAMETERS)
            failed = {outcome.rule.name: outcome.failed_rows for outcome in outcomes if not outcome.passed}
            if failed != {"country_code": ROWS // 500}:
                raise ValueError(f"The gate found {failed}; the batch was made to break country_code alone.")
            ours = seconds(lambda: run_suite(url, "shopify_orders", suite, PARAMETERS))
            theirs = seconds(lambda: by_hand(conn))
    return Measure(ratio=ours / theirs, seconds=ours, rows_per_second=ROWS / ours,
                   note=f"{ROWS:,} rows, {len(suite.rules)} rules; by hand {theirs:.2f} s")


BENCHES = {"gate_vs_sql": gate_vs_sql}

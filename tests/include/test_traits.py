"""Traits as of a day: fixed cases, and real data against pandas."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from include.errors import ConfigError
from include.identity.build import build_persons
from include.identity.traits import read_traits
from tests.include.identity.staged import publish_events, publish_orders

DAY = date(2026, 11, 21)


def at(days_ago: int, hour: int = 12) -> datetime:
    """That hour, so many days before DAY."""
    return datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=UTC) - timedelta(days=days_ago)


def sold(key: str, email: str, days_ago: int, cents: int, **more: Any) -> dict[str, Any]:
    return {
        "record_key": key,
        "email": f"{email}@firm.example",
        "occurred_at": at(days_ago),
        "amount_minor": cents,
        **more,
    }


def did(key: str, email: str, name: str, days_ago: int, **more: Any) -> dict[str, Any]:
    return {"record_key": key, "email": f"{email}@firm.example", "name": name, "occurred_at": at(days_ago), **more}


def traits(conn: psycopg.Connection, *columns: str) -> dict[str, tuple]:
    """Local part of the person's address → the columns asked for."""
    names = psycopg.sql.SQL(", ").join(psycopg.sql.Identifier("t", column) for column in columns)
    found = conn.execute(
        psycopg.sql.SQL(
            "select split_part(p.email, '@', 1), {} from profile.trait as t "
            "inner join profile.person as p on p.person_id = t.person_id"
        ).format(names)
    )
    return {name: tuple(values) for name, *values in found}


def test_orders_are_summed_net_of_returns_in_the_main_currency(conn: psycopg.Connection) -> None:
    publish_orders(
        conn,
        [
            sold("1", "ada", 400, 5000, local_hour=20, local_weekday=1),
            sold("2", "ada", 30, 3000, local_hour=9, local_weekday=2),
            sold("3", "ada", 20, 1000, local_hour=9, local_weekday=2),
            sold("4", "ada", 10, -500, order_key="3"),
            sold("5", "ada", 5, -700, order_key="C3", local_hour=3),  # a return under a key of its own is no purchase
            sold("6", "ada", 4, 9900, currency="USD"),
        ],
    )
    build_persons(conn, as_of=DAY)
    assert traits(
        conn,
        "currency",
        "order_count",
        "return_count",
        "first_ordered_on",
        "last_ordered_on",
        "total_cents",
        "year_cents",
        "average_order_cents",
        "favourite_hour",
        "favourite_weekday",
    ) == {"ada": ("EUR", 4, 2, at(400).date(), at(4).date(), 7800, 2800, 2600, 9, 2)}


def test_what_comes_after_the_day_does_not_count(conn: psycopg.Connection) -> None:
    publish_orders(
        conn, [sold("1", "ada", 20, 1000), sold("2", "ada", 10, -400, order_key="1"), sold("3", "ada", 1, 9000)]
    )
    publish_events(conn, [did("1", "ada", "email_opened", 1)])
    columns = ("order_count", "return_count", "total_cents", "recency_days", "opens_90d")
    build_persons(conn, as_of=at(15).date())
    assert traits(conn, *columns) == {"ada": (1, 0, 1000, 5, 0)}
    build_persons(conn, as_of=at(10).date())
    assert traits(conn, *columns) == {"ada": (1, 1, 600, 10, 0)}
    build_persons(conn, as_of=DAY)
    assert traits(conn, *columns) == {"ada": (2, 1, 9600, 1, 1)}


def test_equal_buyers_get_equal_scores(conn: psycopg.Connection) -> None:
    publish_orders(conn, [sold(str(n), f"b{n}", 50 if n < 8 else n, 100 if n < 8 else n * 100) for n in range(10)])
    build_persons(conn, as_of=DAY)
    scores = traits(conn, "rfm_recency", "rfm_frequency", "rfm_monetary", "rfm_segment")
    assert {scores[f"b{n}"] for n in range(8)} == {(4, 5, 4, "champions")}
    assert (scores["b8"], scores["b9"]) == ((5, 5, 5, "champions"), (5, 5, 5, "champions"))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0, 0, "new"),
        (30, 3, "new"),
        (31, 31, "active"),
        (400, 90, "active"),
        (400, 91, "at_risk"),
        (400, 180, "at_risk"),
        (400, 181, "lapsed"),
    ],
)
def test_the_lifecycle_changes_on_its_day(conn: psycopg.Connection, first: int, last: int, expected: str) -> None:
    publish_orders(conn, [sold("1", "ada", first, 100), sold("2", "ada", last, 100)])
    publish_events(conn, [did("1", "bob", "email_opened", 1)])
    build_persons(conn, as_of=DAY)
    assert traits(conn, "lifecycle") == {"ada": (expected,), "bob": ("prospect",)}


def test_engagement_counts_ninety_days(conn: psycopg.Connection) -> None:
    publish_events(
        conn,
        [
            did("1", "ada", "email_opened", 89),
            did("2", "ada", "email_clicked", 90),
            did("3", "bob", "email_clicked", 0),
            did("4", "eve", "email_bounced", 0),
            did("5", "old", "email_opened", 300),
        ],
    )
    build_persons(conn, as_of=DAY)
    assert traits(conn, "opens_90d", "clicks_90d", "engagement", "last_engaged_at") == {
        "ada": (1, 0, "low", at(89)),
        "bob": (0, 1, "medium", at(0)),
        "eve": (0, 0, "none", None),
        "old": (0, 0, "none", at(300)),
    }


def test_a_cart_is_open_until_a_purchase(conn: psycopg.Connection) -> None:
    publish_events(
        conn,
        [
            did("1", "ada", "cart_abandoned", 3, amount_minor=4200, currency="EUR"),
            did("2", "bob", "cart_abandoned", 3, amount_minor=100, currency="EUR"),
        ],
    )
    publish_orders(conn, [sold("1", "ada", 5, 100), sold("2", "bob", 2, 100)])
    build_persons(conn, as_of=DAY)
    assert traits(conn, "open_cart_at", "open_cart_cents") == {"ada": (at(3), 4200), "bob": (None, None)}


def test_the_same_day_again_writes_nothing_and_the_next_day_moves_recency(conn: psycopg.Connection) -> None:
    publish_orders(conn, [sold("1", "ada", 3, 100), sold("2", "bob", 4, 100)])
    assert build_persons(conn, as_of=DAY)["traits"] == 2
    assert build_persons(conn, as_of=DAY)["traits"] == 0
    publish_orders(conn, [sold("3", "ada", 1, 100)])
    assert build_persons(conn, as_of=DAY)["traits"] == 1 + 1  # Bob's scores move with Ada's
    assert build_persons(conn, as_of=DAY + timedelta(days=1))["traits"] == 2
    assert traits(conn, "recency_days") == {"ada": (2,), "bob": (5,)}


@pytest.mark.parametrize(
    ("head", "cause"),
    [
        ("trait: y\ntitle: t\nowner: o\ncolumns: [a]", "called 'y'"),
        ("trait: x\ntitle: t\ncolumns: [a]", "owner is missing"),
        ("trait: x\ntitle: t\nowner: o\ncolumns: a", "no list"),
        ("trait: x\ntitle: t\nowner: o\ncolumns: [a]\ntype: b", "'type' is no key"),
    ],
)
def test_a_wrong_front_matter_is_refused(tmp_path: Path, head: str, cause: str) -> None:
    (tmp_path / "x.sql").write_text(f"/*\n{head}\n*/\nselect 1")
    with pytest.raises(ConfigError, match=cause):
        read_traits(tmp_path)


def _load(conn: psycopg.Connection, stream: str, frame: pd.DataFrame, currency: str) -> None:
    """Lines straight into staging: key, customer (empty: nobody), order_key, kind, at, quantity, minor."""
    conn.execute(
        "create temporary table line (key text, customer text, order_key text, kind text, at timestamptz, "
        "quantity int, minor bigint)"
    )
    columns = frame[["key", "customer", "order_key", "kind", "at", "quantity", "minor"]]
    with (
        conn.cursor() as cursor,
        cursor.copy("copy line from stdin with (format csv, force_not_null (customer))") as copy,
    ):
        copy.write(columns.to_csv(index=False, header=False))
    conn.execute(
        """
        with customer as (
            select
                customer,
                case when customer <> '' then jsonb_build_object('shop_customer', customer) else '{}' end as ids
            from line
            group by customer
        ),
        keyed as materialized (select customer, ids, staging.bundle_key(null, null, ids) as identity_key from customer)
        insert into staging.order_entry (stream, record_key, entry_no, raw_id, batch_id, payload_hash, order_key, kind,
            occurred_at, ids, identity_key, quantity, amount_minor, currency)
        select %s, key, 1, 0, 0, '', order_key, kind, at, ids, identity_key, quantity, minor, %s
        from line
        inner join keyed on keyed.customer = line.customer
        """,
        [stream, currency],
    )


def _by_customer(conn: psycopg.Connection, columns: str) -> dict[str, tuple]:
    query = psycopg.sql.SQL(
        "select i.value, {} from profile.trait as t inner join identity.record as r on r.person_id = t.person_id "
        "inner join identity.edge as e on e.record_id = r.record_id "
        "inner join identity.identifier as i on i.identifier_id = e.identifier_id"
    ).format(psycopg.sql.SQL(", ").join(psycopg.sql.Identifier("t", one) for one in columns.split()))
    return {value: tuple(rest) for value, *rest in conn.execute(query)}


def _fifths(series: pd.Series) -> pd.Series:
    places = series.rank(method="max").astype(int)
    return (5 * places + len(series) - 1) // len(series)


def test_rfm_of_online_retail_equals_pandas(conn: psycopg.Connection, real_data: str) -> None:
    lines = pd.read_csv(Path(real_data) / "online-retail" / "online_retail.csv.gz", dtype=str, encoding="utf-8")
    frame = pd.DataFrame(
        {
            "key": lines.index.astype(str),
            "customer": lines.CustomerID.fillna(""),
            "order_key": lines.InvoiceNo,
            "at": pd.to_datetime(lines.InvoiceDate).dt.tz_localize("UTC"),
            "quantity": lines.Quantity.astype(int),
            "minor": (lines.Quantity.astype(int) * (lines.UnitPrice.astype(float) * 1000).round().astype(int) / 10)
            .round()
            .astype(int),
        }
    )
    frame["kind"] = [
        "return" if key.startswith("C") or minor < 0 else "sale"
        for key, minor in zip(frame.order_key, frame.minor, strict=True)
    ]
    _load(conn, "files.orders", frame, "GBP")
    as_of = date(2011, 12, 10)
    build_persons(conn, as_of=as_of, rebuild=True)

    known = frame[frame.customer != ""]
    bought = known[known.kind == "sale"].groupby("customer")
    expected = (
        pd.DataFrame(
            {
                "recency": (pd.Timestamp(as_of, tz="UTC") - bought["at"].max().dt.normalize()).dt.days,
                "frequency": bought["order_key"].nunique(),
                "monetary": known.groupby("customer")["minor"].sum(),
            }
        )
        .dropna()
        .astype(int)
    )
    expected["r"] = _fifths(-expected.recency)
    expected["f"] = _fifths(expected.frequency)
    expected["m"] = _fifths(expected.monetary)
    found = _by_customer(conn, "recency_days frequency monetary_cents rfm_recency rfm_frequency rfm_monetary")
    buyers = {customer: values for customer, values in found.items() if values[0] is not None}
    assert len(found) == 4372
    assert buyers == {row[0]: row[1:] for row in expected.itertuples(name=None)}
    assert conn.execute("select count(*) from profile.person_order").fetchone()[0] == known.order_key.nunique()


def test_cdnow_gives_its_customers_and_purchases(conn: psycopg.Connection, real_data: str) -> None:
    rows = pd.read_csv(Path(real_data) / "cdnow" / "cdnow_master.csv.gz", dtype=str)
    frame = pd.DataFrame(
        {
            "key": rows.index.astype(str),
            "customer": rows.customer_id,
            "order_key": rows.index.astype(str),
            "at": pd.to_datetime(rows.date).dt.tz_localize("UTC"),
            "quantity": rows.cds.astype(int),
            "minor": (rows.amount.astype(float) * 100).round().astype(int),
            "kind": "sale",
        }
    )
    _load(conn, "files.orders", frame, "USD")
    counts = build_persons(conn, as_of=date(1998, 6, 30), rebuild=True)
    assert counts["persons"] == 23_570
    assert conn.execute("select count(*), sum(total_cents) from profile.person_order").fetchone() == (
        69_659,
        250_031_563,
    )
    assert conn.execute("select sum(frequency), sum(monetary_cents) from profile.trait").fetchone() == (
        69_659,
        250_031_563,
    )

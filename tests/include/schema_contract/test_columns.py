"""What counts as a change of a stream's columns, and what does not."""

import psycopg
import pytest

from include.errors import ConfigError
from include.schema_contract import columns, drift
from include.schema_contract.parts import deletion_mark, terms_by_part
from include.schema_contract.terms import Terms, terms_of
from include.sources import registry
from include.sources.mapping import table_mapping
from include.sources.mapping_reader import read_table
from tests.include.schema_contract.contacts import STREAM, Payload, contacts, land, learn, terms


def changes(conn: psycopg.Connection, **said) -> list[tuple[str, str]]:
    """(kind, path) of what changed in the open batches."""
    batches = [batch for (batch,) in conn.execute("select batch_id from ops.batch where state = 'landed'")]
    found = drift.find(conn, STREAM.name, batches, terms(conn, **said), deletion_mark(STREAM.name))
    return [(one.kind, one.path) for one in found]


def without(name: str):
    return lambda payload: payload["properties"].pop(name)


def every(other: int, name: str):
    """Leave the column out of all but every so-many-th contact."""

    def change(payload: Payload) -> None:
        if int(payload["id"]) % other:
            del payload["properties"][name]

    return change


def test_the_first_batch_of_a_stream_is_learned_and_changes_nothing(conn):
    land(conn, contacts(1, 60))
    assert changes(conn) == []


def test_a_column_that_only_some_records_have_is_not_lost(conn):
    learn(conn, contacts(1, 600, every(30, "city")))
    land(conn, contacts(1, 60, without("city")))
    assert changes(conn) == []  # two of sixty would have it: their absence says nothing
    land(conn, contacts(1000, 600, without("city")))
    assert changes(conn) == [("lost_column", "properties.city")]


def test_a_column_is_not_lost_before_enough_records_lack_it_however_they_are_batched(conn):
    learn(conn, contacts(1, 200))
    land(conn, contacts(1, 49, without("firstname")))
    assert changes(conn) == []
    learn(conn, [])
    land(conn, contacts(300, 1, without("firstname")))
    assert changes(conn) == [("lost_column", "properties.firstname")]


def test_a_column_that_is_null_in_every_record_is_not_lost(conn):
    learn(conn, contacts(1, 60))
    land(conn, contacts(1, 60, lambda payload: payload["properties"].update(firstname=None)))
    assert changes(conn) == []


def test_a_column_without_values_takes_its_first_type_in_silence(conn):
    learn(conn, contacts(1, 60))
    land(conn, contacts(1, 2, lambda payload: payload["properties"].update(phone="+49301234567", city="Bonn")))
    assert changes(conn, covers="all") == []


def test_whole_and_broken_numbers_are_one_type_and_nothing_has_none(conn):
    learn(conn, contacts(1, 60, lambda payload: payload.update(score=7, tags=["a"])))
    land(conn, contacts(1, 60, lambda payload: payload.update(score=7.5, tags={})))
    assert changes(conn, covers="all") == []


def test_a_change_of_a_column_nobody_reads_is_told_and_stops_nothing(conn):
    learn(conn, contacts(1, 60))
    land(conn, contacts(1, 60, lambda payload: payload.update(url=1)))
    [found] = drift.find(conn, STREAM.name, [2], terms_by_part(conn, STREAM.name), None)
    assert (found.path, found.mode) == ("url", "evolve")
    assert terms(conn, covers="all")[""].mode("changed_type", ["url"]) == "freeze"


def test_of_a_new_object_only_its_top_is_told(conn):
    learn(conn, contacts(1, 60))
    land(conn, contacts(1, 3, lambda payload: payload.update(account={"owner": {"name": "x"}, "lines": [{"no": 1}]})))
    assert changes(conn) == [("new_column", "account")]


def test_what_is_inside_lists_is_looked_at_by_their_first(conn):
    learn(conn, contacts(1, 60, lambda payload: payload.update(lines=[{"no": 1}, {"no": 2}])))
    land(conn, contacts(1, 3, lambda payload: payload.update(lines=[{"no": "1", "sku": "a"}])))
    assert changes(conn) == [("changed_type", "lines[].no"), ("new_column", "lines[].sku")]


def test_keys_that_are_data_are_no_columns_and_are_never_named(conn):
    def with_map(payload: Payload) -> None:
        payload["by_address"] = {payload["properties"]["email"]: 1, f"+4930123{payload['id']}": 2}
        payload["by_name"] = {f"name{chr(97 + int(payload['id']) % 26)}{chr(97 + int(payload['id']) // 26)}": 1}

    learn(conn, contacts(1, 60))
    land(conn, contacts(1, columns.WIDEST + 50, with_map))
    assert changes(conn) == [("new_column", "by_address"), ("new_column", "by_name")]
    seen = [path for (path,) in conn.execute("select path from ops.observed_column")]
    assert [path for path in seen if path.startswith("by_") and "." in path] == []


def test_an_object_that_the_contract_calls_open_has_no_columns(conn):
    learn(conn, contacts(1, 60, lambda payload: payload.update(custom={"a": 1})))
    land(conn, contacts(1, 60, lambda payload: payload.update(custom={"b": 1})))
    assert changes(conn, opened=(("custom",),)) == []


def test_a_deletion_says_nothing_about_columns(conn):
    learn(conn, contacts(1, 60))
    batch = land(conn, [{"id": str(n), "archived": True} for n in range(60)])
    assert changes(conn) == []
    assert conn.execute(
        "select count(*) from ops.observed_column where batch_id = %s and type = 'has'", (batch,)
    ).fetchone() == (0,)


def test_a_column_that_comes_back_is_new_again(conn):
    learn(conn, contacts(1, 60))
    land(conn, contacts(1, 60, lambda payload: payload.pop("url")))
    found = drift.find(conn, STREAM.name, [2], terms(conn), None)
    drift.record(conn, STREAM.name, found)
    learn(conn, [])
    assert conn.execute("select state from ops.known_column where path = 'url'").fetchone() == ("gone",)
    land(conn, contacts(1, 60))
    assert changes(conn) == [("new_column", "url")]
    learn(conn, [])
    assert conn.execute("select state, rows from ops.known_column where path = 'url'").fetchone() == ("known", 60)


def test_the_contract_reads_every_path_of_a_mapping():
    reads = terms_of(table_mapping("shopify.customers")).reads
    assert {("defaultEmailAddress", "emailAddress"), ("tags",), ("legacyResourceId",), ("dataSaleOptOut",)} <= set(
        reads
    )
    assert terms_of({"email": ['$.emails[0].value ? (@ != "")'], "contract": {}}).reads == (("emails", "0", "value"),)


@pytest.mark.parametrize("name", sorted(set(registry.STREAMS) - {"files.persons"}))  # no such file is built in
def test_every_stream_has_a_contract_and_reads_something(conn, name):
    parts = terms_by_part(conn, name)
    assert parts
    assert all(isinstance(one, Terms) and one.reads for one in parts.values())


TABLE = "orders:\n  columns: {order_key: id, occurred_at: at}\n  contract:\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("    new_columns: freeze", "x.yaml, line 4: 'new_columns' is not known in contract"),
        ("    lost_column: ignore", "x.yaml, line 4: 'lost_column' is none of evolve, freeze, discard"),
        ("    covers: some", "x.yaml, line 4: 'covers' is none of read, all"),
        ("    freshness: warning", "x.yaml, line 4: 'freshness' is none of info, critical, off"),
        ("    open: custom", "x.yaml, line 4: 'open' is no list of paths"),
        ("    reads: [a..b]", "x.yaml, line 4: 'reads' has a path that cannot be read"),
    ],
)
def test_a_wrong_contract_is_refused_with_file_line_cause_and_mend(line, said):
    with pytest.raises(ConfigError) as refused:
        read_table("x.yaml", f"{TABLE}{line}\n", "order_entry", "orders")
    assert said in str(refused.value)


def test_a_contract_is_read_with_its_lists_of_paths():
    read = read_table(
        "x.yaml",
        TABLE + "    changed_type: discard\n    reads: ['lines[].sku']\n    open: [custom]\n",
        "order_entry",
        "orders",
    )
    found = terms_of(read)
    assert (found.changed_type, found.opened) == ("discard", (("custom",),))
    assert ("lines", "0", "sku") in found.reads

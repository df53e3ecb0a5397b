"""Names of keys come from outside: one that is a value, or may be one, is told nowhere; the warehouse alone has it."""

import re
from typing import Any

import psycopg
import pytest

from include import quality
from include.errors import CriticalCheckError
from include.results import draw
from include.results.store import PageFolder
from include.schema_contract import names
from include.stream_watch import states
from include.task_run import TaskKey
from tests.canaries import rows_of
from tests.include.schema_contract.contacts import STREAM, Payload, check, contacts, land, learn

WORD = "zqxvarnok"
VALUES = (  # never a name, and kept nowhere but in raw
    f"{WORD}@x.example",
    f"+49 151 7{WORD} 99 88 77 1",
    "x" * 60 + WORD,
)
DOUBTFUL = (  # may be somebody's name, or a way into somebody's screen
    f"Jane {WORD}",
    f"{WORD}.doe",
    f"{WORD}\nOwner: ceo",
    f"<b>{WORD}</b>",
    f"Größe {WORD}",
    f"\u202e{WORD}",
)
KEY = TaskKey("d", "r", "t", -1, 1)


def inside(payload: Payload, name: str) -> None:
    payload["properties"][name] = {name: {name: 1}}


def every(payload: Payload) -> None:
    for name in (*VALUES, *DOUBTFUL):
        inside(payload, name)
    payload["nickname"] = "Ann"


def told_of(conn: psycopg.Connection, folder: PageFolder, checked: quality.Checked) -> dict[str, str]:
    """All that leaves the warehouse after a check."""
    about: dict[str, Any] = {"stream": STREAM.name, "owner": "crm", "link": None, "key": KEY}
    path = draw.draw_newest(conn, folder, checked.suite, **about)
    page = folder.read(path) if path else b""
    return {
        "notices": " ".join(state.summary for state in states(checked)),
        "results": rows_of(conn, "ops", "check_result"),
        "quarantine": rows_of(conn, "ops", "quarantine"),
        "page": page.decode(),
    }


@pytest.mark.parametrize("mode", ["evolve", "discard", "freeze"])
def test_a_key_that_is_or_may_be_a_value_is_told_nowhere(
    conn: psycopg.Connection, warehouse_url: str, tmp_path: Any, mode: str
) -> None:
    learn(conn, contacts(1, 60))
    land(conn, contacts(100, 60, every))
    if mode == "freeze":
        with pytest.raises(CriticalCheckError, match="7 changes") as stopped:
            check(conn, warehouse_url, new_column=mode)
        texts = {"error": str(stopped.value), "results": rows_of(conn, "ops", "check_result")}
    else:
        texts = told_of(conn, PageFolder(str(tmp_path)), check(conn, warehouse_url, new_column=mode))
    assert [where for where, text in texts.items() if WORD in text.lower() or "\u202e" in text] == []
    assert "nickname" in texts["results"]
    assert len(re.findall(r"\w\*\*\* \(\d+ characters\)", texts["results"])) >= 5


def test_a_key_that_is_a_value_is_no_column_in_the_warehouse_either_nor_is_what_it_holds(
    conn: psycopg.Connection, warehouse_url: str
) -> None:
    learn(conn, contacts(1, 60))
    land(conn, contacts(100, 60, lambda payload: [inside(payload, name) for name in VALUES]))
    check(conn, warehouse_url)
    assert WORD not in "".join(
        rows_of(conn, "ops", name) for name in ("observed_column", "schema_drift", "known_column")
    )


def test_a_changed_type_of_a_doubtful_key_sets_records_aside_without_naming_it(
    conn: psycopg.Connection, warehouse_url: str
) -> None:
    name = f"Jane {WORD}"
    learn(conn, contacts(1, 60, lambda payload: payload["properties"].update({name: "a"})))
    land(conn, [*contacts(100, 300), *contacts(500, 3, lambda payload: payload["properties"].update({name: 7}))])
    checked = check(conn, warehouse_url, changed_type="discard", covers="all")
    assert checked.quarantined == 3
    assert WORD not in rows_of(conn, "ops", "quarantine")
    assert "properties.J*** (14 characters)" in rows_of(conn, "ops", "quarantine")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (("properties", "firstname"), "properties.firstname"),
        (("lineItems", "nodes", "0", "sku"), "lineItems.nodes[].sku"),
        (("Unit price",), "U*** (10 characters)"),
        (("a", "jane.doe", "b"), "a.j*** (8 characters).b"),
        (("<script>",), "*** (8 characters)"),
        (("x" * 41,), "x*** (41 characters)"),
    ],
)
def test_a_path_is_told_by_its_plain_names(steps: tuple[str, ...], told: str) -> None:
    assert names.told(steps) == told


def test_a_name_that_the_mapping_reads_is_ours_and_told_as_it_is() -> None:
    assert names.told(("Unit price", "x y"), reads=[("Unit price",)]) == "Unit price.x*** (3 characters)"


def test_database_and_python_agree_on_what_looks_like_data(conn: psycopg.Connection) -> None:
    samples = [*VALUES, *DOUBTFUL, "_links", "email", "hs_object_id", "iso2_12345", "a" * 64, "a" * 65]
    in_sql = conn.execute(
        "select array_agg(name ~ %(data)s order by place)"
        " from unnest(%(names)s::text[]) with ordinality as n (name, place)",
        {"data": names.DATA.pattern, "names": samples},
    ).fetchall()[0][0]
    assert in_sql == [bool(names.DATA.search(one)) for one in samples]

"""The file drop: what a reader who goes by the manifest finds, whatever happened to the writer."""

import csv
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.destinations.base import Audience, Member
from include.destinations.file_drop import FileDropDestination, slug
from include.destinations.file_drop_folder import MANIFEST
from include.destinations.file_drop_format import as_bytes, is_formula
from include.destinations.file_drop_people import IDENTIFIERS, People
from include.destinations.file_drop_snapshot import STATE
from include.errors import ConfigError


def audience(sync_id: int | None = 7, **options: Any) -> Audience:
    return Audience(1, "file_drop", "vip", "champions", "email", options, "vip", sync_id=sync_id)


def member(row: int, email: str, **fields: Any) -> Member:
    return Member(row, {"email": email}, fields)


@pytest.fixture
def drop(tmp_path: Path) -> FileDropDestination:
    made = FileDropDestination(tmp_path.as_uri(), tries=1)
    made.open_audience(audience())
    return made


def files(folder: Path) -> list[dict[str, Any]]:
    return orjson.loads((folder / "vip" / MANIFEST).read_bytes())["files"]


def rows(folder: Path, number: int = -1) -> list[dict[str, str]]:
    text = (folder / "vip" / files(folder)[number]["name"]).read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_manifest_tells_rows_bytes_and_hash_of_each_file(drop: FileDropDestination, tmp_path: Path) -> None:
    drop.add(audience(), [member(0, "a@x.example"), member(1, "b@x.example")])
    drop.remove(audience(8), [member(0, "a@x.example")])
    added, removed = files(tmp_path)
    for one in (added, removed):
        content = (tmp_path / "vip" / one["name"]).read_bytes()
        assert (one["bytes"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (added["operation"], added["rows"], added["sync_id"]) == ("added", 2, 7)
    assert added["name"].startswith("vip_00000007_added_")
    assert [path.name for path in (tmp_path / "vip").iterdir() if path.name.startswith(".")] == []


def test_columns_are_the_same_whoever_is_in_the_file(drop: FileDropDestination, tmp_path: Path) -> None:
    drop.add(audience(fields=["city", "first_name"]), [member(0, "a@x.example")])
    drop.add(audience(fields=["city", "first_name"]), [member(0, "b@x.example", first_name="Eve", city="Ulm")])
    expected = ["email", "phone", "city", "first_name", "cleared"]
    assert [list(rows(tmp_path, number)[0]) for number in (0, 1)] == [expected, expected]


def test_no_cell_is_a_formula(drop: FileDropDestination, tmp_path: Path) -> None:
    names = ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "\t=1", 'a "quoted", two\nlines']
    members = [member(row, f"p{row}@x.example", first_name=name) for row, name in enumerate(names)]
    members.append(Member(6, {"email": "p6@x.example", "phone": "+4930123456"}))
    drop.add(audience(), members)
    shown = rows(tmp_path)
    assert [one["first_name"] for one in shown[:6]] == [f"'{name}" for name in names[:5]] + names[5:]
    assert shown[6]["phone"] == "+4930123456"


def test_an_address_that_would_be_a_formula_is_refused_and_goes_into_parquet(
    drop: FileDropDestination, tmp_path: Path
) -> None:
    both = [member(0, "=cmd@x.example"), member(1, "b@x.example")]
    assert [(one.row, one.code) for one in drop.add(audience(), both).exceptions] == [(0, "formula")]
    assert drop.add(audience(format="parquet"), both).exceptions == ()
    table = pq.read_table(tmp_path / "vip" / files(tmp_path)[-1]["name"])
    assert table.column("email").to_pylist() == ["=cmd@x.example", "b@x.example"]


def test_the_same_people_make_the_same_parquet_bytes() -> None:
    people = [{"email": "a@x.example", "city": "Ulm"}]
    assert as_bytes("parquet", ["email", "city"], people) == as_bytes("parquet", ["email", "city"], people)


def test_a_batch_that_was_announced_before_its_sync_died_is_not_announced_again(
    drop: FileDropDestination, tmp_path: Path
) -> None:
    drop.remove(audience(7), [member(0, "z@x.example")])
    drop.add(audience(7), [member(0, "a@x.example")])
    drop.remove(audience(8), [member(0, "z@x.example")])
    drop.add(audience(8), [member(0, "a@x.example")])
    assert [one["operation"] for one in files(tmp_path)] == ["removed", "added"]


def test_who_comes_leaves_and_comes_again_is_told_each_time(drop: FileDropDestination, tmp_path: Path) -> None:
    for sync_id in (7, 9, 11):
        drop.add(audience(sync_id), [member(0, "a@x.example")])
        drop.remove(audience(sync_id + 1), [member(0, "a@x.example")])
    assert [one["operation"] for one in files(tmp_path)] == ["added", "removed"] * 3


def test_what_was_written_and_never_announced_is_cleared_away_and_nothing_else(
    drop: FileDropDestination, tmp_path: Path
) -> None:
    drop.add(audience(), [member(0, "a@x.example")])
    for name in ("vip_00000008_added_0123456789ab.csv", ".vip_00000008_added_0123456789ab.csv.part", "theirs.done"):
        (tmp_path / "vip" / name).write_text("x")
    assert drop.has_audience(audience())
    left = {path.name for path in (tmp_path / "vip").iterdir()}
    assert left == {MANIFEST, "theirs.done", files(tmp_path)[0]["name"]}


def test_a_snapshot_holds_everybody_and_is_announced_once_a_sync(drop: FileDropDestination, tmp_path: Path) -> None:
    whole = audience(7, mode="snapshot", fields=["first_name", "city"])
    job = drop.add(whole, [member(0, "a@x.example", first_name="Ada", city="Ulm"), member(1, "b@x.example")]).job_id
    drop.add(whole, [member(0, "c@x.example")])
    assert files(tmp_path) == []
    for _ in range(2):
        assert drop.confirm(whole, job or "") is not None
    assert [one["rows"] for one in files(tmp_path)] == [3]
    later = audience(8, mode="snapshot", fields=["first_name", "city"])
    drop.remove(later, [member(0, "b@x.example")])
    drop.update(later, [Member(0, {"email": "a@x.example"}, {"city": "Bonn"}, cleared=("first_name",))])
    drop.confirm(later, "8")
    assert [(one["email"], one["first_name"], one["city"]) for one in rows(tmp_path)] == [
        ("a@x.example", "", "Bonn"),
        ("c@x.example", "", ""),
    ]


def test_of_snapshots_the_last_three_stay(drop: FileDropDestination, tmp_path: Path) -> None:
    for number in range(5):
        whole = audience(number, mode="snapshot")
        drop.add(whole, [member(0, f"p{number}@x.example")])
        drop.confirm(whole, str(number))
    assert [one["rows"] for one in files(tmp_path)] == [3, 4, 5]
    assert len(list((tmp_path / "vip").glob("*.csv"))) == 3


def test_a_shared_number_stays_with_whoever_is_left(drop: FileDropDestination, tmp_path: Path) -> None:
    whole = audience(7, mode="snapshot", fields=[])
    drop.add(
        whole,
        [Member(0, {"email": "a@x.example", "phone": "+491"}), Member(1, {"email": "b@x.example", "phone": "+491"})],
    )
    drop.remove(whole, [member(0, "a@x.example")])
    drop.confirm(whole, "7")
    assert {"email": "b@x.example", "phone": "+491"} in rows(tmp_path)
    assert "a@x.example" not in {one["email"] for one in rows(tmp_path)}


row_of = st.fixed_dictionaries(
    {}, optional={"email": st.sampled_from("ab"), "phone": st.sampled_from("123"), "city": st.sampled_from("xy")}
).filter(lambda row: row.keys() & {*IDENTIFIERS})
change = st.tuples(st.sampled_from(["add", "add", "update", "remove"]), row_of, st.sampled_from(["", "city"]))


def put(people: list[dict[str, str]], row: dict[str, str], cleared: str) -> None:
    """By the rule in words: the first identifier that both carry decides."""
    by_email = [one for one in people if row.get("email") and one.get("email") == row["email"]]
    both = row.keys() & {"email"}
    by_phone = [
        one for one in people if row.get("phone") and one.get("phone") == row["phone"] and not one.keys() & both
    ]
    known = next(iter([*by_email, *by_phone]), None)
    if known is None:
        people.append(known := {})
    known.pop(cleared, None)
    known.update(row)


def let_go(people: list[dict[str, str]], row: dict[str, str]) -> None:
    for one in people:
        for name in IDENTIFIERS:
            if row.get(name) and one.get(name) == row[name]:
                del one[name]
    people[:] = [one for one in people if one.keys() & {*IDENTIFIERS}]


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(change, max_size=12))
def test_whoever_comes_and_goes_everybody_is_who_the_rule_says(changes: list[tuple[str, dict[str, str], str]]) -> None:
    expected: list[dict[str, str]] = []
    with People() as people, People() as reread:
        for operation, row, cleared in changes:
            people.apply(operation, [{**row, "cleared": cleared} if operation != "remove" else row])
            if operation == "remove":
                let_go(expected, row)
            else:
                put(expected, row, cleared)
        found = list(people.rows())
        reread.load(found)
        assert list(reread.rows()) == found
    assert sorted(map(sorted, map(dict.items, found))) == sorted(map(sorted, map(dict.items, expected)))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_snapshot_of_more_people_than_a_group_of_rows_is_whole(
    drop: FileDropDestination, tmp_path: Path, form: str
) -> None:
    whole = audience(7, mode="snapshot", format=form, fields=[])
    for start in range(0, 60_000, 20_000):
        drop.add(whole, [member(row, f"p{row:06}@x.example") for row in range(start, start + 20_000)])
    drop.confirm(whole, "7")
    [one] = files(tmp_path)
    content = (tmp_path / "vip" / one["name"]).read_bytes()
    assert (one["rows"], one["bytes"], one["sha256"]) == (60_000, len(content), hashlib.sha256(content).hexdigest())
    table = pq.read_table(io.BytesIO(content)) if form == "parquet" else None
    told = rows(tmp_path) if table is None else table.to_pylist()
    assert [row["email"] for row in told] == [f"p{row:06}@x.example" for row in range(60_000)]


@pytest.mark.parametrize(("before", "after"), [("delta", "snapshot"), ("snapshot", "delta")])
def test_after_a_change_of_the_mode_everybody_is_asked_for_and_told_anew(
    drop: FileDropDestination, tmp_path: Path, before: str, after: str
) -> None:
    was = audience(7, mode=before)
    if not drop.has_audience(was):
        drop.open_audience(was)
    drop.add(was, [member(0, "a@x.example"), member(1, "b@x.example")])
    drop.confirm(was, "7")

    now = audience(8, mode=after)
    assert not drop.has_audience(now)
    assert drop.has_audience(replace(now, active=False))  # whom no file names is only let go
    assert drop.open_audience(now) == "vip"
    assert drop.has_audience(now)
    drop.add(now, [member(0, "b@x.example"), member(1, "c@x.example")])
    drop.confirm(now, "8")
    assert [one["email"] for one in rows(tmp_path)] == ["b@x.example", "c@x.example"]


def test_a_folder_that_lost_who_was_in_its_snapshot_asks_for_everybody(
    drop: FileDropDestination, tmp_path: Path
) -> None:
    whole = audience(7, mode="snapshot")
    drop.open_audience(whole)
    assert drop.has_audience(whole)
    drop.add(whole, [member(0, "a@x.example")])
    drop.confirm(whole, "7")
    assert drop.has_audience(whole)
    (tmp_path / "vip" / STATE).unlink()
    assert not drop.has_audience(whole)


def test_any_file_system_of_fsspec_will_do() -> None:
    drop = FileDropDestination("memory://audiences", tries=1)
    for vip in (audience(), audience(8, mode="snapshot")):
        drop.open_audience(vip)
        assert drop.has_audience(vip)
        assert drop.add(vip, [member(0, "a@x.example")]).exceptions == ()
    drop.confirm(vip, "8")
    assert drop.has_audience(vip)
    assert drop.check().account == "memory://audiences"


@pytest.mark.parametrize("options", [{"mode": "both"}, {"format": "xlsx"}, {"fields": ["shoe_size"]}])
def test_an_option_that_is_not_known_is_refused(drop: FileDropDestination, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        drop.add(audience(**options), [member(0, "a@x.example")])


def test_a_file_system_that_is_not_installed_is_told_without_the_url() -> None:
    with pytest.raises(ConfigError) as caught:
        FileDropDestination("nosuch://user:secret@host/x", tries=1).open_audience(audience())
    assert "secret" not in str(caught.value)


def test_two_names_never_share_a_folder() -> None:
    assert slug("vip") == "vip"
    assert len({slug(key) for key in ("VIP", "vip", "v i p", "v-i-p", "Über", "uber")}) == 6


@pytest.mark.parametrize(
    ("value", "computes"), [("=1", True), ("+4930123", False), ("+49 30 123", False), ("-x", True)]
)
def test_a_telephone_number_is_no_formula(value: str, computes: bool) -> None:
    assert is_formula(value) is computes

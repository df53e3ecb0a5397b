"""The documents behind the stand-ins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.standins.kit import EVERYTHING, Document, Filter, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def put(store: Store, *ids: str, changed_at: int = 0, **body: object) -> None:
    store.put_many("p", "k", [Document(id, {"id": id, **body}, changed_at, changed_at) for id in ids])


def ids(documents: list[Document]) -> list[str]:
    return [one.id for one in documents]


def test_ids_of_digits_sort_as_numbers(store: Store) -> None:
    put(store, "100", "9", "10", "1")
    assert ids(store.page("p", "k", order="id")) == ["1", "9", "10", "100"]
    assert ids(store.page("p", "k", order="id", after=(0, "9"))) == ["10", "100"]


def test_paging_by_change_passes_every_document_once_although_many_changed_in_one_instant(store: Store) -> None:
    put(store, *(str(n) for n in range(25)), changed_at=7)
    seen, after = [], None
    while page := store.page("p", "k", after=after, limit=10):
        seen += ids(page)
        after = (page[-1].changed_at, page[-1].id)
    assert seen == [str(n) for n in range(25)]


def test_since_is_included_and_before_is_not(store: Store) -> None:
    for at in (1, 2, 3):
        put(store, str(at), changed_at=at)
    assert ids(store.page("p", "k", Filter(since=2, before=3))) == ["2"]
    assert store.count("p", "k", Filter(since=2)) == 2


def test_archived_documents_are_shown_only_to_who_asks(store: Store) -> None:
    put(store, "live")
    store.put("p", "k", "gone", {}, changed_at=0, archived=True)
    assert ids(store.page("p", "k")) == ["live"]
    assert ids(store.page("p", "k", Filter(archived=True))) == ["gone"]
    assert store.count("p", "k", EVERYTHING) == 2


def test_a_filter_on_a_value_of_the_body(store: Store) -> None:
    put(store, "a", status="new")
    put(store, "b", status="old")
    assert ids(store.page("p", "k", Filter(where=("$.status", "old")))) == ["b"]


def test_listed_gives_the_documents_another_kind_names(store: Store) -> None:
    put(store, "a", "b", "c", status="new")
    store.put_many("p", "list", [Document(id, {}, 0, 0) for id in ("c", "a", "stranger")])
    assert ids(store.listed("p", "k", "list")) == ["a", "c"]
    assert store.count_listed("p", "k", "list", among=("$.status", ["old"])) == 0


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(ValueError, match="half way"), store.transaction():
        put(store, "a")
        with store.transaction():
            put(store, "b")
        raise ValueError("half way")
    assert store.count("p", "k") == 0
    put(store, "c")
    assert store.count("p", "k") == 1


def test_a_store_opened_again_has_what_was_put(store: Store, tmp_path: Path) -> None:
    put(store, "a", name="Ann")
    store.set_setting("day", 3)
    again = Store(tmp_path / "store.sqlite")
    assert again.get("p", "k", "a").body == {"id": "a", "name": "Ann"}
    assert again.get_setting("day") == 3
    again.close()


def test_restoring_forgets_what_came_after_the_copy(store: Store, tmp_path: Path) -> None:
    put(store, "before")
    store.save_to(tmp_path / "copy.sqlite")
    put(store, "after")
    store.restore_from(tmp_path / "copy.sqlite")
    assert ids(store.page("p", "k")) == ["before"]


def test_deleted_is_gone_and_deleting_again_says_so(store: Store) -> None:
    put(store, "a")
    assert store.delete("p", "k", "a")
    assert not store.delete("p", "k", "a")

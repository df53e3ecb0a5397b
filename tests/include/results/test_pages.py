"""Pages from the gate's own results: what failed, what to do, and nothing of the rows; drawn once a check, and anew."""

from datetime import timedelta
from html import unescape
from pathlib import Path

import psycopg
import pytest

from include import quality
from include.errors import CriticalCheckError, RetriableError
from include.results import advice, draw
from include.results.store import PageFolder
from include.suites import read_suite
from tests.include.gate import CONTACTS, good, land, staged
from tests.include.results.nights import LAST, LINK, Night, check, key, live, ordinary
from tests.include.schema_contract.contacts import check as check_contacts
from tests.include.schema_contract.contacts import contacts, learn
from tests.include.schema_contract.contacts import land as land_contacts

CANARY = "zqxvarnok"


def page(conn: psycopg.Connection, folder: Path, number: int = 1, suite: str = "hubspot_contacts") -> str | None:
    about = {"stream": suite.replace("_", ".", 1), "owner": "data", "key": key(suite, number), "link": LINK}
    return draw.draw_newest(conn, PageFolder(str(folder)), suite, **about)


def everything(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.html"))


def test_pain_18_a_check_s_page_names_rules_and_counts_and_no_value_of_a_row(
    conn: psycopg.Connection, warehouse_url: str, tmp_path: Path
) -> None:
    rows = [good(CONTACTS, number) for number in range(30)]
    bad = good(CONTACTS, 99, email=f"{CANARY}@@<b>broken", last_name=CANARY, country=CANARY, phone="+4915799887700")
    land(conn, CONTACTS, *rows, bad)
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    path = page(conn, tmp_path)
    assert path is not None
    text = (tmp_path / path).read_text(encoding="utf-8")
    assert "Rows set aside" in text
    assert "email_syntax" in text
    assert "bin/audienceflow quarantine list --stream hubspot.contacts --rule email_syntax" in text
    assert f'href="{LINK}"' in text
    assert CANARY not in everything(tmp_path)
    assert "15799887700" not in everything(tmp_path)


def test_a_check_that_stops_a_batch_has_its_page_too_and_one_that_found_nothing_open_has_none(
    conn: psycopg.Connection, warehouse_url: str, tmp_path: Path
) -> None:
    land(conn, CONTACTS, *(good(CONTACTS, number, email=None) for number in range(60)))
    with pytest.raises(CriticalCheckError):
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    path = page(conn, tmp_path, number=1)
    assert path is not None
    text = (tmp_path / path).read_text(encoding="utf-8")
    assert "Stopped" in text
    assert "Nothing of this batch was published" in text
    assert page(conn, tmp_path, number=2) is None
    found = [draw.page_of(conn, key("hubspot_contacts", number)) for number in (1, 2)]
    assert found == [path, None]


def test_what_a_file_or_a_platform_calls_itself_is_escaped(conn: psycopg.Connection, tmp_path: Path) -> None:
    suite = read_suite("hubspot_contacts")
    check(conn, suite, "hubspot.contacts", Night(10, {}), LAST)
    about = {"stream": "<script>alert(1)</script>", "owner": "a&b", "key": key(suite.name, 1), "link": '"><img src=x>'}
    draw.draw_newest(conn, PageFolder(str(tmp_path)), suite.name, **about)
    assert "<script" not in everything(tmp_path)
    assert "<img" not in everything(tmp_path)


def test_pages_drawn_anew_in_another_folder_are_the_same(conn: psycopg.Connection, tmp_path: Path) -> None:
    live(conn, tmp_path / "one", ["hubspot_contacts", "shopify_orders"], nights=3)
    drawn = draw.draw_all(conn, PageFolder(str(tmp_path / "other")))
    assert drawn == 2 * (3 + 1) + 1
    for path in (tmp_path / "one").rglob("*.html"):
        again = tmp_path / "other" / path.relative_to(tmp_path / "one")
        assert without_the_time(again) == without_the_time(path)


def without_the_time(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("<footer>")]


def test_old_pages_are_forgotten_but_each_suite_s_newest(conn: psycopg.Connection, tmp_path: Path) -> None:
    live(conn, tmp_path, ["hubspot_contacts", "shopify_orders"], nights=5)
    draw.draw_all(conn, PageFolder(str(tmp_path)))
    assert draw.forget(conn, PageFolder(str(tmp_path)), before=LAST - timedelta(days=1, hours=1)) == 6
    assert len(list((tmp_path / "hubspot_contacts").glob("2*.html"))) == 2
    assert draw.forget(conn, PageFolder(str(tmp_path)), before=LAST + timedelta(days=400)) == 2
    assert len(list(tmp_path.rglob("2*.html"))) == 2


@pytest.mark.parametrize("path", ["../secret.html", "a/../../secret.html", "/etc/passwd", "index.txt", ".part.html"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.html").write_text("secret")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("index")
    (tmp_path / "pages" / ".part.html").write_text("half")
    folder = PageFolder(str(tmp_path / "pages"))
    assert folder.read("index.html") == b"index"
    assert folder.read(path) is None


def test_a_folder_that_cannot_be_written_is_an_error_one_can_go_on_after(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    suite = read_suite("hubspot_contacts")
    check(conn, suite, "hubspot.contacts", next(ordinary(suite, 1)), LAST)
    with pytest.raises(RetriableError, match="result pages: the folder cannot be written"):
        page(conn, tmp_path / "file")
    assert draw.draw_all(conn, PageFolder(str(tmp_path / "pages"))) == 3


def test_a_broken_contract_says_what_changed_and_how_to_let_it_pass(
    conn: psycopg.Connection, warehouse_url: str, tmp_path: Path
) -> None:
    learn(conn, contacts(1, 60))
    land_contacts(conn, contacts(100, 60, lambda payload: payload["properties"].update(firstname=7, nickname="x")))
    with pytest.raises(CriticalCheckError):
        check_contacts(conn, warehouse_url)
    text = unescape((tmp_path / str(page(conn, tmp_path))).read_text(encoding="utf-8"))
    assert "A key has a kind of value it never had." in text
    assert "properties.firstname is number in 60 of 60 records, expected string" in text
    assert "or let it pass: bin/audienceflow schema accept hubspot.contacts; then run extract_hubspot again" in text
    assert "properties.nickname is new (string) in 60 of 60 records" in text
    assert "Only told: it is learned when the batch is published." in text
    assert "may be set aside" not in text  # which is what every rule outside the suite used to say


def test_every_rule_that_stands_in_no_suite_has_a_meaning_of_its_own(
    conn: psycopg.Connection, warehouse_url: str
) -> None:
    land(conn, CONTACTS, good(CONTACTS))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    rules = {rule for (rule,) in conn.execute("select rule from ops.check_result where details ->> 'reason' is null")}
    assert rules
    assert rules <= set(advice.MEANINGS)
    assert len({advice.meaning(rule, None) for rule in rules}) == len(rules)

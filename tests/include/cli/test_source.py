"""``source``: loads, replays and allowed deletions as people ask for them."""

import psycopg
import pytest

from include.cli.app import main
from tests.include.sources.shop import Shop, open_shop


@pytest.fixture(autouse=True)
def asked_here(warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line finds this test's warehouse."""
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and what was written, on both streams."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    written = capsys.readouterr()
    return int(ended.value.code or 0), written.out + written.err


def loaded(shop: Shop, count: int) -> None:
    shop.put(*range(1, count + 1))
    shop.land()
    shop.publish()


def test_a_first_load_is_estimated_by_the_shops_own_count(
    conn: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_shop(conn) as shop:
        loaded(shop, 400)

    code, text = said(capsys, "source", "estimate", "shopify.customers", "--json")

    assert code == 0
    assert '"records": 400' in text
    assert '"calls": 3' in text
    assert '"landed": 400' in text


def test_a_replay_says_what_it_wrote_and_that_nothing_landed_in_another_span(
    conn: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_shop(conn) as shop:
        loaded(shop, 3)

    assert said(capsys, "source", "replay", "shopify.customers", "--from", "2020-01-01") == (
        0, "1 batches: 3 rows written, 0 records left staging, 0 are held.\n")
    assert said(capsys, "source", "replay", "shopify.customers", "--from", "2020-01-01", "--to", "2020-01-02")[0] == 1


def test_only_a_refused_listing_can_be_allowed(conn: psycopg.Connection, capsys: pytest.CaptureFixture[str]) -> None:
    with open_shop(conn) as shop:
        loaded(shop, 40)
        assert said(capsys, "source", "allow-deletions", "shopify.customers")[0] == 1
        shop.delete(*range(1, 31))
        shop.land()

        assert "up to 30 records" in said(capsys, "source", "allow-deletions", "shopify.customers", "--who", "ada")[1]
        assert shop.land().gone == 30
    assert conn.execute("select actor, subject, details ->> 'records' from ops.audit").fetchall() == [
        ("ada", "shopify.customers", "30")]


def test_only_a_stream_whose_check_failed_can_be_set_aside(
    conn: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("source", "set-aside", "shopify.customers", "--why", "the shop is being mended", "--who", "ada")
    with open_shop(conn) as shop:
        loaded(shop, 3)
        assert said(capsys, *asked)[0] == 1
    conn.execute("update ops.batch set state = 'failed'")
    conn.commit()

    assert "without the news of shopify.customers until" in said(capsys, *asked)[1]
    assert conn.execute("select actor, action, subject from ops.audit").fetchall() == [
        ("ada", "stream set aside", "shopify.customers")]


def test_a_stream_that_does_not_exist_is_told_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "source", "replay", "shop.orders", "--from", "2020-01-01")

    assert code == 1
    assert "shopify.orders" in text

"""What credentials are worth, asked at the platforms' stand-ins."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest

from include import connection_checks
from include.destinations.base import Checked
from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import MetaDestination
from include.errors import AuthError, ConfigError, FatalError
from include.http_client import JsonClient
from include.limits import Quota
from include.sources import files, hubspot, shopify
from include.sources import mailchimp as mailchimp_source
from include.sources.checks import check_of
from include.sources.checks import files as files_check
from include.sources.registry import STREAMS
from include.standins.mailchimp_shapes import list_body
from tests.standins import Standins

LIST = "l1st000001"


def mailchimp(standins: Standins, *, token: str | None = None, list_id: str = LIST) -> MailchimpDestination:
    standins.put("mailchimp", "list", {"id": LIST, "body": list_body(LIST, "Newsletter", created_ms=1)})
    account = standins.account("mailchimp")
    return MailchimpDestination(account["base_url"], token or account["token"], list_id, tries=1)


def meta(standins: Standins, *, token: str | None = None) -> MetaDestination:
    account = standins.account("meta")
    return MetaDestination(account["base_url"], token or account["token"], account["account_id"], tries=1)


def test_good_credentials_are_written_down_with_account_and_limits(
    conn: psycopg.Connection, empty_standins: Standins
) -> None:
    connection_checks.check(conn, "mailchimp", mailchimp(empty_standins).check)
    connection_checks.check(conn, "meta", meta(empty_standins).check)
    of_mailchimp, of_meta = connection_checks.newest(conn)
    assert (of_mailchimp.state, of_mailchimp.account) == ("ok", f"list {LIST}")
    assert of_mailchimp.limits["people on the list"] == 0
    assert (of_meta.state, of_meta.scopes) == ("ok", ["ads_management"])
    assert {one.method for one in empty_standins.recorded()} == {"GET"}


def test_refused_credentials_fail_at_once_and_no_secret_is_kept(
    conn: psycopg.Connection, empty_standins: Standins
) -> None:
    with pytest.raises(AuthError):
        connection_checks.check(conn, "mailchimp", mailchimp(empty_standins, token="canary-of-a-key-us1").check)
    with pytest.raises(AuthError):
        connection_checks.check(conn, "meta", meta(empty_standins, token="canary-of-a-token").check)
    assert [one.state for one in connection_checks.newest(conn)] == ["refused", "refused"]
    [(kept,)] = conn.execute("select string_agg(c::text, ' ') from ops.connection_check as c").fetchall()
    assert "canary" not in kept


def test_a_list_that_is_not_there_and_terms_that_are_not_accepted_are_told_with_their_mend(
    conn: psycopg.Connection, empty_standins: Standins
) -> None:
    with pytest.raises(FatalError):
        connection_checks.check(conn, "mailchimp", mailchimp(empty_standins, list_id="nolist0000").check)
    empty_standins.settings({"meta.terms_accepted": False})
    with pytest.raises(FatalError, match="accept the custom audience terms"):
        connection_checks.check(conn, "meta", meta(empty_standins).check)
    assert [one.state for one in connection_checks.newest(conn)] == ["refused", "missing"]


def ending(days: float) -> connection_checks.Ask:
    """Credentials that end at a moment, which the platform tells."""
    return lambda: Checked("account 1", expires_at=datetime.now(UTC) + timedelta(days=days))


def test_pain_41_credentials_that_end_within_a_week_are_told_before_they_do(conn: psycopg.Connection) -> None:
    connection_checks.check(conn, "a", ending(8))
    with pytest.raises(AuthError, match="the credentials end at"):
        connection_checks.check(conn, "b", ending(6))
    connection_checks.check(conn, "c", None)
    assert {one.platform: one.state for one in connection_checks.newest(conn)} == {"a": "ok", "b": "missing", "c": "ok"}


def test_pain_41_an_end_that_the_platform_does_not_tell_is_read_from_the_connection(conn: psycopg.Connection) -> None:
    granted = datetime.now(UTC).date()
    week = connection_checks.written_expiry({"expires_on": (granted + timedelta(days=7)).isoformat()})
    with pytest.raises(AuthError, match="the credentials end at"):
        connection_checks.check(conn, "ga4", ending(90), role="source", expires_at=week)
    with pytest.raises(AuthError, match="the credentials ended at"):
        past = connection_checks.written_expiry({"expires_on": "2026-01-02"})
        connection_checks.check(conn, "ga4", None, role="source", expires_at=past)
    with pytest.raises(ConfigError, match="expires_on"):
        connection_checks.written_expiry({"expires_on": "in a week"})
    assert connection_checks.written_expiry({}) is None


@pytest.mark.parametrize(("left", "lasts", "state"), [(999, True, "missing"), (1000, True, "ok"), (0, False, "ok")])
def test_a_day_s_calls_that_are_nearly_used_up_are_told_before_the_night(
    conn: psycopg.Connection, left: int, lasts: bool, state: str
) -> None:
    checked = Checked("account 1", quota={"calls a day": Quota(10_000, left, lasts)})
    with nullcontext() if state == "ok" else pytest.raises(AuthError, match="999 of 10,000 calls a day are left"):
        connection_checks.check(conn, "a", lambda: checked)
    [result] = connection_checks.newest(conn)
    assert (result.state, result.quota["calls a day"]["remaining"]) == (state, left)


def test_sources_say_what_they_may_and_what_is_left(conn: psycopg.Connection, standins: Standins) -> None:
    accounts = {name: standins.account(name) for name in ("hubspot", "shopify", "mailchimp", "brevo")}
    url = {name: account["base_url"] for name, account in accounts.items()}
    token = {name: account["token"] for name, account in accounts.items()}
    clients = {
        "hubspot": hubspot.client(url["hubspot"], token["hubspot"]),
        "shopify": shopify.client(url["shopify"], token["shopify"]),
        "mailchimp": mailchimp_source.client(url["mailchimp"], token["mailchimp"], accounts["mailchimp"]["list_id"]),
        "brevo": JsonClient(f"{url['brevo']}/v3", headers={"api-key": token["brevo"]}),
    }
    for name, client in clients.items():
        asked = check_of(name)
        assert asked is not None
        connection_checks.check(conn, name, partial(asked, client), role="source")
    found = {one.platform: one for one in connection_checks.newest(conn)}
    assert {one.state for one in found.values()} == {"ok"}
    day = found["hubspot"].quota["calls a day"]
    assert 0 < day["remaining"] < day["limit"]
    assert set(found["shopify"].scopes) >= {"read_customers", "read_orders"}
    assert found["shopify"].quota["points"]["limit"] > 0
    assert found["mailchimp"].limits["people on the list"] > 0
    assert found["brevo"].quota["calls in Brevo's window"]["remaining"] >= 0
    assert {one.method for one in standins.recorded() if one.platform != "shopify"} == {"GET"}


def test_a_folder_that_is_not_there_is_told_before_its_files_are_missed(tmp_path: Path) -> None:
    checked = files_check.check(files.client([str(tmp_path), str(tmp_path / "gone")]))
    [problem] = checked.missing
    assert "gone cannot be opened (FileNotFoundError)" in problem


def test_a_source_without_a_check_says_so(conn: psycopg.Connection) -> None:
    assert check_of("no_such_source") is None
    connection_checks.check(conn, "new", None, role="source")
    assert connection_checks.newest(conn)[0].problems == ["this source cannot be asked"]


@pytest.mark.parametrize("source", sorted({stream.partition(".")[0] for stream in STREAMS}))
def test_every_source_there_is_has_a_check(source: str) -> None:
    assert check_of(source) is not None, f"include/sources/checks/{source}.py is missing"

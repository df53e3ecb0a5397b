"""What credentials are worth, asked at the platforms' stand-ins."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include import destination_checks
from include.destinations.base import Checked
from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import MetaDestination
from include.errors import AuthError, FatalError
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
    destination_checks.check(conn, "mailchimp", mailchimp(empty_standins))
    destination_checks.check(conn, "meta", meta(empty_standins))
    of_mailchimp, of_meta = destination_checks.newest(conn)
    assert (of_mailchimp.state, of_mailchimp.account) == ("ok", f"list {LIST}")
    assert of_mailchimp.limits["people on the list"] == 0
    assert (of_meta.state, of_meta.scopes) == ("ok", ["ads_management"])
    assert {one.method for one in empty_standins.recorded()} == {"GET"}


def test_refused_credentials_fail_at_once_and_no_secret_is_kept(
    conn: psycopg.Connection, empty_standins: Standins
) -> None:
    with pytest.raises(AuthError):
        destination_checks.check(conn, "mailchimp", mailchimp(empty_standins, token="canary-of-a-key-us1"))
    with pytest.raises(AuthError):
        destination_checks.check(conn, "meta", meta(empty_standins, token="canary-of-a-token"))
    assert [one.state for one in destination_checks.newest(conn)] == ["refused", "refused"]
    [(kept,)] = conn.execute("select string_agg(c::text, ' ') from ops.destination_check as c").fetchall()
    assert "canary" not in kept


def test_a_list_that_is_not_there_and_terms_that_are_not_accepted_are_told_with_their_mend(
    conn: psycopg.Connection, empty_standins: Standins
) -> None:
    with pytest.raises(FatalError):
        destination_checks.check(conn, "mailchimp", mailchimp(empty_standins, list_id="nolist0000"))
    empty_standins.settings({"meta.terms_accepted": False})
    with pytest.raises(FatalError, match="accept the custom audience terms"):
        destination_checks.check(conn, "meta", meta(empty_standins))
    assert [one.state for one in destination_checks.newest(conn)] == ["refused", "missing"]


class Ending:
    """A destination whose credentials end at a moment."""

    def __init__(self, days: float) -> None:
        self.days = days

    def check(self) -> Checked:
        return Checked("account 1", expires_at=datetime.now(UTC) + timedelta(days=self.days))


def test_pain_41_credentials_that_end_within_a_week_are_told_before_they_do(conn: psycopg.Connection) -> None:
    destination_checks.check(conn, "a", Ending(8))
    with pytest.raises(AuthError, match="the credentials end at"):
        destination_checks.check(conn, "b", Ending(6))
    destination_checks.check(conn, "c", object())
    assert {one.destination: one.state for one in destination_checks.newest(conn)} == {
        "a": "ok",
        "b": "missing",
        "c": "ok",
    }

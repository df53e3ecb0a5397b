"""Who is told what when: flapping is one pair of notices, a failure that goes on is told again, owners hear the end."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from include import alerts
from include.alert_channels import Notice, SlackChannel, WebhookChannel
from include.alerts import Policy, notify, sweep
from include.destinations.webhook_signature import Signature
from include.errors import RetriableError
from include.runtime.postgres import free_port
from include.segments import watch
from include.segments.build import SegmentBuilt
from tests.standins import Standins

NIGHT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
POLICY = Policy(settle=timedelta(minutes=15), remind=timedelta(hours=24))
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="


class Wall:
    """A channel that keeps what is sent to it."""

    name = "wall"

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def send(self, notice: Notice) -> None:
        self.notices.append(notice)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(notice.kind, notice.subject) for notice in self.notices]


def at(minutes: float) -> datetime:
    return NIGHT + timedelta(minutes=minutes)


def tell(
    conn: psycopg.Connection, wall: Wall, minutes: float, failing: bool, subject: str = "suite a", owner: str = "data"
) -> bool:
    words = "2 rows break a rule" if failing else "works again"
    return notify(
        conn,
        subject=subject,
        failing=failing,
        owner=owner,
        summary=words,
        channels=[wall],
        policy=POLICY,
        at=at(minutes),
        link="https://flow.example/dags/x",
        page="https://flow.example/quality/a.html",
    )


def look(conn: psycopg.Connection, wall: Wall, minutes: float) -> int:
    return sweep(conn, channels=[wall], policy=POLICY, at=at(minutes))


def test_a_subject_that_comes_and_goes_within_the_time_to_settle_is_one_pair_of_notices(conn) -> None:
    wall = Wall()
    for minutes, failing in ((0, True), (5, False), (10, True), (12, False), (20, True), (21, False)):
        tell(conn, wall, minutes, failing)
        look(conn, wall, minutes + 0.5)
    assert wall.said == [("opened", "suite a")]
    assert look(conn, wall, 35) == 0
    assert look(conn, wall, 37) == 1
    assert wall.said == [("opened", "suite a"), ("recovered", "suite a")]
    assert "it failed 3 times from 2026-11-22 03:00 to 2026-11-22 03:21 UTC" in wall.notices[-1].summary


def test_a_recovery_that_lasts_is_told_by_whoever_tells_anything_next(conn) -> None:
    wall = Wall()
    tell(conn, wall, 0, True)
    assert tell(conn, wall, 5, False) is False
    tell(conn, wall, 30, False, subject="suite b")
    assert wall.said == [("opened", "suite a"), ("recovered", "suite a")]
    assert "failed" not in wall.notices[-1].summary  # it failed once, and that is no news


def test_a_failure_after_a_told_recovery_is_a_new_one(conn) -> None:
    wall = Wall()
    for minutes, failing in ((0, True), (5, False), (30, False), (40, True), (41, False), (60, False)):
        tell(conn, wall, minutes, failing)
    assert [kind for kind, _ in wall.said] == ["opened", "recovered"] * 2
    assert "failed" not in wall.notices[-1].summary


def test_a_failure_that_goes_on_is_told_again_once_a_period(conn) -> None:
    wall = Wall()
    for hours in range(50):
        tell(conn, wall, hours * 60, True)
        look(conn, wall, hours * 60 + 10)
    assert [kind for kind, _ in wall.said] == ["opened", "reminded", "reminded"]
    assert wall.notices[1].headline == "STILL FAILING: suite a"
    assert wall.notices[1].summary == "since 2026-11-22 03:00 UTC: 2 rows break a rule"
    assert wall.notices[1].page == "https://flow.example/quality/a.html"


def test_nobody_is_reminded_where_reminders_are_off_or_the_failure_is_over(conn) -> None:
    wall = Wall()
    tell(conn, wall, 0, True)
    assert sweep(conn, channels=[wall], policy=Policy(remind=None), at=at(9_000)) == 0
    tell(conn, wall, 1, False)
    look(conn, wall, 9_000)
    assert [kind for kind, _ in wall.said] == ["opened", "recovered"]


def test_many_failures_of_one_owner_are_one_reminder_and_other_owners_get_theirs(conn) -> None:
    wall = Wall()
    for number in range(25):
        tell(conn, wall, 0, True, subject=f"suite {number:02}")
    tell(conn, wall, 0, True, subject="segment vip", owner="growth")
    wall.notices.clear()
    look(conn, wall, 24 * 60)
    assert wall.said == [("reminded", "25 subjects"), ("reminded", "segment vip")]
    lines = wall.notices[0].summary.splitlines()
    assert (len(lines), lines[-1]) == (21, "and 5 more")
    assert lines[0] == "suite 00 (since 2026-11-22 03:00 UTC): 2 rows break a rule"


def test_whoever_was_told_of_a_failure_is_told_of_its_end(conn) -> None:
    wall = Wall()
    tell(conn, wall, 0, True, owner="the suite's owner")
    tell(conn, wall, 1, False, owner="the task's owner")
    look(conn, wall, 20)
    assert [notice.owner for notice in wall.notices] == ["the suite's owner"] * 2


def test_open_alerts_are_listed_until_people_heard_of_their_end(conn) -> None:
    wall = Wall()
    tell(conn, wall, 0, True)
    tell(conn, wall, 1, False)
    assert [(one["subject"], one["state"]) for one in alerts.open_alerts(conn)] == [("suite a", "ok")]
    look(conn, wall, 20)
    assert alerts.open_alerts(conn) == []


def test_pain_38_the_owner_of_a_segment_that_is_not_built_is_told_once_and_of_its_next_build(conn) -> None:
    wall = Wall()
    fine = SegmentBuilt("vip", "v1", "growth", 10, 0, 0, 0.1, None)
    nights = [
        watch.states([], {"vip": "Postgres refused the statement: UndefinedTable, 42P01"}, {"vip": "growth"}),
        watch.states([], {"vip": "Postgres refused the statement: UndefinedTable, 42P01"}, {"vip": "growth"}),
        watch.states([fine]),
    ]
    for night, states in enumerate(nights):
        for state in states:
            notify(conn, **vars(state), channels=[wall], policy=Policy(), at=NIGHT + timedelta(hours=night))
    assert wall.said == [("opened", "build of segment vip"), ("recovered", "build of segment vip")]
    assert {notice.owner for notice in wall.notices} == {"growth"}


def notice(**changed: str) -> Notice:
    values = {
        "subject": "suite a",
        "kind": "opened",
        "owner": "crm",
        "summary": "3 rows",
        "link": "https://a/x",
        "page": "https://a/y",
        "id": "notice.7.20261122",
        "at": NIGHT,
    }
    return Notice(**{**values, **changed})


def test_a_webhook_gets_signed_json_which_the_specification_s_own_library_verifies(empty_standins: Standins) -> None:
    account = empty_standins.account("webhook")
    channel = WebhookChannel(f"{account['base_url']}/alerts", Signature(account["token"]))
    channel.send(notice())
    channel.send(notice())  # the same again, as after a lost answer
    [told] = empty_standins.alerts()["webhook"]
    assert told == {
        "type": "alert.opened",
        "timestamp": "2026-11-22T03:00:00+00:00",
        "data": {"subject": "suite a", "owner": "crm", "summary": "3 rows", "airflow_url": "https://a/x",
                 "results_url": "https://a/y"},
    }  # fmt: skip


def test_a_webhook_that_does_not_know_the_signature_refuses_and_no_secret_is_named(empty_standins: Standins) -> None:
    channel = WebhookChannel(f"{empty_standins.account('webhook')['base_url']}/alerts", Signature(SECRET))
    with pytest.raises(RetriableError, match="the webhook answered 401") as caught:
        channel.send(notice())
    assert SECRET not in repr(caught.value) + repr(channel)


def test_the_signature_covers_the_body() -> None:
    from requests import Request

    request = Request("POST", "http://x.example", data=b'{"a": 1}', headers={"webhook-id": "notice_7"})
    signed = request.prepare()
    signed.prepare_auth(Signature(SECRET))
    Webhook(SECRET).verify(b'{"a": 1}', dict(signed.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a": 2}', dict(signed.headers))


@pytest.mark.parametrize(("who", "called"), [("S012", "<!subteam^S012>"), ("U345", "<@U345>")])
def test_slack_calls_the_owner_by_name(empty_standins: Standins, who: str, called: str) -> None:
    account = empty_standins.account("slack")
    channel = SlackChannel(f"{account['base_url']}/services/{account['token']}", {"crm": who})
    channel.send(notice(summary="<3> rows"))
    [message] = empty_standins.alerts()["slack"]
    assert message["text"].splitlines() == [
        "*FAILING: suite a*", "&lt;3&gt; rows", "Owner: crm", "Results: https://a/y", "Airflow: https://a/x", called,
    ]  # fmt: skip


def test_a_channel_where_nobody_answers_is_told_later(conn) -> None:
    wall = Wall()
    gone = WebhookChannel(f"http://127.0.0.1:{free_port()}/alerts?token=secret", Signature(SECRET))
    with pytest.raises(RetriableError, match="did not answer") as caught:
        notify(conn, subject="suite a", failing=True, owner="data", summary="3 rows", channels=[gone, wall])
    assert "secret" not in repr(caught.value)
    assert wall.said == [("opened", "suite a")]

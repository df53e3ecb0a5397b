"""Alerts: one pair of notices for a spell of failures, none lost, none doubled, none with a value."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from include import warehouse
from include.alert_channels import SlackChannel, SmtpChannel
from include.alerts import notify, send_unsent
from include.errors import LostAnswerError, RetriableError
from include.runtime.postgres import free_port
from tests.include.gate import column

SUBJECT = "suite hubspot_contacts"


class Mailbox:
    """What an SMTP server received; refuses while ``down``."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.recipients: list[list[str]] = []
        self.down = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.down:
            return "451 Try again later"
        self.mails.append(envelope.content.decode())
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, SmtpChannel]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    owners = {"data": ["ana@shop.example", "ben@shop.example"]}
    yield box, SmtpChannel("127.0.0.1", controller.port, "flow@shop.example", owners, "ops@shop.example")
    controller.stop()


class Webhook(ThreadingHTTPServer):
    """What a Slack webhook received; answers ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _WebhookHandler)
        self.texts: list[str] = []
        self.status = 200


class _WebhookHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status is None:
            return
        if self.server.status == 200:
            self.server.texts.append(json.loads(body)["text"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def webhook() -> Iterator[tuple[Webhook, SlackChannel]]:
    server = Webhook()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, SlackChannel(f"http://127.0.0.1:{server.server_port}/services/T0/B0/secret-token")
    server.shutdown()
    server.server_close()


def tell(conn, *channels, failing=True, summary="hubspot.contacts: 3 rows", owner="data", link=None) -> bool:
    return notify(conn, subject=SUBJECT, failing=failing, owner=owner, summary=summary, channels=channels, link=link)


def test_a_spell_of_failures_is_one_notice_and_one_recovery_on_each_channel(conn, mailbox, webhook):
    (box, smtp), (server, slack) = mailbox, webhook
    told = [tell(conn, smtp, slack, failing=failing) for failing in (True, True, True, False, False)]
    assert told == [True, False, False, True, False]
    assert [text.split("\n")[0] for text in server.texts] == [f"*FAILING: {SUBJECT}*", f"*RECOVERED: {SUBJECT}*"]
    assert len(box.mails) == 2
    assert column(conn, "select channel || ' ' || kind from ops.alert_log order by alert_id") == [
        "smtp opened", "slack opened", "smtp recovered", "slack recovered"]


def test_a_subject_that_was_never_failing_is_no_news(conn, webhook):
    server, slack = webhook
    assert tell(conn, slack, failing=False) is False
    assert server.texts == []


def test_every_new_spell_is_told_again(conn, webhook):
    server, slack = webhook
    assert [tell(conn, slack, failing=failing) for failing in (True, False, True, False)] == [True] * 4
    assert len(server.texts) == 4


def test_a_mail_goes_to_the_owner_with_summary_and_link(conn, mailbox):
    box, smtp = mailbox
    tell(conn, smtp, link="https://flow.example/dags/extract_hubspot")
    assert box.recipients == [["ana@shop.example", "ben@shop.example"]]
    assert "Subject: [audienceflow] FAILING: suite hubspot_contacts" in box.mails[0]
    assert "hubspot.contacts: 3 rows" in box.mails[0]
    assert "https://flow.example/dags/extract_hubspot" in box.mails[0]


def test_an_owner_nobody_knows_is_no_reason_to_stay_silent(conn, mailbox):
    box, smtp = mailbox
    tell(conn, smtp, owner="somebody")
    assert box.recipients == [["ops@shop.example"]]


def test_a_summary_of_several_lines_makes_no_header(conn, mailbox):
    box, smtp = mailbox
    notify(conn, subject="suite x\r\nBcc: other@shop.example", failing=True, owner="data", summary="s", channels=[smtp])
    assert box.recipients == [["ana@shop.example", "ben@shop.example"]]
    assert "\nBcc:" not in box.mails[0]


def test_control_characters_of_slack_are_escaped(conn, webhook):
    server, slack = webhook
    tell(conn, slack, summary="<!channel> a & b")
    assert "&lt;!channel&gt; a &amp; b" in server.texts[0]


def test_a_channel_that_is_down_gets_its_notice_later_and_the_other_not_twice(conn, mailbox, webhook):
    (box, smtp), (server, slack) = mailbox, webhook
    box.down = True
    with pytest.raises(RetriableError, match="the mail was not taken"):
        tell(conn, smtp, slack)
    assert (len(box.mails), len(server.texts)) == (0, 1)
    box.down = False
    assert tell(conn, smtp, slack) is False  # the state has not changed, but the mail goes out
    assert (len(box.mails), len(server.texts)) == (1, 1)


def test_a_mail_that_is_sent_again_after_a_crash_has_the_id_it_had(warehouse_url, conn, mailbox):
    box, channel = mailbox

    class Killed(BaseException):
        """The process died here."""

    class Dying:
        name = channel.name

        def send(self, notice):
            channel.send(notice)
            raise Killed

    with pytest.raises(Killed), warehouse.connect(warehouse_url) as dying:
        notify(dying, subject=SUBJECT, failing=True, owner="data", summary="3 rows", channels=[Dying()])
    assert len(send_unsent(conn, [channel])) == 1
    ids = {line for mail in box.mails for line in mail.splitlines() if line.startswith("Message-ID")}
    assert (len(box.mails), len(ids)) == (2, 1)


def test_what_waits_is_sent_in_order_also_without_a_new_state(conn, mailbox):
    box, smtp = mailbox
    box.down = True
    for failing in (True, False):
        with pytest.raises(RetriableError):
            tell(conn, smtp, failing=failing)
    box.down = False
    assert len(send_unsent(conn, [smtp])) == 2
    assert ["FAILING" in mail for mail in box.mails] == [True, False]
    assert send_unsent(conn, [smtp]) == set()


def test_a_new_channel_does_not_get_old_news(conn, mailbox, webhook):
    (box, smtp), (server, slack) = mailbox, webhook
    tell(conn, slack)
    tell(conn, slack, smtp)
    assert (len(server.texts), box.mails) == (1, [])


def test_a_webhook_that_refuses_is_named_without_its_secret(conn, webhook):
    server, slack = webhook
    server.status = 500
    with pytest.raises(RetriableError, match="answered 500") as caught:
        tell(conn, slack)
    assert "secret-token" not in repr(caught.value)


def test_a_webhook_that_is_not_there_is_named_without_its_secret(conn):
    with pytest.raises(RetriableError) as caught:
        tell(conn, SlackChannel("http://127.0.0.1:9/services/secret-token"))
    assert "secret-token" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_many_who_tell_the_same_at_once_make_one_notice(warehouse_url, conn, webhook):
    server, slack = webhook
    told: list[bool] = []

    def one() -> None:
        with warehouse.connect(warehouse_url) as own:
            told.append(tell(own, slack))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 6
    assert len(server.texts) == 1
    assert column(conn, "select count(*) from ops.alert_log") == [1]


class Killed(BaseException):
    """The process died here."""


class DyingSlack:
    """Slack took the notice, and we died before we could write that down."""

    name = "slack"

    def __init__(self, slack: SlackChannel) -> None:
        self.slack = slack

    def send(self, notice):
        self.slack.send(notice)
        raise Killed


def test_what_slack_may_have_got_says_so_when_it_is_sent_again_after_a_crash(warehouse_url, conn, webhook):
    server, slack = webhook
    with pytest.raises(Killed), warehouse.connect(warehouse_url) as dying:
        tell(dying, DyingSlack(slack))
    assert len(send_unsent(conn, [slack])) == 1
    assert ["Sent again: it may have come before. notice." in text for text in server.texts] == [False, True]
    assert send_unsent(conn, [slack]) == set()


def test_what_slack_refused_is_no_repeat_when_it_is_sent_again(conn, webhook):
    server, slack = webhook
    server.status = 503
    with pytest.raises(RetriableError):
        tell(conn, slack)
    server.status = 200
    assert len(send_unsent(conn, [slack])) == 1
    assert "Sent again" not in server.texts[0]


def test_an_answer_that_never_came_leaves_open_whether_the_notice_arrived(conn, webhook):
    server, slack = webhook
    server.status = None  # the connection ends without an answer
    with pytest.raises(LostAnswerError):
        tell(conn, slack)
    server.status = 200
    send_unsent(conn, [slack])
    assert "Sent again" in server.texts[0]

"""Alerts: one notice per change of state, with a recovery notice, to the owner of what failed.

The state of each subject (a suite, a segment, an audience) stands in ``ops.alert_state``; the notice is written to
``ops.alert_outbox`` in the same statement that changes the state, and sent from there. A channel that is down gets its
notice at a later call; one that got it does not get it again, but for a process that dies between the channel's answer
and its own commit: rather told twice than never. A mail then has the id it had, by which mailboxes know it again.
Texts carry counts, names of rules and links, no values.
"""

import smtplib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Protocol

import psycopg
import requests

from include import warehouse
from include.errors import RetriableError

TIMEOUT = 10.0  # seconds: an alert must not hang the task that tells it
HEADLINES = {"opened": "FAILING", "recovered": "RECOVERED"}


@dataclass(frozen=True)
class Notice:
    """What people read.

    :param link: where to look; None: nowhere in particular.
    :param id: the same each time this notice is sent.
    """

    subject: str
    kind: str
    owner: str
    summary: str
    link: str | None
    id: str

    @property
    def headline(self) -> str:
        return f"{HEADLINES[self.kind]}: {self.subject}"

    @property
    def text(self) -> str:
        lines = [self.summary, f"Owner: {self.owner}", *([self.link] if self.link else [])]
        return "\n".join(lines)


class Channel(Protocol):
    """A way to people."""

    name: str

    def send(self, notice: Notice) -> None:
        """Send it; RetriableError when it could not be handed over."""


@dataclass(frozen=True)
class SmtpChannel:
    """Mail over SMTP.

    :param recipients: owner → addresses; an owner who is an address needs no entry.
    :param default_recipient: gets what no entry covers.
    """

    host: str
    port: int
    sender: str
    recipients: Mapping[str, Sequence[str]]
    default_recipient: str
    user: str | None = None
    password: str | None = None
    tls: bool = False
    name: str = "smtp"

    def send(self, notice: Notice) -> None:
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self._to(notice.owner))
        message["Subject"] = " ".join(f"[audienceflow] {notice.headline}".split())  # a header is one line
        message["Message-ID"] = f"<{notice.id}@audienceflow>"
        message.set_content(notice.text)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT) as server:
                if self.tls:
                    server.starttls()
                if self.user:
                    server.login(self.user, self.password or "")
                server.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise RetriableError(f"smtp {self.host}:{self.port}: the mail was not taken ({type(error).__name__}).",
                                 code="smtp") from error

    def _to(self, owner: str) -> Sequence[str]:
        if owner in self.recipients:
            return self.recipients[owner]
        return [owner] if "@" in owner else [self.default_recipient]


@dataclass(frozen=True)
class SlackChannel:
    """A Slack incoming webhook. Its URL is a secret and is never named."""

    webhook_url: str
    name: str = "slack"

    def send(self, notice: Notice) -> None:
        body = {"text": escaped(f"*{notice.headline}*\n{notice.text}")}
        try:
            answer = requests.post(self.webhook_url, json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            failure = RetriableError(f"slack: the webhook did not answer ({type(error).__name__}).", code="slack")
        else:
            if answer.status_code == 200:
                return
            failure = RetriableError(f"slack: the webhook answered {answer.status_code}.", code=str(answer.status_code))
        raise failure  # outside the handler: requests' own text names the URL


def escaped(text: str) -> str:
    """Text as Slack wants it: its three control characters escaped.

    Source: https://docs.slack.dev/messaging/formatting-message-text (Escaping text).
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def notify(conn: psycopg.Connection, *, subject: str, failing: bool, owner: str, summary: str,
           channels: Sequence[Channel], link: str | None = None) -> bool:
    """Tell the state of a subject; people hear of it when it changed. Commits. Safe to repeat and to call at once.

    :param subject: what the state is of, ``suite hubspot_contacts``; one notice per change of its state.
    :param summary: counts and names of rules, never a value from a row.
    :param channels: every notice goes to each of them.
    :returns: whether a notice of this call's change went out on at least one channel.
    :raises RetriableError: a channel did not take a notice; it stays in the outbox for the next call.
    """
    state = "failing" if failing else "ok"
    values = {"subject": subject, "state": state, "owner": owner, "summary": summary, "link": link,
              "channels": [channel.name for channel in channels]}
    made = [row["notice_id"] for row in warehouse.rows(conn, "alerts/change_state", values)]
    conn.commit()
    sent: set[int] = set()
    failures: list[RetriableError] = []
    for channel in channels:
        try:
            sent |= _send_all(conn, channel)
        except RetriableError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return bool(made) and made[0] in sent


def send_unsent(conn: psycopg.Connection, channels: Sequence[Channel]) -> int:
    """Send what the outbox still holds for these channels; return the number of notices that went out. Commits."""
    return sum(len(_send_all(conn, channel)) for channel in channels)


def _send_all(conn: psycopg.Connection, channel: Channel) -> set[int]:
    """Send each notice in a transaction of its own: what a channel took is on record before the next one goes."""
    sent: set[int] = set()
    while True:
        with conn.transaction():
            conn.execute("select pg_advisory_xact_lock(hashtextextended('alerts.' || %(channel)s, 0))",
                         {"channel": channel.name})
            found: list[dict[str, Any]] = warehouse.rows(conn, "alerts/unsent", {"channel": channel.name})
            if not found:
                return sent
            row = found[0]
            channel.send(_notice(row))
            warehouse.run(conn, "alerts/log_sent", {**row, "channel": channel.name})
        sent.add(row["notice_id"])


def _notice(row: Mapping[str, Any]) -> Notice:
    """Numbers begin anew in another warehouse, hence the time beside it."""
    once = f"notice.{row['notice_id']}.{row['opened_at']:%Y%m%d%H%M%S%f}"
    return Notice(row["subject"], row["kind"], row["owner"], row["summary"], row["link"], once)

"""Ways to people: mail, Slack, a webhook. Each takes a notice or raises RetriableError; none names a secret.

Texts carry counts, names of rules and links, no values.
"""

import smtplib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol

import orjson
import requests
from requests.auth import AuthBase

from include.errors import LostAnswerError, RetriableError
from include.http_client import never_sent

TIMEOUT = 10.0  # seconds: an alert must not hang the task that tells it
HEADLINES = {"opened": "FAILING", "reminded": "STILL FAILING", "recovered": "RECOVERED"}


@dataclass(frozen=True)
class Notice:
    """What people read.

    :param kind: ``opened``, ``reminded`` or ``recovered``.
    :param link: Airflow's page of the try; None: nowhere in particular.
    :param page: the page of results; None: there is none.
    :param id: the same each time this notice is sent.
    :param at: when the notice was made.
    :param again: it was handed over before, and whether it arrived is not known.
    """

    subject: str
    kind: str
    owner: str
    summary: str
    link: str | None
    page: str | None
    id: str
    at: datetime
    again: bool = False

    @property
    def headline(self) -> str:
        return f"{HEADLINES[self.kind]}: {self.subject}"

    @property
    def text(self) -> str:
        links = ((self.page, "Results"), (self.link, "Airflow"))
        return "\n".join([self.summary, f"Owner: {self.owner}", *(f"{what}: {url}" for url, what in links if url)])

    def as_json(self) -> dict[str, Any]:
        """For programs: ``{"type", "timestamp", "data"}``, as docs/alerts.md has it."""
        told = {"subject": self.subject, "owner": self.owner, "summary": self.summary}
        data = {**told, "airflow_url": self.link, "results_url": self.page}
        return {"type": f"alert.{self.kind}", "timestamp": self.at.isoformat(), "data": data}


class Channel(Protocol):
    """A way to people."""

    name: str

    def send(self, notice: Notice) -> None:
        """Send it; RetriableError when it was not taken, LostAnswerError when nobody knows."""


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
    password: str | None = field(default=None, repr=False)
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
            raise RetriableError(
                f"smtp {self.host}:{self.port}: the mail was not taken ({type(error).__name__}).", code="smtp"
            ) from error

    def _to(self, owner: str) -> Sequence[str]:
        if owner in self.recipients:
            return self.recipients[owner]
        return [owner] if "@" in owner else [self.default_recipient]


@dataclass(frozen=True)
class SlackChannel:
    """A Slack incoming webhook. Its URL is a secret and is never named.

    It takes no key by which a repeat is known, and what was posted cannot be read back: a repeat says that it is one.

    :param mentions: owner → id of a member (``U…``, ``W…``) or of a user group (``S…``), who is then called by name.
    """

    webhook_url: str = field(repr=False)
    mentions: Mapping[str, str] = field(default_factory=dict)
    name: str = "slack"

    def send(self, notice: Notice) -> None:
        repeat = f"\n_Sent again: it may have come before. {notice.id}_" if notice.again else ""
        text = f"*{escaped(notice.headline)}*\n{escaped(notice.text)}{repeat}"
        who = self.mentions.get(notice.owner)
        body = {"text": f"{text}\n{_mention(who)}" if who else text}
        _post("slack", self.webhook_url, orjson.dumps(body), {})


def _mention(who: str) -> str:
    """Source: https://docs.slack.dev/messaging/formatting-message-text (Mentioning users, groups)."""
    return f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>"


@dataclass(frozen=True)
class WebhookChannel:
    """A program of your own: JSON by POST, signed as the Standard Webhooks specification has it.

    :param auth: signs each try, as ``include.destinations.webhook_signature.Signature`` does.
    """

    url: str = field(repr=False)  # may carry a token
    auth: AuthBase = field(repr=False)
    name: str = "webhook"

    def send(self, notice: Notice) -> None:
        headers = {"webhook-id": notice.id.replace(".", "_")}  # a dot parts id, time and body where they are signed
        _post("webhook", self.url, orjson.dumps(notice.as_json()), headers, self.auth)


def _post(channel: str, url: str, body: bytes, headers: Mapping[str, str], auth: AuthBase | None = None) -> None:
    """Any 2xx is a yes; no answer behind a connection is neither a yes nor a no."""
    told = {"Content-Type": "application/json", **headers}
    failure: RetriableError
    try:
        answer = requests.post(url, data=body, headers=told, auth=auth, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        kind = RetriableError if isinstance(error, requests.ConnectTimeout) or never_sent(error) else LostAnswerError
        failure = kind(f"{channel}: the webhook did not answer ({type(error).__name__}).", code=channel)
    else:
        if answer.ok and answer.status_code < 300:
            return
        failure = RetriableError(f"{channel}: the webhook answered {answer.status_code}.", code=str(answer.status_code))
    raise failure  # outside the handler: requests' own text names the URL


def escaped(text: str) -> str:
    """Text as Slack wants it: its three control characters escaped.

    Source: https://docs.slack.dev/messaging/formatting-message-text (Escaping text).
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

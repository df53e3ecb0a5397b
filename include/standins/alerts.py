"""What the stand-ins received as alerts: Slack messages, mails, webhooks; kept as documents of platform ``alerts``."""

import email
import email.policy
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.concurrency import run_in_threadpool

from include.standins.kit import EVERYTHING, Context, Store

KINDS = ("slack", "mail", "webhook")


def keep(context: Context, kind: str, body: dict[str, Any]) -> None:
    """Append one alert of kind ``slack``, ``mail`` or ``webhook``."""
    with context.store.transaction():
        number = context.store.count("alerts", kind, EVERYTHING) + 1
        context.store.put("alerts", kind, str(number), body, changed_at=context.now_ms())


def received(store: Store) -> dict[str, list[dict[str, Any]]]:
    """All alerts, oldest first: of Slack and the webhook bodies, of mail ``{"from", "to", "subject", "text"}``."""
    return {
        kind: [one.body for one in store.page("alerts", kind, EVERYTHING, order="id", limit=-1)]
        for kind in KINDS
    }


def forget(store: Store) -> None:
    """Drop all alerts."""
    for kind in KINDS:
        for one in store.page("alerts", kind, EVERYTHING, limit=-1):
            store.delete("alerts", kind, one.id)


class MailReceiver:
    """Takes any mail and keeps it; delivers nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        part = message.get_body(("plain", "html"))
        await run_in_threadpool(
            keep,
            self._context,
            "mail",
            {
                "from": envelope.mail_from,
                "to": list(envelope.rcpt_tos),
                "subject": str(message["subject"] or ""),
                "text": "" if part is None else part.get_content(),
            },
        )
        return "250 Message accepted for delivery"

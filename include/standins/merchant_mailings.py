"""The merchant's mailings and what each recipient did with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from include.standins import mailchimp_shapes
from include.standins.merchant_people import Record, source_for, start_of
from include.standins.merchant_renderings import LIST_ID, ms
from include.standins.store import Document

LIST_NAME = "Newsletter"
SENT_DAYS_AGO = (118, 104, 88, 61, 43, 29, 13, 4)
SUBJECTS = (
    "Frühlingslaune",
    "Neu im Regal",
    "Draußen",
    "Nur diese Woche",
    "Für Leseratten",
    "Küche",
    "Unterwegs",
    "Herbst",
)
# Share of people, chance that one opens a mailing.
READERS = ((0.2, 0.75), (0.55, 0.25), (1.0, 0.02))
Act = tuple[str, datetime]  # email_opened, email_clicked or email_bounced, and when


@dataclass(frozen=True)
class Mailing:
    """A campaign that was sent."""

    key: str
    subject: str
    sent: datetime


@dataclass(frozen=True)
class Reaction:
    """What one recipient did with one mailing, oldest first; empty for nothing."""

    mailing: Mailing
    record: Record
    acts: tuple[Act, ...]


def mailings(today: date) -> list[Mailing]:
    """The mailings sent before ``today``, oldest first."""
    return [
        Mailing(f"c{no:08d}", subject, start_of(today) - timedelta(days=ago, hours=-9))
        for no, (ago, subject) in enumerate(zip(SENT_DAYS_AGO, SUBJECTS, strict=True), 1)
    ]


def reactions_of(record: Record, sent: list[Mailing], seed: int, end: datetime) -> Iterator[Reaction]:
    """One a mailing that reached the list after the member joined, all acts before ``end``."""
    rng = source_for(seed, "mailings", record.person)
    kind = rng.random()
    chance = next(opens for share, opens in READERS if kind <= share)
    for mailing in sent:
        left = record.status in ("unsubscribed", "cleaned", "archived") and mailing.sent > record.changed
        if record.created < mailing.sent and not left and record.status not in ("pending", "transactional"):
            yield Reaction(mailing, record, _acts(record, mailing, chance, rng, end))


def _acts(record: Record, mailing: Mailing, chance: float, rng: Random, end: datetime) -> tuple[Act, ...]:
    if record.status == "cleaned" and mailing.sent + timedelta(days=20) > record.changed:
        return (("email_bounced", mailing.sent + timedelta(minutes=1)),)
    if rng.random() >= chance:
        return ()
    opened = mailing.sent + timedelta(seconds=rng.randrange(60, 60 * 60 * 50))
    clicked = opened + timedelta(seconds=rng.randrange(5, 400))
    acts = [("email_opened", opened)] + ([("email_clicked", clicked)] if rng.random() < 0.3 else [])
    return tuple(act for act in acts if act[1] < end)


def activity(one: Reaction) -> Document:
    """Mailchimp's e-mail activity of one recipient of one campaign."""
    actions = [_action(name, at) for name, at in one.acts]
    body = mailchimp_shapes.activity_body(one.mailing.key, LIST_ID, (one.record.email_typed or "").strip(), actions)
    last = one.acts[-1][1] if one.acts else one.mailing.sent
    return Document(one.record.key, body, ms(one.mailing.sent), ms(last))


def _action(name: str, at: datetime) -> dict[str, str]:
    action = {
        "action": {"email_opened": "open", "email_clicked": "click", "email_bounced": "bounce"}[name],
        "timestamp": mailchimp_shapes.stamp(ms(at)),
        "ip": "192.0.2.7",
    }
    extra = {"email_clicked": {"url": "https://merchant.example/"}, "email_bounced": {"type": "hard"}}
    return {**action, **extra.get(name, {})}


def campaign(one: Mailing, recipients: int) -> Document:
    """Mailchimp's campaign."""
    body = mailchimp_shapes.campaign_body(
        one.key, LIST_ID, LIST_NAME, one.subject, sent_ms=ms(one.sent), recipients=recipients
    )
    return Document(one.key, body, ms(one.sent), ms(one.sent))

"""Mailchimp: members, archived when they are deleted, campaigns, and what recipients did with one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from include.sources import mailchimp
from include.standins import mailchimp_shapes as shapes
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record, ms

CAMPAIGN = "c4mpa1gn01"


class _Mailchimp(PlatformAdapter):
    lag = mailchimp.OVERLAP

    @property
    def list_id(self) -> str:
        return self.store.get_setting("mailchimp.account")["list_id"]

    @property
    def client(self) -> Any:
        return mailchimp.client(self.stage.url, self.token(), self.list_id, limiter=self.limits())


class Members(_Mailchimp):
    stream = "mailchimp.members"

    def put(self, record: Record) -> None:
        self._hold(record, "subscribed", record.changed)

    def delete(self, record: Record, at: datetime) -> None:
        self._hold(record, "archived", at)

    def _hold(self, record: Record, status: str, changed: datetime) -> None:
        body = shapes.member_body(
            self.list_id,
            f"{record.number}@shop.example",
            status=status,
            changed_ms=ms(changed),
            signed_up_ms=ms(record.created),
            merge_fields={"FNAME": str(record.state)},
        )
        archived = status == "archived"
        self.hold(f"member:{self.list_id}", Document(body["id"], body, ms(record.created), ms(changed), archived))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["email_address"].partition("@")[0]), int(payload["merge_fields"]["FNAME"])


class Activity(_Mailchimp):
    """A record is a click; clicks of six readers lie in one report, and none is ever taken back."""

    stream = "mailchimp.activity"
    changes = deletes = False

    def put(self, record: Record) -> None:
        if self.store.get("mailchimp", "campaign", CAMPAIGN) is None:
            sent = ms(record.changed - timedelta(days=9))
            body = shapes.campaign_body(CAMPAIGN, self.list_id, "News", "Hello", sent_ms=sent, recipients=6)
            self.store.put("mailchimp", "campaign", CAMPAIGN, body, changed_at=sent)
        address = f"reader{record.number % 6}@shop.example"
        held = self.store.get("mailchimp", f"activity:{CAMPAIGN}", shapes.member_id(address))
        acts = held.body["activity"] if held else []
        click = {
            "action": "click",
            "timestamp": shapes.stamp(ms(record.changed)),
            "ip": "192.0.2.1",
            "url": f"https://shop.example/{record.number}/{record.state}",
        }
        body = shapes.activity_body(
            CAMPAIGN, self.list_id, address, sorted([*acts, click], key=lambda act: act["timestamp"])
        )
        self.store.put(
            "mailchimp", f"activity:{CAMPAIGN}", shapes.member_id(address), body, changed_at=ms(record.changed)
        )

    def delete(self, record: Record, at: datetime) -> None:
        raise NotImplementedError("what was done is done")

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        number, state = payload["url"].split("/")[-2:]
        return int(number), int(state)


class Campaigns(_Mailchimp):
    """A campaign that was sent is as old as it is; its title and figures move."""

    stream = "mailchimp.campaigns"
    sweeps = True
    options: ClassVar[Mapping[str, Any]] = {"page_size": 4, "sweep_hours": 0, "sweep_floor": 1000}

    def put(self, record: Record) -> None:
        id = f"c{record.number:06}"
        held = self.store.get("mailchimp", "campaign", id)
        sent = held.created_at if held else ms(record.changed)
        body = shapes.campaign_body(id, self.list_id, "News", str(record.state), sent_ms=sent, recipients=6)
        self.hold("campaign", Document(id, body, sent, ms(record.changed)))

    def delete(self, record: Record, at: datetime) -> None:
        self.store.delete("mailchimp", "campaign", f"c{record.number:06}")

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["id"][1:]), int(payload["settings"]["title"])

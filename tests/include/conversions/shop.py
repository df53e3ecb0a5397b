"""A warehouse with buyers and orders, and the conversion action at Google's stand-in."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from psycopg.rows import dict_row

from include import warehouse
from include.conversions.google import GoogleConversions
from include.conversions.sync import ConversionResult, sync_conversions
from include.segments.control import Control
from tests.standins import Standins


class Shop:
    """Buyers and their orders in a warehouse, and the conversion action at the stand-in."""

    def __init__(self, url: str, standins: Standins) -> None:
        self.url = url
        self.standins = standins
        self.account = standins.account("google")
        self.controls: tuple[Control, ...] = ()
        self.conn = warehouse.connect(url, autocommit=True)

    def connector(self, **more: Any) -> GoogleConversions:
        account = self.account
        known = {"action_id": account["conversion_action_id"], "tries": 1, **more}
        return GoogleConversions(account["base_url"], account["token"], account["account_id"], **known)

    def buyer(self, address: str | None, consent: str | None = "granted") -> uuid.UUID:
        person = uuid.uuid4()
        self.conn.execute(
            "insert into profile.person (person_id, email, row_hash) values (%s, %s, sha256(convert_to(%s, 'UTF8')))",
            (person, address, str(person)),
        )
        if consent:
            self.consent(person, consent)
        return person

    def consent(self, person: uuid.UUID, state: str) -> None:
        self.conn.execute(
            """
            with said as (
                insert into consent.ledger
                    (identifier_type, identifier_value, purpose, state, occurred_at, stream, record_key)
                values ('email', %(key)s, 'ads', %(state)s, clock_timestamp(), 'test', gen_random_uuid()::text)
                returning consent_id
            )
            insert into consent.person_consent (person_id, purpose, state, consent_id)
            select %(person)s, 'ads', %(state)s, consent_id from said
            on conflict (person_id, purpose) do update
            set state = excluded.state, consent_id = excluded.consent_id
            """,
            {"key": str(person), "person": person, "state": state},
        )

    def order(
        self,
        person: uuid.UUID,
        key: str,
        sold: int = 2050,
        *,
        returned: int = 0,
        days: float = 1,
        currency: str = "EUR",
        stream: str = "shopify.orders",
        purchase: bool = True,
    ) -> None:
        at = datetime.now(UTC) - timedelta(days=days)
        self.conn.execute(
            """
            insert into profile.person_order (
                person_id, stream, order_key, ordered_at, ordered_on, sold_cents, returned_cents, total_cents, quantity,
                currency, is_purchase, last_entry_on
            )
            values (
                %(person)s, %(stream)s, %(key)s, %(at)s, %(at)s::date, %(sold)s, %(returned)s, %(sold)s - %(returned)s,
                1, %(currency)s, %(purchase)s, %(at)s::date
            )
            on conflict (stream, order_key, person_id) do update
            set returned_cents = excluded.returned_cents, total_cents = excluded.total_cents
            """,
            {"person": person, "stream": stream, "key": key, "at": at, "sold": sold, "returned": returned,
             "currency": currency, "purchase": purchase},
        )  # fmt: skip

    def sync(self, on: Callable[[str], None] = lambda step: None, **more: Any) -> ConversionResult:
        """One run; the platform has worked its requests off when it asks."""

        def progress(step: str) -> None:
            on(step)
            if step == "settled":
                self.standins.advance(60)

        return sync_conversions(
            self.url, self.connector(**more), run_id="run", wait_seconds=5, progress=progress, controls=self.controls
        )

    def held(self) -> dict[str, Any]:
        """Value of each order the action has."""
        documents = self.standins.documents("google", f"conversion:{self.account['conversion_action_id']}")
        return {id: one["body"]["conversionValue"] for id, one in documents.items()}

    def times(self, id: str) -> int:
        """How often the platform took the order."""
        documents = self.standins.documents("google", f"conversion:{self.account['conversion_action_id']}")
        return documents[id]["body"]["told"]

    def events(self) -> list[dict[str, Any]]:
        """Every event that was ever sent, in order."""
        sent = self.standins.recorded("google", path="%events:ingest")
        return [event for one in sent for event in orjson.loads(one.body)["events"]]

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

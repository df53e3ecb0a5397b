"""What strikes on a bad day, and where workers die."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from tests.faults.crew import Crew, FailedBefore
from tests.faults.stage import TRIES, Order, Stage

SEED = int(os.environ.get("FAULT_SEED", "0"))  # of what strikes when, and of the second day's deaths
# Of all requests to all platforms; each refuses in its own words. After a lost answer and an "error after" the request
# has been applied.
BAD_DAY: tuple[Mapping[str, Any], ...] = (
    {"platform": "*", "kind": "throttle", "probability": 0.05, "seconds": 1, "seed": SEED + 1},
    {"platform": "*", "kind": "error", "probability": 0.01, "status": 500, "seed": SEED + 2},
    {"platform": "*", "kind": "error", "probability": 0.01, "status": 502, "seed": SEED + 3},
    {"platform": "*", "kind": "error_after", "probability": 0.01, "status": 503, "seed": SEED + 4},
    {"platform": "*", "kind": "lost_answer", "probability": 0.02, "seed": SEED + 5},
    {"platform": "*", "kind": "reset", "probability": 0.02, "seed": SEED + 6},
    {"platform": "*", "kind": "half_answer", "probability": 0.01, "seed": SEED + 7},
    {"platform": "*", "kind": "latency", "probability": 0.05, "seconds": 0.3, "seed": SEED + 8},
)


def _tries() -> Retrying:
    """A stage that a fault ended before it came to its place is tried again, as Airflow does."""
    return Retrying(retry=retry_if_exception_type(FailedBefore), stop=stop_after_attempt(TRIES), reraise=True)


@dataclass(frozen=True)
class AtTable:
    """Inside the transaction that needs this table; ``readers``: also when it only reads it."""

    table: str
    readers: bool = False

    def kill(self, crew: Crew, order: Order) -> None:
        _tries()(crew.kill_at_table, order, self.table, readers=self.readers)


@dataclass(frozen=True)
class InCall:
    """While a call is under way that the platform carries out."""

    platform: str
    method: str
    path: str
    skip: int = 0

    def kill(self, crew: Crew, order: Order) -> None:
        _tries()(crew.kill_in_call, order, self.platform, self.method, self.path, skip=self.skip)


Place = AtTable | InCall
Places = Mapping[tuple[Stage, str], Sequence[Place]]
CURSOR = AtTable("ops.stream_cursor")  # all rows copied, the cursor not moved
# By stage and name: each is killed at each place in turn, and only then brought to its end.
FIRST_DAY: Places = {
    ("connections", "source salesforce"): (InCall("salesforce", "GET", ""), AtTable("ops.connection_check")),
    ("connections", "destination mailchimp"): (InCall("mailchimp", "GET", "ping"),),
    ("land", "hubspot.contacts"): (
        AtTable("ops.load_estimate"),
        InCall("hubspot", "GET", "objects/contacts", skip=1),
        AtTable("ops.batch"),
        CURSOR,
    ),
    ("land", "salesforce.contacts"): (InCall("salesforce", "GET", "query"),),
    ("land", "woocommerce.orders"): (InCall("woocommerce", "GET", "orders"), CURSOR),
    ("land", "klaviyo.profiles"): (InCall("klaviyo", "GET", "profiles"),),
    ("land", "brevo.contacts"): (CURSOR,),
    ("land", "matomo.visits"): (InCall("matomo", "GET|POST", "", skip=9), CURSOR),
    ("land", "ga4.reports"): (InCall("ga4", "POST", "runReport", skip=9),),
    ("land", "shopify.customers"): (InCall("shopify", "POST", "graphql"),),
    ("land", "shopify.orders"): (InCall("shopify", "POST", "graphql", skip=1), AtTable("raw.record")),
    ("land", "shopify.checkouts"): (CURSOR,),
    ("land", "mailchimp.members"): (InCall("mailchimp", "GET", "members"),),
    ("land", "mailchimp.activity"): (InCall("mailchimp", "GET", "email-activity", skip=3),),
    ("land", "files.orders"): (CURSOR,),
    ("check", "shopify.orders"): (
        AtTable("checking.candidate"),
        AtTable("ops.check_result"),
        AtTable("ops.result_page"),  # checked; the page is not drawn
    ),
    ("check", "hubspot.contacts"): (AtTable("ops.quarantine"),),
    ("publish", "shopify.orders"): (AtTable("staging.order_entry"), AtTable("ops.batch")),
    ("publish", "hubspot.contacts"): (AtTable("staging.changed_record"), AtTable("ops.known_column")),
    ("publish", "matomo.visits"): (AtTable("staging.event"),),
    ("sources", ""): (AtTable("ops.cross_result"),),
    ("persons", ""): (
        AtTable("identity.person"),
        AtTable("staging.order_entry", readers=True),
        AtTable("staging.last_word", readers=True),
        AtTable("identity.cluster_size"),
    ),
    ("segments", ""): (AtTable("segment.membership"), AtTable("segment.build"), AtTable("segment.overlap")),
    ("sync", "mailchimp"): (
        AtTable("audience.sync"),  # before the try is written down
        InCall("mailchimp", "POST", "/segments$"),  # the audience is made, and nobody knows its id
        AtTable("audience.sent"),  # planned, nobody written down as sent
        InCall("mailchimp", "POST", "/segments/", skip=1),
        AtTable("audience.member"),
    ),
    ("sync", "brevo"): (InCall("brevo", "POST", "contacts/import"), InCall("brevo", "GET", "processes")),
    ("sync", "google"): (
        InCall("google", "POST", "audienceMembers:ingest"),
        AtTable("audience.member"),
        InCall("google", "GET", "requestStatus"),
    ),
    ("sync", "klaviyo"): (InCall("klaviyo", "POST", "bulk-import-jobs"), InCall("klaviyo", "GET", "bulk-import-jobs")),
    ("sync", "tiktok"): (
        InCall("tiktok", "POST", "file/upload"),
        InCall("tiktok", "POST", "custom_audience/create"),
        InCall("tiktok", "GET", "custom_audience/get", skip=1),
    ),
    ("sync", "hubspot"): (InCall("hubspot", "POST", "batch/upsert"), InCall("hubspot", "PUT", "memberships/add")),
    ("sync", "meta"): (InCall("meta", "POST", "customaudiences"), InCall("meta", "POST", "/users", skip=1)),
    ("sync", "webhook"): (InCall("webhook", "POST", "/events", skip=1), AtTable("audience.member")),
    ("sync", "file_drop"): (AtTable("audience.sent"), AtTable("audience.member")),
    ("conversions", ""): (
        AtTable("conversion.batch"),
        InCall("google", "POST", "events:ingest"),
        AtTable("conversion.delivery"),
        InCall("google", "GET", "requestStatus"),
    ),
    ("watch", "streams"): (AtTable("ops.batch", readers=True),),
    ("watch", "steps"): (AtTable("ops.alert_outbox"),),
}
# What a first day does not come by: sweeps need something in staging, removals somebody who is in.
SECOND_DAY: Places = {
    ("land", "shopify.customers"): (AtTable("ops.sweep"),),  # all keys listed, nobody buried
    ("land", "shopify.orders"): (InCall("shopify", "POST", "graphql", skip=1), AtTable("ops.sweep")),
    ("sync", "mailchimp"): (AtTable("audience.batch"),),  # while it looks for calls that a killed try left
}

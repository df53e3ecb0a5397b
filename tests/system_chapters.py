"""Chapters of the end-to-end test: what people do with a running system, and what is seen of it."""

import itertools
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.system import RunningSystem
from tests.system_seen import Asked, Bought, Looked

ONE_LEAVES = """
with

staying as (
    select member.person_id, member.audience_id, stay.membership_id, stay.segment
    from audience.member
    inner join audience.audience using (audience_id)
    inner join segment.membership as stay
        on audience.segment = stay.segment and member.person_id = stay.person_id and stay.left_at is null
    where audience.destination = 'meta' and member.acknowledged = 'present'
    limit 1
),

stale as (
    update segment.build set built_at = built_at - interval '3 days'
    from staying
    where build.segment = staying.segment
)

update segment.membership
set left_at = clock_timestamp(), left_version = membership.version, left_reason = 'rule'
from staying
where membership.membership_id = staying.membership_id
returning staying.person_id, staying.audience_id
"""
STILL_THERE = """
select from audience.member
where audience_id = %s and person_id = %s and acknowledged = 'present'
"""
LAPSED = """
select distinct on (member.person_id)
    member.person_id, member.audience_id, bought.order_key
from audience.member
inner join audience.audience using (audience_id)
inner join profile.person_order as bought on member.person_id = bought.person_id
where
    audience.destination = 'meta'
    and audience.segment = 'lapsed_high_value'
    and member.acknowledged = 'present'
    and bought.stream = 'shopify.orders'
order by member.person_id, bought.order_key
limit %s
"""
REMOVED_AT = """
select delivery.person_id, extract(epoch from max(delivery.at))::float
from audience.delivery
where
    delivery.audience_id = %s and delivery.person_id = any(%s)
    and delivery.operation = 'remove' and delivery.outcome in ('accepted', 'confirmed')
group by delivery.person_id
"""
FAILED_PAGE = """
select path, run_id from ops.result_page
where suite = 'hubspot_contacts' and critical > 0
order by checked_at desc
limit 1
"""


@dataclass(frozen=True)
class LivedIn(RunningSystem):
    """A running system of which somebody asks, approves, buys and looks around."""

    def ask_and_approve(self) -> Asked:
        """Somebody leaves a segment whose build has gone stale: the removal waits, a person approves it in Airflow."""
        with psycopg.connect(self.env["WAREHOUSE_URL"], autocommit=True) as conn:
            person, audience_id = conn.execute(ONE_LEAVES).fetchone()
            self.airflow.trigger("sync_meta", "leaves-a-stale-segment")
            question = self.until(self._questions)[0]
            held = conn.execute(STILL_THERE, (audience_id, person)).fetchone() is not None
            ti = question["task_instance"]
            path = f"/dags/{ti['dag_id']}/dagRuns/{ti['dag_run_id']}/taskInstances/{ti['task_id']}/{ti['map_index']}"
            answer = {"chosen_options": ["Remove them"], "params_input": {"why": "a campaign ended"}}
            self.airflow.call("PATCH", f"{path}/hitlDetails", json=answer)
            self.until(
                lambda: conn.execute(STILL_THERE, (audience_id, person)).fetchone() is None,
                "approve_removals",
                "sync_meta",
            )
            audit = conn.execute("select actor, action, details ->> 'why' from ops.audit").fetchall()
        self.until_idle()
        shown = self.squares("sync_meta", "leaves-a-stale-segment")
        return Asked(question, held, shown, audit, self.squares("sync_mailchimp"))

    def buy_again(self) -> Bought:
        """Some whom Meta holds as lapsed buy at the shop; its orders are followed, and nothing else is read."""
        with psycopg.connect(self.env["WAREHOUSE_URL"], autocommit=True) as conn:
            buyers = conn.execute(LAPSED, (5,)).fetchall()
            orders = self.standins.documents("shopify", "order")
            now = datetime.now(UTC)
            new = [bought_now(orders[key], number, now) for number, (*_, key) in enumerate(buyers)]
            self.standins.put("shopify", "order", *new)
            self.airflow.pause("follow_shopify_orders", False)
            asked = (buyers[0][1], [person for person, *_ in buyers])
            looks = itertools.count(1)

            def have_left() -> bool:
                """Look at the orders once, as the clock would; what is seconds old is left to the next look."""
                self.airflow.trigger("follow_shopify_orders", f"somebody-bought-{next(looks)}")
                self.until_idle()
                return len(conn.execute(REMOVED_AT, asked).fetchall()) == len(buyers)

            self.until(have_left, "follow_shopify_orders", "build_segments", "sync_meta")
            left_at = dict(conn.execute(REMOVED_AT, asked).fetchall())
        self.until_idle()
        self.airflow.trigger("follow_shopify_orders", "nobody-bought")
        self.until_idle()
        again = dict(square[:2] for square in self.squares("follow_shopify_orders", "nobody-bought"))["build_persons"]
        return Bought(len(buyers), len(left_at), max(left_at.values()) - now.timestamp(), again)

    def look_around(self) -> Looked:
        """Check every connection, watch every step, and open the page that the failed check has left."""
        for dag_id in ("check_connections", "watch"):
            self.airflow.pause(dag_id, False)
            self.airflow.trigger(dag_id, "looks-around")
        self.until_idle()
        checks, watched = self.squares("check_connections", "looks-around"), self.squares("watch", "looks-around")
        with psycopg.connect(self.env["WAREHOUSE_URL"]) as conn:
            asked = conn.execute("select role, platform, state, problems from ops.connection_check").fetchall()
            [(path, run)] = conn.execute(FAILED_PAGE).fetchall()
        where = f"/dags/extract_hubspot/dagRuns/{run}/taskInstances/check_contacts/links"
        link = self.airflow.call("GET", where)["extra_links"]["Results"]
        logged_in = {"Authorization": f"Bearer {self.airflow.token()}"}
        outside = f"{self.env['AIRFLOW_URL']}/quality/..%2Fprocesses.html"
        web = {
            "nobody": requests.get(link, timeout=60, allow_redirects=False, headers={"Accept": "application/json"}),
            "a person": requests.get(link, timeout=60, allow_redirects=False, headers={"Accept": "text/html"}),
            "logged in": requests.get(link, timeout=60, headers=logged_in),
            "outside": requests.get(outside, timeout=60, headers=logged_in),
        }
        shots = os.environ.get("PAGES_SHOTS")
        if shots:
            shutil.copytree(self.home / "results", Path(shots) / "results", dirs_exist_ok=True)
        return Looked(checks, watched, asked, path, link, web)

    def _questions(self) -> list[dict[str, Any]]:
        """Those that wait: an answer to one whose task still runs would be taken for a command to end it."""
        found = self.airflow.call("GET", "/dags/~/dagRuns/~/hitlDetails")["hitl_details"]
        return [one for one in found if one["task_instance"]["state"] in ("awaiting_input", "deferred")]


def bought_now(order: dict[str, Any], number: int, now: datetime) -> dict[str, Any]:
    """Another order of the same customer, without refunds."""
    key, stamp = f"88000{number}", int(now.timestamp() * 1000)
    at = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    times = {"createdAt": at, "processedAt": at, "updatedAt": at, "cancelledAt": None}
    body = {**order["body"], **times, "id": f"gid://shopify/Order/{key}", "legacyResourceId": key, "refunds": []}
    return {**order, "id": key, "body": body, "created_at": stamp, "changed_at": stamp}

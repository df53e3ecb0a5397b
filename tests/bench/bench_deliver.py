"""Delivery of an audience to a platform that answers after 20 ms, with the ledger written, against drt-core."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict

from include import warehouse
from include.destinations.base import Answer, Audience, Member
from include.http_client import JsonClient
from include.ledger.audiences import Declared
from include.ledger.sync import sync_destination
from tests.bench.measure import Bench, Measure, peak_mb
from tests.bench.peers import python_with
from tests.bench.postgres import throwaway_warehouse

HERE = Path(__file__).resolve().parent
MEMBERS = 100_000
MANY = 1_000_000
BATCH_SIZE = 500  # both sides: Mailchimp's maximum, and the size at which drt was fastest when it was tried
SMALL = 10_000  # members, for drt with all its defaults: 1,000 a second
UNPACED = {"rate_limit": {"requests_per_second": 100_000}}  # without the pause of its default, ten requests a second
FIRST_MEMBERS = "select email, first_name, last_name from profile.person limit {:d}"
AS_OF = date(2026, 11, 21)


class SinkDestination:
    """The sink as a destination: ten connections, as Mailchimp allows."""

    name = "sink"
    purpose: Literal["email", "ads"] = "email"
    identifiers = ("email",)
    fields = ("first_name", "last_name")
    identifier_version = 1
    field_version = 1
    batch_size = BATCH_SIZE
    connections = 10
    acknowledgement: Literal["row", "batch", "job", "none"] = "row"

    def __init__(self, url: str) -> None:
        self._client = JsonClient(url, connections=self.connections)

    def open_audience(self, audience: Audience) -> str:
        return "sink"

    def has_audience(self, audience: Audience) -> bool:
        return True

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        return {"email": person["email"]}

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        rows = [{**member.identifiers, **member.fields} for member in members]
        assert self._client.request("POST", "/members", json={"members": rows}) == {"rejected": []}
        return Answer()

    update = remove = add

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        return Answer()


@contextmanager
def sink(*limit: str) -> Iterator[str]:
    """URL of a running sink; it ends with this block.

    :param limit: calls and seconds, where it has one.
    """
    command = [sys.executable, str(HERE / "sink.py"), *limit]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(timeout=10)


def fill(conn: psycopg.Connection, members: int) -> None:
    """So many persons with consent in the segment ``everybody``."""
    for query in (
        "insert into profile.person (person_id, email, first_name, last_name, country, row_hash)"
        " select md5(n::text)::uuid, 'person-' || n || '@x.example', 'First' || n %% 1000, 'Last' || n %% 5000, 'DE',"
        " sha256(n::text::bytea) from generate_series(1, %(members)s) n",
        "insert into consent.ledger (identifier_type, identifier_value, purpose, state, occurred_at, stream,"
        " record_key) select 'email', email, 'email', 'granted', now(), 'bench', email from profile.person",
        "insert into consent.person_consent select p.person_id, 'email', 'granted', l.consent_id from profile.person p"
        " join consent.ledger l on l.identifier_value = p.email",
        "insert into segment.definition (segment, version, title, owner, front_matter, body)"
        " values ('everybody', 'v1', '', 'bench', '{}', '')",
        "insert into segment.membership (segment, person_id, version, entered_at)"
        " select 'everybody', person_id, 'v1', now() from profile.person",
        "insert into segment.build (segment, version, as_of, size, entered, left_count, seconds)"
        " values ('everybody', 'v1', '2026-11-21', %(members)s, 0, 0, 0)",
    ):
        conn.execute(query, {"members": members})
    conn.execute("analyze")


def ours(url: str, sink_url: str, members: int = MEMBERS) -> float:
    """Seconds of one first sync, from opening the connection to the closed ledger."""
    began = time.monotonic()
    [result] = sync_destination(
        url,
        SinkDestination(sink_url),
        as_of=AS_OF,
        run_id="bench",
        declared=[Declared("sink", "everybody", "everybody", "email")],
    )
    assert (result.added, result.outcome) == (members, "success")
    return time.monotonic() - began


def theirs(url: str, sink_url: str, sync: Mapping[str, Any], members: int = MEMBERS) -> float:
    """Members a second of drt's sync of the same people from the same database.

    :param sync: drt's own settings of the sync, where not its defaults.
    """
    place = conninfo_to_dict(url)
    asked = {
        "postgres": {
            "host": place["host"],
            "port": int(place["port"]),
            "dbname": place["dbname"],
            "user": place["user"],
            "password": place["password"],
        },
        "query": FIRST_MEMBERS.format(members),
        "url": f"{sink_url}/members",
        "sync": sync,
    }
    run = subprocess.run(
        [python_with("drt-core[postgres]"), str(HERE / "drt_deliver.py")],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["rows"] == members
    return members / told["seconds"]


def deliver_vs_drt() -> Measure:
    """Members a second, ours against drt-core's with as large requests and unpaced; ours keeps the ledger, drt nothing.

    drt makes one call after the other, ours as many at once as the destination declares. The note has drt's pace when
    only the size is set, and when nothing is.
    """
    size = {"batch_size": BATCH_SIZE}
    with throwaway_warehouse() as url, sink() as sink_url:
        with warehouse.connect(url) as conn:
            fill(conn, MEMBERS)
        tuned = theirs(url, sink_url, {**size, **UNPACED})
        sized = theirs(url, sink_url, size)
        untouched = theirs(url, sink_url, {}, SMALL)
        seconds = ours(url, sink_url)
    pace = MEMBERS / seconds
    note = (
        f"{MEMBERS:,} members, {BATCH_SIZE} a request on both sides, sink answers after 20 ms; drt {tuned:,.0f} rows/s,"
        f" with its own pause between requests {sized:,.0f} ({pace / sized:.1f} times),"
        f" with all its defaults {untouched:,.0f} ({pace / untouched:.0f} times)"
    )
    return Measure(pace / tuned, seconds, pace, note)


def peak_of_delivery(url: str, sink_url: str, members: int) -> tuple[float, float]:
    """Seconds and megabytes at most of this process, which delivers so many members and does nothing else."""
    return ours(url, sink_url, members), peak_mb()


def _in_a_process(members: int) -> tuple[float, float]:
    with throwaway_warehouse() as url, sink() as sink_url:
        with warehouse.connect(url) as conn:
            fill(conn, members)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            return process.submit(peak_of_delivery, url, sink_url, members).result()


def deliver_memory() -> Measure:
    """Megabytes at most of a delivery of a million members against one of a tenth of them."""
    _, few = _in_a_process(MEMBERS)
    seconds, many = _in_a_process(MANY)
    note = f"{MEMBERS:,} members {few:,.0f} MB, {MANY:,} members {many:,.0f} MB"
    return Measure(many / few, seconds, MANY / seconds, note, many)


BENCHES: dict[str, Bench] = {"deliver_vs_drt": deliver_vs_drt, "deliver_memory": deliver_memory}

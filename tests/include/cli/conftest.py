"""A small merchant in a real warehouse, and the real command."""

import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.cli.app import main
from include.identity.build import build_persons
from include.segments.build import build_segments
from tests.sql.conftest import insert

PROJECT = Path(__file__).resolve().parents[3]
DAY = datetime.now(UTC).date()


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Call ``audienceflow`` with arguments against this test's warehouse; in this process, to save a start a call."""

    def call(*arguments: str, **environment: str) -> Ran:
        out, err = StringIO(), StringIO()
        with monkeypatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
            for name, value in {"WAREHOUSE_URL": warehouse_url, **environment}.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        return Ran(ended.value.code or 0, out.getvalue(), err.getvalue())

    return call


def record(conn: psycopg.Connection, stream: str, key: str, **values: Any) -> None:
    """One person record in staging, and the note that it changed."""
    made = datetime(2025, 1, 1, tzinfo=UTC)
    insert(
        conn,
        "staging.person_record",
        {"stream": stream, "record_key": key, "created_at": made, "changed_at": made, **values},
    )
    insert(conn, "staging.changed_record", {"stream": stream, "record_key": key})


def open_mails(conn: psycopg.Connection, email: str, times: int) -> None:
    for number in range(times):
        bundle = conn.execute("select staging.bundle_key(%s, null, '{}')", (email,)).fetchone()[0]
        insert(
            conn,
            "staging.event",
            {
                "stream": "mailchimp.activity",
                "record_key": f"{email}-{number}",
                "entry_no": 1,
                "name": "email_opened",
                "email": email,
                "identity_key": bundle,
                "occurred_at": datetime.now(UTC) - timedelta(days=2),
            },
        )
        insert(conn, "staging.changed_record", {"stream": "mailchimp.activity", "record_key": f"{email}-{number}"})


@pytest.fixture
def merchant(conn: psycopg.Connection) -> date:
    """Ada (two records, e-mail granted, ads withdrawn), Bo (nothing said), Cy (all granted, abroad); all built."""
    at = datetime(2026, 1, 5, tzinfo=UTC)
    record(
        conn,
        "shopify.customers",
        "77",
        email="Ada@Posteo.example",
        first_name="Ada",
        country="DE",
        phone="+4915112345678",
        ids=Jsonb({"shopify_customer": "77"}),
        interests=["hiking"],
        consent_ads="withdrawn",
        consent_ads_at=at,
    )
    record(
        conn,
        "hubspot.contacts",
        "9",
        email="ada@posteo.example",
        first_name="Ada",
        country="DE",
        consent_email="granted",
        consent_email_at=at,
        consent_text="v3",
    )
    record(
        conn, "hubspot.contacts", "10", email="bo@posteo.example", first_name="Bo", country="DE", interests=["hiking"]
    )
    record(
        conn,
        "hubspot.contacts",
        "11",
        email="cy@mailhaus.example",
        first_name="Cy",
        country="FR",
        interests=["hiking"],
        consent_email="granted",
        consent_email_at=at,
        consent_ads="granted",
        consent_ads_at=at,
    )
    open_mails(conn, "ada@posteo.example", 2)
    conn.commit()
    build_persons(conn, as_of=DAY)
    build_segments(conn, as_of=DAY)
    conn.commit()
    return DAY

"""Values planted in rows that break a rule, in each stream: found nowhere but in the data tables.

A canary is a word no language has, in a name, an address, a number, an unusual string. Every row that carries one
breaks a rule that sets it aside, so nothing may carry it further than raw and the tables of the gate.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from include.standins.mailchimp_shapes import member_id
from tests.standins import Standins

WORD = "zqxvarnok"
PHONE = "15799887"  # and two digits of the stream
FAR = "2099-01-01T00:00:00Z"
STREAMS = (
    "hubspot.contacts",
    "shopify.customers",
    "shopify.orders",
    "shopify.checkouts",
    "mailchimp.members",
    "files.orders",
    "files.persons",
)
MAPPING = """
match: ["canaries_*"]
shape: persons
key: [card]
columns: {email: mail, phone: phone, last_name: name, city: town, birth_on: born}
ids: {loyalty: card}
"""


def word(stream: str) -> str:
    return f"{WORD}{stream.replace('.', '')}"


def address(stream: str) -> str:
    return f"{word(stream)}@@broken.example"


def phone(stream: str) -> str:
    return f"+49{PHONE}{STREAMS.index(stream):02}"


def unusual(stream: str) -> str:
    return f"Ω{word(stream)}\"';--\\ <b>%s{{0}}\tü"


def plant(standins: Standins, drops: Path) -> None:
    """A row of each stream that breaks a rule and carries canaries."""
    now = datetime.now(UTC)
    makers: Mapping[tuple[str, str], Callable[[dict[str, Any], str], dict[str, Any]]] = {
        ("hubspot", "contact"): _contact,
        ("shopify", "customer"): _customer,
        ("shopify", "order"): _order,
        ("shopify", "abandoned_checkout"): _checkout,
    }
    for (platform, kind), make in makers.items():
        found = standins.documents(platform, kind)
        model = next(one for one in found.values() if one["body"].get("defaultEmailAddress", True))
        stamp = int((now - timedelta(minutes=2)).timestamp() * 1000)
        at = (now - timedelta(minutes=2)).isoformat(timespec="seconds").replace("+00:00", "Z")
        id = str(min(map(int, found)) - 1)  # of the length that ids there have
        body = make({**model["body"], "updatedAt": at}, id)
        standins.put(platform, kind, {**model, "id": id, "body": body, "created_at": stamp, "changed_at": stamp})
    _member(standins, now)
    _files(drops)


def _contact(body: dict[str, Any], id: str) -> dict[str, Any]:
    stream = "hubspot.contacts"
    told = {
        "hs_object_id": id,
        "email": address(stream),
        "firstname": word(stream),
        "lastname": unusual(stream),
        "phone": phone(stream),
        "lastmodifieddate": body["updatedAt"],
        "shopify_customer_id": None,
        "loyalty_id": None,
    }
    return {**body, "id": id, "properties": {**body["properties"], **told}}


def _customer(body: dict[str, Any], id: str) -> dict[str, Any]:
    stream = "shopify.customers"
    mail = {**body["defaultEmailAddress"], "emailAddress": address(stream)}
    names = {"firstName": word(stream), "lastName": unusual(stream), "displayName": word(stream)}
    ids = {"id": f"gid://shopify/Customer/{id}", "legacyResourceId": id}
    return {**body, **ids, **names, "note": unusual(stream), "defaultEmailAddress": mail, "defaultAddress": None}


def _order(body: dict[str, Any], id: str) -> dict[str, Any]:
    stream = "shopify.orders"
    ids = {"id": f"gid://shopify/Order/{id}", "legacyResourceId": id, "name": word(stream)}
    who = {"email": f"{word(stream)}@shop.example", "phone": phone(stream), "note": unusual(stream), "customer": None}
    lines = [{**line, "title": word(stream), "sku": word(stream)} for line in body["lineItems"]]
    return {**body, **ids, **who, "createdAt": FAR, "processedAt": FAR, "lineItems": lines, "refunds": []}


def _checkout(body: dict[str, Any], id: str) -> dict[str, Any]:
    stream = "shopify.checkouts"
    lines = [{**line, "title": unusual(stream), "sku": word(stream)} for line in body["lineItems"]]
    ids = {"id": f"gid://shopify/AbandonedCheckout/{id}", "name": word(stream), "note": unusual(stream)}
    return {**body, **ids, "createdAt": FAR, "lineItems": lines}


def _member(standins: Standins, now: datetime) -> None:
    stream, kind = "mailchimp.members", f"member:{standins.account('mailchimp')['list_id']}"
    model = next(iter(standins.documents("mailchimp", kind).values()))
    id, at = member_id(address(stream)), now - timedelta(minutes=2)
    names = {"FNAME": word(stream), "LNAME": unusual(stream), "PHONE": phone(stream)}
    told = {
        "id": id,
        "contact_id": id,  # by which its record is keyed: the model's own record must stay as it is
        "unique_email_id": id[:10],
        "email_address": address(stream),
        "full_name": word(stream),
        "last_changed": at.isoformat(timespec="seconds"),
        "merge_fields": {**model["body"]["merge_fields"], **names},
        "tags": [],
    }
    stamp = int(at.timestamp() * 1000)
    body = {**model["body"], **told}
    standins.put("mailchimp", kind, {**model, "id": id, "body": body, "changed_at": stamp, "created_at": stamp})


def _files(drops: Path) -> None:
    """A till export whose currency is none, and persons born on a day that is none."""
    drops.mkdir(parents=True, exist_ok=True)
    orders, persons = "files.orders", "files.persons"
    head = "receipt_no,line_no,store_no,loyalty_id,email,phone,sku,description,quantity,unit_price,sold_at,country"
    line = f"C1,1,04,,{word(orders)}@shop.example,{phone(orders)},{word(orders)},{word(orders)},1,{word(orders)},"
    text = f"{head},currency\n{line}2026-11-20T07:51:00+02:00,DE,{word(orders)}\n"
    (drops / "till_canaries.csv").write_text(text, encoding="utf-8")
    (drops / "canaries.yaml").write_text(MAPPING, encoding="utf-8")
    row = f"C1,{address(persons)},{phone(persons)},{word(persons)},Ω{word(persons)},{word(persons)}\n"
    (drops / "canaries_1.csv").write_text(f"card,mail,phone,name,town,born\n{row}", encoding="utf-8")


def sightings(texts: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Where a canary is found, in whatever dress: as it is, in another case, quoted, hashed."""
    digests = {form for stream in STREAMS for form in _hashes(stream)}
    seen = re.compile("|".join([WORD, PHONE, *map(re.escape, sorted(digests))]))
    return {where: sorted(set(found)) for where, text in texts if (found := seen.findall(text.lower()))}


def _hashes(stream: str) -> set[str]:
    values = (address(stream), f"{word(stream)}@shop.example", phone(stream), phone(stream).lstrip("+"), word(stream))
    digests = {hashlib.sha256(value.encode()).hexdigest() for value in values}
    # The MD5 of a mailing address is the platform's own key of a member, by which rows are named.
    digests |= {hashlib.md5(value.encode()).hexdigest() for value in values[1:]}  # noqa: S324
    return digests | {quote(unusual(stream)).lower()}


def rows_of(conn: psycopg.Connection, schema: str, table: str) -> str:
    """All that a table holds, as text."""
    query = psycopg.sql.SQL("select t::text from {} as t").format(psycopg.sql.Identifier(schema, table))
    return "\n".join(row for (row,) in conn.execute(query))

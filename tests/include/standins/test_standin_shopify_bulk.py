"""Shopify's bulk operations at the stand-in: what may be asked, how many at once, what the file holds and how long."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from graphql import GraphQLResolveInfo, execute_sync, parse

from include.sources import shopify_queries as queries
from include.sources.shopify_client import ShopifyClient
from include.standins.kit import Document, Store
from include.standins.shopify import SCOPES
from include.standins.shopify_bulk import Whole
from include.standins.shopify_schema import Shop, schema
from include.standins.store import FAR_FUTURE
from tests.standins import Standins, running_standins

START, ONE = queries.START_BULK, queries.BULK
LINES = "{ orders { edges { node { id name lineItems { edges { node { sku } } } } } } }"
EMPTY = "{ customers(query: \"updated_at:<'2001-01-01T00:00:00Z'\") { edges { node { id } } } }"
FRAGMENTS = """
query Whole {
  orders { edges { node { id ...Named all: lineItems { edges { node { ... on LineItem { sku } of: __typename } } } } } }
}
fragment Named on Order { name customer { id } customer { defaultEmailAddress { emailAddress } } }
"""
MANY = 12_000
# What is refused, and what of the message says why. Source: the schema's words on bulkOperationRunQuery (one connection
# at least, five at most, nested two levels deep) and https://shopify.dev/docs/api/usage/bulk-operations/queries.
REFUSED = {
    "no_graphql": ("{ orders ", "Invalid bulk query"),
    "a_field_that_is_not_there": ("{ orders { edges { node { shoeSize } } } }", "shoeSize"),
    "no_connection": ("{ shop { name } }", "one to five connections"),
    "several_at_the_top": ("{ customers { edges { node { id } } } shop { name } }", "one field at the top"),
    "a_node": ('{ node(id: "gid://shopify/Order/1") { id } }', "neither `node`"),
    "variables": ("query ($q: String) { customers(query: $q) { edges { node { id } } } }", "without variables"),
    "nodes": ("{ customers { nodes { id } } }", "`edges` and `node`"),
    "a_connection_in_a_list": (
        "{ orders { edges { node { id refunds { refundLineItems { edges { node { id } } } } } } } }",
        "list field",
    ),
    "a_parent_without_its_id": (
        "{ orders { edges { node { lineItems { edges { node { id } } } } } } }",
        "the 'id' field",
    ),
}


class Api:
    """The shop's interface, and its storage."""

    def __init__(self, server: Standins) -> None:
        account = server.account("shopify")
        self.server = server
        self.token = account["token"]
        self.client = ShopifyClient(account["base_url"], self.token)

    def start(self, query: str, *, grouped: bool = False) -> dict[str, Any]:
        return self.client.query(START, {"query": query, "grouped": grouped})["started"]

    def now(self, id: str) -> dict[str, Any]:
        return self.client.query(ONE, {"id": id})["operation"]

    def until_it_ends(self, id: str) -> dict[str, Any]:
        """The operation when its file is whole, which is asked about until then."""
        while (found := self.now(id))["status"] in ("CREATED", "RUNNING", "CANCELING"):
            assert found["url"] is None
        return found

    def ended(self, query: str, *, grouped: bool = False) -> dict[str, Any]:
        id = self.start(query, grouped=grouped)["bulkOperation"]["id"]
        self.server.advance(3600)
        return self.until_it_ends(id)


def stored(source: dict[str, Any], asked: GraphQLResolveInfo, **_: Any) -> Any:
    return source[asked.field_name]


def own_lines(node: dict[str, Any], parent: str | None) -> Iterator[dict[str, Any]]:
    """A record without its lists, then the entries of those."""
    lists = {name: one for name, one in node.items() if isinstance(one, dict) and "edges" in one}
    more = {"__parentId": parent} if parent else {}
    yield {**{name: one for name, one in node.items() if name not in lists}, **more}
    for one in lists.values():
        for edge in one["edges"]:
            yield from own_lines(edge["node"], node["id"])


def lines(text: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    folder = tmp_path_factory.mktemp("bulk") / "state"
    with running_standins(folder, platforms=("shopify",), customers=30) as running:
        yield running


@pytest.fixture
def api(server: Standins) -> Api:
    server.reset()
    server.settings({"shopify.bulk_seconds": 60})
    return Api(server)


@pytest.mark.parametrize("case", REFUSED)
def test_a_query_that_cannot_be_run_in_bulk_is_refused_with_a_user_error(api: Api, case: str) -> None:
    query, said = REFUSED[case]

    started = api.start(query)

    [error] = started["userErrors"]
    assert (started["bulkOperation"], error["code"], error["field"]) == (None, "INVALID", ["query"])
    assert said in error["message"]


def test_an_operation_takes_time_and_ends_with_a_file(api: Api) -> None:
    started = api.start(LINES)["bulkOperation"]
    running = api.now(started["id"])
    api.server.advance(61)
    done = api.until_it_ends(started["id"])

    assert [one["status"] for one in (started, running, done)] == ["CREATED", "RUNNING", "COMPLETED"]
    assert (running["url"], running["completedAt"], done["query"]) == (None, None, LINES)
    assert int(done["objectCount"]) == len(lines(requests.get(done["url"], timeout=60).content))


def test_children_are_lines_of_their_own_below_their_parent_only_if_grouped(api: Api) -> None:
    apart, grouped = (
        lines(requests.get(api.ended(LINES, grouped=one)["url"], timeout=60).content) for one in (False, True)
    )

    assert sorted(apart, key=orjson.dumps) == sorted(grouped, key=orjson.dumps)
    assert {"__parentId" in one for one in grouped} == {True, False}
    for before, one in pairwise(grouped):
        assert one.get("__parentId") in (None, before.get("id"), before.get("__parentId"))
    parents = ["__parentId" not in one for one in apart]
    assert parents == sorted(parents, reverse=True)  # all of them first


def test_an_empty_result_has_no_file(api: Api) -> None:
    done = api.ended(EMPTY)

    assert (done["status"], done["objectCount"], done["url"]) == ("COMPLETED", "0", None)


def test_five_run_at_once_and_a_sixth_is_refused(api: Api) -> None:
    started = [api.start(LINES) for _ in range(6)]

    assert [len(one["userErrors"]) for one in started] == [0, 0, 0, 0, 0, 1]
    assert started[5]["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"
    api.server.advance(61)
    assert api.until_it_ends(started[0]["bulkOperation"]["id"])["status"] == "COMPLETED"
    assert api.start(LINES)["userErrors"] == []


def test_the_newest_operation_is_listed_first(api: Api) -> None:
    ids = [api.start(LINES)["bulkOperation"]["id"] for _ in range(3)]

    listed = api.client.query(queries.BULKS, {"first": 2})["operations"]["nodes"]

    assert [one["id"] for one in listed] == ids[:0:-1]


def test_one_that_failed_says_why_and_leaves_what_it_had(api: Api) -> None:
    api.server.settings({"shopify.bulk_fates": ["FAILED TIMEOUT"]})

    failed, next_one = api.ended(LINES), api.ended(LINES)

    rest = "query ($id: ID!) { bulkOperation(id: $id) { partialDataUrl } }"
    partial = api.client.query(rest, {"id": failed["id"]})["bulkOperation"]
    assert (failed["status"], failed["errorCode"], failed["url"]) == ("FAILED", "TIMEOUT", None)
    assert lines(requests.get(partial["partialDataUrl"], timeout=60).content)
    assert next_one["status"] == "COMPLETED"


def test_one_that_is_called_off_ends_as_canceled(api: Api) -> None:
    id = api.start(LINES)["bulkOperation"]["id"]
    cancel = "mutation ($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"

    first = api.client.query(cancel, {"id": id})["bulkOperationCancel"]
    api.server.advance(61)

    assert (first["bulkOperation"]["status"], first["userErrors"]) == ("CANCELING", [])
    assert api.until_it_ends(id)["status"] == "CANCELED"
    assert len(api.client.query(cancel, {"id": id})["bulkOperationCancel"]["userErrors"]) == 1


def test_a_file_is_given_in_part_without_the_shops_token_and_for_seven_days(api: Api) -> None:
    done = api.ended(LINES)
    whole = requests.get(done["url"], timeout=60).content

    rest = requests.get(done["url"], headers={"Range": "bytes=100-"}, timeout=60)
    assert (rest.status_code, rest.content) == (206, whole[100:])
    assert requests.get(done["url"], headers={"Range": f"bytes={len(whole)}-"}, timeout=60).status_code == 416
    assert requests.get(done["url"], headers={"X-Shopify-Access-Token": api.token}, timeout=60).status_code == 403
    assert requests.get(done["url"].partition("?")[0], timeout=60).status_code == 403
    api.server.advance(7 * 86_400 + 60)
    assert requests.get(done["url"], timeout=60).status_code == 404
    assert (api.now(done["id"])["status"], api.now(done["id"])["url"]) == ("EXPIRED", None)


def test_an_app_without_the_scope_is_denied_when_its_operation_runs(api: Api) -> None:
    api.server.settings({"shopify.scopes": ["read_customers"]})

    done = api.ended(LINES)

    assert (done["status"], done["errorCode"], done["url"], done["objectCount"]) == (
        "FAILED",
        "ACCESS_DENIED",
        None,
        "0",
    )


@pytest.mark.parametrize("query", [queries.ALL_CUSTOMERS, queries.ALL_ORDERS, queries.ALL_CHECKOUTS, FRAGMENTS])
def test_the_file_holds_what_graphqls_own_engine_gives(api: Api, tmp_path: Path, query: str) -> None:
    query = query.replace(queries.UNTIL, "2100-01-01T00:00:00Z")
    store = Store(tmp_path / "copy.sqlite")
    for kind in ("customer", "order", "abandoned_checkout"):
        store.put_many("shopify", kind, (Document(**one) for one in api.server.documents("shopify", kind).values()))
    shop = Shop(store, -FAR_FUTURE, SCOPES, None, Whole(size=1 << 30))

    done = api.ended(query)
    by_engine = execute_sync(schema(), parse(query), context_value=shop, field_resolver=stored)

    store.close()
    assert by_engine.errors is None
    [found] = by_engine.data.values()
    expected = [line for edge in found["edges"] for line in own_lines(edge["node"], None)]
    given = lines(requests.get(done["url"], timeout=60).content)
    assert sorted(given, key=orjson.dumps) == sorted(expected, key=orjson.dumps)
    assert len(given) > 1


def customers(count: int) -> list[dict[str, Any]]:
    """Documents of that many customers more, with all a query of customers asks for."""
    address = {"city": "Ulm", "province": None, "provinceCode": None, "zip": "89073", "countryCodeV2": "DE"}
    body = {"defaultAddress": address, "firstName": "A", "lastName": "B", "tags": []}
    return [{"id": str(no), "body": {**body, "id": f"gid://shopify/Customer/{no}"}} for no in range(1, count + 1)]


def test_pain_29_a_killed_stand_in_gives_no_half_file_and_goes_on_behind_its_last_piece(tmp_path: Path) -> None:
    """It is killed in the middle of a file of twelve thousand lines, which is then served by its second life."""
    query = "{ customers { edges { node { id firstName lastName defaultAddress { city zip } } } } }"
    with running_standins(tmp_path / "state", platforms=("shopify",)) as server:
        server.put("shopify", "customer", *customers(MANY))
        api = Api(server)
        id = api.start(query)["bulkOperation"]["id"]
        while not 0 < int((found := api.now(id))["objectCount"]) < MANY:
            assert found["objectCount"] == "0", "the file was whole before it could be seen growing"
        address = f"{server.account('shopify')['base_url']}/storage/{id.rpartition('/')[2]}.jsonl?signature=standin"
        assert (found["status"], requests.get(address, timeout=60).status_code) == ("RUNNING", 404)
        server.process.kill()
    with running_standins(tmp_path / "state", platforms=("shopify",)) as server:
        api = Api(server)
        again = api.now(id)
        done = api.until_it_ends(id)
        given = lines(requests.get(done["url"], timeout=60).content)

    assert (again["status"], int(again["objectCount"]) >= int(found["objectCount"])) == ("RUNNING", True)
    assert sorted(int(one["id"].rpartition("/")[2]) for one in given) == list(range(1, MANY + 1))
    assert done["objectCount"] == str(MANY)

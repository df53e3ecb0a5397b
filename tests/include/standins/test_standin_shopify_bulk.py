"""Shopify's bulk operations at the stand-in: what may be asked, how many at once, what the file holds and how long."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson
import pytest
import requests

from include.sources import shopify_queries as queries
from include.sources.shopify_client import ShopifyClient
from tests.standins import Standins, running_standins

START, ONE = queries.START_BULK, queries.BULK
LINES = "{ orders { edges { node { id name lineItems { edges { node { sku } } } } } } }"
EMPTY = "{ customers(query: \"updated_at:<'2001-01-01T00:00:00Z'\") { edges { node { id } } } }"
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

    def ended(self, query: str, *, grouped: bool = False) -> dict[str, Any]:
        id = self.start(query, grouped=grouped)["bulkOperation"]["id"]
        self.server.advance(3600)
        return self.now(id)


def lines(text: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("bulk") / "state", platforms=("shopify",), customers=30) as running:
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
    done = api.now(started["id"])

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
    assert api.now(started[0]["bulkOperation"]["id"])["status"] == "COMPLETED"
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
    assert api.now(id)["status"] == "CANCELED"
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

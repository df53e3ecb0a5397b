"""Shopify's stand-in: a true part of the vendor's schema, paging, filters, cost, throttling, scopes, errors."""

import itertools
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    parse,
    validate,
)

from include.sources import shopify_queries
from include.standins import merchant, merchant_truth
from include.standins.shopify_schema import SDL
from include.standins.store import Store
from tests.standins import Standins, running_standins

CUSTOMERS = 120
PAGED = """query ($first: Int!, $after: String, $filter: String, $reverse: Boolean) {
  page: customers(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT, reverse: $reverse) {
    nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"""
CHEAP = "{ customers(first: 1) { nodes { id } } }"
DEAR = """{ orders(first: 200) { nodes {
  id customer { id } shippingAddress { city } totalPriceSet { shopMoney { amount } } } } }"""


class Api:
    def __init__(self, server: Standins) -> None:
        account = server.account("shopify")
        self.server = server
        self.url = f"{account['base_url']}/admin/api/2026-10/graphql.json"
        self.session = requests.Session()
        self.session.headers["X-Shopify-Access-Token"] = account["token"]

    def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        response = self.session.post(self.url, json={"query": query, "variables": variables}, timeout=60)
        assert response.status_code == 200
        return response.json()

    def data(self, query: str, **variables: Any) -> Any:
        answer = self.answer(query, **variables)
        assert "errors" not in answer
        return answer["data"]

    def pages(self, query: str, **variables: Any) -> Iterator[list[dict[str, Any]]]:
        after = None
        while True:
            page = self.data(query, after=after, **variables)["page"]
            yield page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


def prepared(folder: Path, **settings: Any) -> Path:
    """A folder with a small merchant, and settings a shop can have."""
    folder.mkdir(exist_ok=True)
    store = Store(folder / "merchant.sqlite")
    merchant.generate(store, customers=CUSTOMERS, seed=3, today=date(2026, 11, 21))
    for name, value in settings.items():
        store.set_setting(f"shopify.{name}", value)
    store.save_to(folder / "first_state.sqlite")
    store.close()
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("shop") / "state")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Standins]:
    with running_standins(folder, platforms=("shopify",)) as running:
        yield running


@pytest.fixture
def api(server: Standins) -> Api:
    server.reset()
    return Api(server)


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, dict[str, Any]]:
    store = Store(folder / "first_state.sqlite")
    rows = merchant_truth.read(store)
    store.close()
    return rows


@pytest.fixture(scope="module")
def vendor(vendor_specs: str) -> GraphQLSchema:
    return build_schema((Path(vendor_specs) / "shopify" / "admin-2026-10.trimmed.graphql").read_text())


def test_the_schema_is_a_part_of_the_vendors_without_deprecated_fields(vendor: GraphQLSchema):
    ours = build_schema(SDL.read_text())
    compared = 0
    for name, kind in ours.type_map.items():
        if name.startswith("__"):
            continue
        theirs = vendor.type_map[name]
        assert type(kind) is type(theirs), name
        if isinstance(kind, GraphQLEnumType):
            assert {value for value in kind.values if theirs.values[value].deprecation_reason is None} == set(
                kind.values
            ), name
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        assert {one.name for one in kind.interfaces} <= {one.name for one in theirs.interfaces}, name
        for field, held in kind.fields.items():
            original = theirs.fields[field]
            assert str(held.type) == str(original.type), f"{name}.{field}"
            assert original.deprecation_reason is None, f"{name}.{field} is deprecated"
            arguments = {key: (str(one.type), one.default_value) for key, one in held.args.items()}
            assert arguments == {
                key: (str(original.args[key].type), original.args[key].default_value) for key in arguments
            }
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, text in vars(shopify_queries).items()
        if name.isupper() and isinstance(text, str) and "{" in text and not name.startswith("_")
    ],
)
def test_what_the_connector_asks_is_valid_at_the_vendor_and_here(vendor: GraphQLSchema, name: str):
    query = parse(getattr(shopify_queries, name))
    assert validate(vendor, query) == []
    assert validate(build_schema(SDL.read_text()), query) == []


def test_a_wrong_token_is_refused_with_401(api: Api):
    answer = requests.post(api.url, json={"query": CHEAP}, headers={"X-Shopify-Access-Token": "wrong"}, timeout=60)
    assert answer.status_code == 401
    assert "Invalid API key or access token" in answer.json()["errors"]


def test_paging_gives_each_customer_once_in_order_of_change(api: Api, truth: dict[str, Any]):
    pages = list(api.pages(PAGED, first=7))
    nodes = [node for page in pages for node in page]
    assert {len(page) for page in pages[:-1]} == {7}
    assert sorted(node["id"].rpartition("/")[2] for node in nodes) == sorted(truth["shopify.customers"])
    assert [node["updatedAt"] for node in nodes] == sorted(node["updatedAt"] for node in nodes)


def test_paging_keeps_its_place_among_customers_changed_in_the_same_second(api: Api):
    documents = api.server.documents("shopify", "customer").values()
    same = [
        {**one, "changed_at": 1_763_000_000_000, "body": {**one["body"], "updatedAt": "2025-11-13T02:13:20Z"}}
        for one in documents
    ]
    api.server.put("shopify", "customer", *same)
    nodes = [node["id"] for page in api.pages(PAGED, first=10) for node in page]
    assert len(nodes) == len(set(nodes)) == len(same)


@pytest.mark.parametrize("filter", [None, "created_at:>='2000-01-01T00:00:00Z'"])
def test_paging_by_id_ends_and_gives_each_once_with_and_without_a_filter(api: Api, filter: str | None):
    orders = PAGED.replace("customers", "orders")
    by_id = orders.replace("UPDATED_AT", "ID")
    pages = itertools.islice(api.pages(by_id, first=9, filter=filter), 100)
    ids = [int(node["id"].rpartition("/")[2]) for page in pages for node in page]
    assert ids == sorted(set(ids))
    assert len(ids) == sum(len(page) for page in api.pages(orders, first=250))


def test_reverse_is_the_same_backwards(api: Api):
    forwards = [node["id"] for page in api.pages(PAGED, first=50) for node in page]
    backwards = [node["id"] for page in api.pages(PAGED, first=9, reverse=True) for node in page]
    assert backwards == forwards[::-1]


def test_a_filter_by_change_time_is_half_open_where_it_says_so(api: Api):
    times = sorted(node["updatedAt"] for page in api.pages(PAGED, first=250) for node in page)
    low, high = times[10], times[20]
    filtered = [
        node["updatedAt"]
        for page in api.pages(PAGED, first=250, filter=f"updated_at:>='{low}' AND updated_at:<'{high}'")
        for node in page
    ]
    assert filtered == [at for at in times if low <= at < high]
    after = [node["updatedAt"] for page in api.pages(PAGED, first=250, filter=f"updated_at:>'{low}'") for node in page]
    assert after == [at for at in times if at > low]


def test_a_filter_on_an_unknown_field_is_ignored_with_a_warning(api: Api):
    answer = api.answer(PAGED, first=250, filter="changed_at:>='2030-01-01'")
    assert len(answer["data"]["page"]["nodes"]) > 50
    assert answer["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


def test_orders_have_their_lines_refunds_and_customer(api: Api, truth: dict[str, Any]):
    query = """query ($first: Int!, $after: String) { page: orders(first: $first, after: $after, sortKey: CREATED_AT) {
      nodes { legacyResourceId email customer { id displayName defaultEmailAddress { emailAddress } }
        currentTotalPriceSet { presentmentMoney { amount currencyCode } }
        lineItems(first: 10) { edges { node { sku quantity discountedTotalSet { shopMoney { amount } } } }
          pageInfo { hasNextPage } }
        refunds(first: 5) { totalRefundedSet { shopMoney { amount } }
          refundLineItems(first: 10) { nodes { quantity lineItem { sku } } } } }
      pageInfo { hasNextPage endCursor } } }"""
    nodes = {node["legacyResourceId"]: node for page in api.pages(query, first=4) for node in page}
    assert set(nodes) == set(truth["shopify.orders"])
    assert any(node["refunds"] for node in nodes.values())
    for key, node in nodes.items():
        row = truth["shopify.orders"][key]
        sold = [[edge["node"]["sku"], edge["node"]["quantity"]] for edge in node["lineItems"]["edges"]]
        back = [
            [line["lineItem"]["sku"], -line["quantity"]]
            for refund in node["refunds"]
            for line in refund["refundLineItems"]["nodes"]
        ]
        assert sold == [[sku, quantity] for kind, _, quantity, sku, _ in row["lines"] if kind == "sale"]
        assert back == [[sku, quantity] for kind, _, quantity, sku, _ in row["lines"] if kind == "return"]
        assert (node["customer"] is None) == ("shopify_customer" not in row["ids"])


def test_lines_below_an_order_are_paged_too(api: Api):
    many = next(one for one in api.server.documents("shopify", "order").values() if len(one["body"]["lineItems"]) > 2)
    query = """query ($id: ID!, $after: String) { order(id: $id) { lineItems(first: 2, after: $after) {
      nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    first = api.data(query, id=many["body"]["id"])["order"]["lineItems"]
    second = api.data(query, id=many["body"]["id"], after=first["pageInfo"]["endCursor"])["order"]["lineItems"]
    assert first["pageInfo"]["hasNextPage"]
    assert [node["id"] for node in first["nodes"] + second["nodes"]][:3] == [
        line["id"] for line in many["body"]["lineItems"]
    ][:3]


def test_checkouts_name_their_customer(api: Api, truth: dict[str, Any]):
    nodes = api.data(
        """{ abandonedCheckouts(first: 100) { nodes {
          id completedAt customer { legacyResourceId } totalPriceSet { shopMoney { amount } } } } }"""
    )
    for node in nodes["abandonedCheckouts"]["nodes"]:
        row = truth["shopify.checkouts"][node["id"].rpartition("/")[2]]
        assert node["customer"]["legacyResourceId"] == row["ids"]["shopify_customer"]
        assert node["totalPriceSet"]["shopMoney"]["amount"] == f"{row['events'][0][2] / 100:.2f}"
        assert (node["completedAt"] is not None) == ("completed" in row)


def test_the_cost_is_counted_before_and_after_and_told(api: Api):
    cost = api.answer("{ customers(first: 100) { nodes { id defaultEmailAddress { emailAddress } } } }")["extensions"][
        "cost"
    ]
    assert cost["requestedQueryCost"] == 2 + 100 * 2
    assert cost["actualQueryCost"] < cost["requestedQueryCost"]
    status = cost["throttleStatus"]
    assert (status["maximumAvailable"], status["restoreRate"]) == (40_000, 2_000)
    assert (
        status["maximumAvailable"] - cost["requestedQueryCost"]
        <= status["currentlyAvailable"]
        <= status["maximumAvailable"]
    )


def test_a_query_over_a_thousand_points_is_refused(api: Api):
    errors = api.answer(DEAR)["errors"]
    assert errors[0]["extensions"] == {
        **errors[0]["extensions"],
        "code": "MAX_COST_EXCEEDED",
        "cost": 1002,
        "maxCost": 1000,
    }


def test_an_empty_bucket_throttles_with_status_200_and_fills_again(tmp_path: Path):
    query = DEAR.replace("200", "190")
    with running_standins(prepared(tmp_path / "state", plan="standard"), platforms=("shopify",)) as running:
        api = Api(running)
        answers = [api.answer(query) for _ in range(12)]
        throttled = next(one for one in answers if "errors" in one)
        assert throttled["errors"][0] == {**throttled["errors"][0], "message": "Throttled"}
        assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
        cost = throttled["extensions"]["cost"]
        assert cost["actualQueryCost"] is None
        assert cost["throttleStatus"]["currentlyAvailable"] < cost["requestedQueryCost"]
        running.advance(20)
        assert "errors" not in api.answer(query)


def test_orders_older_than_sixty_days_need_their_scope(tmp_path: Path, truth: dict[str, Any]):
    query = """query ($first: Int!, $after: String) { page: orders(first: $first, after: $after, sortKey: ID) {
      nodes { createdAt } pageInfo { hasNextPage endCursor } } }"""
    with running_standins(prepared(tmp_path / "state", scopes=["read_orders"]), platforms=("shopify",)) as running:
        api = Api(running)
        seen = [node["createdAt"] for page in api.pages(query, first=50) for node in page]
        refused = api.answer(CHEAP)
    assert 0 < len(seen) < len(truth["shopify.orders"])
    assert refused["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert refused["data"] is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ customers(first: 251) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ customers { nodes { id } } }", "BAD_REQUEST"),
        ("{ customers(first: 1) { nodes { email } } }", "undefinedField"),
        ("{ customers(first: 1", "GRAPHQL_PARSE_FAILED"),
        ('{ customers(first: 1, after: "rubbish") { nodes { id } } }', "BAD_USER_INPUT"),
        ("{ customers(first: 1, query: \"updated_at:>'soon'\") { nodes { id } } }", "BAD_USER_INPUT"),
    ],
)
def test_errors_of_a_query_come_with_status_200(api: Api, query: str, code: str):
    answer = api.answer(query)
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


def test_money_is_a_decimal_text(api: Api):
    amounts = re.findall(
        r'"amount":\s*("?-?[\d.]+"?)',
        api.session.post(
            api.url,
            timeout=60,
            json={"query": "{ orders(first: 50) { nodes { totalPriceSet { shopMoney { amount } } } } }"},
        ).text,
    )
    assert len(amounts) == 50
    assert all(re.fullmatch(r'"-?\d+\.\d\d"', amount) for amount in amounts)

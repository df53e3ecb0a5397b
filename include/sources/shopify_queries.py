"""What is asked of Shopify's Admin API, version 2026-10: only fields that version does not deprecate.

The costs are counted as documented: an object one point, a connection two and its page size times what one entry costs,
a query at most 1,000. Page sizes are chosen so that the dearest query stays below. The list is called ``page`` in each.
"""

_CUSTOMER = """
      id legacyResourceId createdAt updatedAt firstName lastName locale state tags dataSaleOptOut numberOfOrders
      defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt validFormat }
      defaultPhoneNumber { phoneNumber }
      defaultAddress { city province provinceCode zip countryCodeV2 }"""
CUSTOMERS_SIZE = 180  # 180 x 4 objects
CUSTOMERS = """
query Customers($first: Int!, $after: String, $filter: String) {
  page: customers(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT) {
    nodes {FIELDS
    }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("FIELDS", _CUSTOMER)

_ORDER = """
      id legacyResourceId name createdAt processedAt updatedAt cancelledAt test email phone currencyCode
      displayFinancialStatus
      customer { id legacyResourceId }
      shippingAddress { countryCodeV2 }"""
_LINE_NODE = "{ id sku title quantity discountedTotalSet(withCodeDiscounts: true) { shopMoney { amount } } }"
_LINE = f"nodes {_LINE_NODE}"
_PAGE = "pageInfo { hasNextPage endCursor }"
ORDERS_SIZE = 40  # 40 x (order, customer, address, connection, 5 lines of 3 objects)
ORDERS = """
query Orders($first: Int!, $after: String, $filter: String) {
  page: orders(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT) {
    nodes {FIELDS
      lineItems(first: 5) { LINE PAGE }
    }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("FIELDS", _ORDER).replace("LINE", _LINE).replace("PAGE", _PAGE)
ORDER_LINES = """
query OrderLines($id: ID!, $after: String) {
  node(id: $id) { ... on Order { page: lineItems(first: 250, after: $after) { LINE PAGE } } }
}
""".replace("LINE", _LINE).replace("PAGE", _PAGE)

_RETURNED = "nodes { id quantity subtotalSet { shopMoney { amount } } lineItem { id sku title } }"
REFUNDS_SIZE = 6  # orders a query; 6 x (order, 5 refunds of (refund, connection, 5 lines of 4 objects))
REFUNDS_ASKED = 5
REFUNDS = """
query Refunds($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Order {
      id
      refunds(first: 5) { id createdAt processedAt refundLineItems(first: 5) { RETURNED PAGE } }
    }
  }
}
""".replace("RETURNED", _RETURNED).replace("PAGE", _PAGE)
ALL_REFUNDS = """
query AllRefunds($id: ID!) {
  node(id: $id) { ... on Order { refunds(first: 250) { id createdAt processedAt } } }
}
"""
REFUND_LINES = """
query RefundLines($id: ID!, $after: String) {
  node(id: $id) { ... on Refund { page: refundLineItems(first: 100, after: $after) { RETURNED PAGE } } }
}
""".replace("RETURNED", _RETURNED).replace("PAGE", _PAGE)

_CHECKOUT = """
      id name createdAt updatedAt completedAt
      customer { id legacyResourceId }
      totalPriceSet { shopMoney { amount currencyCode } }"""
CHECKOUTS_SIZE = 180  # 180 x (checkout, customer, money bag, money)
CHECKOUTS = """
query Checkouts($first: Int!, $after: String, $filter: String) {
  page: abandonedCheckouts(first: $first, after: $after, query: $filter, sortKey: ID) {
    nodes {FIELDS
    }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("FIELDS", _CHECKOUT)

# All ids there are, in an order that no change moves: what is no longer among them was deleted.
KEYS_SIZE = 250  # the vendor's maximum
CUSTOMER_KEYS = """
query CustomerKeys($first: Int!, $after: String, $filter: String) {
  page: customers(first: $first, after: $after, query: $filter, sortKey: ID) { nodes { id } PAGE }
}
""".replace("PAGE", _PAGE)
ORDER_KEYS = """
query OrderKeys($first: Int!, $after: String, $filter: String) {
  page: orders(first: $first, after: $after, query: $filter, sortKey: ID) { nodes { id } PAGE }
}
""".replace("PAGE", _PAGE)

# First loads of large shops: how many records there are, up to a limit; one query for all of them; what became of it.
CUSTOMERS_COUNT = "query CustomersCount($limit: Int) { found: customersCount(limit: $limit) { count } }"
ORDERS_COUNT = "query OrdersCount($limit: Int) { found: ordersCount(limit: $limit) { count } }"
CHECKOUTS_COUNT = "query CheckoutsCount($limit: Int) { found: abandonedCheckoutsCount(limit: $limit) { count } }"

# These are not asked but handed over as text: they take no variables, know no pages, and name entries by edge and node.
UNTIL = "UNTIL"
_WHOLE = """{
  CONNECTION(query: "updated_at:<'UNTIL'") { edges { node {FIELDS
  } } }
}"""
ALL_CUSTOMERS = _WHOLE.replace("CONNECTION", "customers").replace("FIELDS", _CUSTOMER)
ALL_ORDERS = _WHOLE.replace("CONNECTION", "orders").replace(
    "FIELDS", _ORDER + f"\n      lineItems {{ edges {{ node {_LINE_NODE} }} }}"
)
ALL_CHECKOUTS = _WHOLE.replace("CONNECTION", "abandonedCheckouts").replace("FIELDS", _CHECKOUT)

_OPERATION = "id status errorCode createdAt completedAt objectCount url query"
START_BULK = """
mutation StartBulk($query: String!, $grouped: Boolean!) {
  started: bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation { OPERATION }
    userErrors { field message code }
  }
}
""".replace("OPERATION", _OPERATION)
BULK = "query Bulk($id: ID!) { operation: bulkOperation(id: $id) { OPERATION } }".replace("OPERATION", _OPERATION)
BULKS_SIZE = 50
BULKS = """
query Bulks($first: Int!) { operations: bulkOperations(first: $first, sortKey: CREATED_AT) { nodes { OPERATION } } }
""".replace("OPERATION", _OPERATION)

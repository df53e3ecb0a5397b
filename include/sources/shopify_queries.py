"""What is asked of Shopify's Admin API, version 2026-10: only fields that version does not deprecate.

The costs are counted as documented: an object one point, a connection two and its page size times what one entry costs,
a query at most 1,000. Page sizes are chosen so that the dearest query stays below. The list is called ``page`` in each.
"""

CUSTOMERS_SIZE = 180  # 180 x 4 objects
CUSTOMERS = """
query Customers($first: Int!, $after: String, $filter: String) {
  page: customers(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT) {
    nodes {
      id legacyResourceId createdAt updatedAt firstName lastName locale state tags dataSaleOptOut numberOfOrders
      defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt validFormat }
      defaultPhoneNumber { phoneNumber }
      defaultAddress { city province provinceCode zip countryCodeV2 }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_LINE = "nodes { id sku title quantity discountedTotalSet(withCodeDiscounts: true) { shopMoney { amount } } }"
_PAGE = "pageInfo { hasNextPage endCursor }"
ORDERS_SIZE = 40  # 40 x (order, customer, address, connection, 5 lines of 3 objects)
ORDERS = """
query Orders($first: Int!, $after: String, $filter: String) {
  page: orders(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT) {
    nodes {
      id legacyResourceId name createdAt processedAt updatedAt cancelledAt test email phone currencyCode
      displayFinancialStatus
      customer { id legacyResourceId }
      shippingAddress { countryCodeV2 }
      lineItems(first: 5) { LINE PAGE }
    }
    pageInfo { hasNextPage endCursor }
  }
}
""".replace("LINE", _LINE).replace("PAGE", _PAGE)
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

CHECKOUTS_SIZE = 180  # 180 x (checkout, customer, money bag, money)
CHECKOUTS = """
query Checkouts($first: Int!, $after: String, $filter: String) {
  page: abandonedCheckouts(first: $first, after: $after, query: $filter, sortKey: ID) {
    nodes {
      id name createdAt updatedAt completedAt
      customer { id legacyResourceId }
      totalPriceSet { shopMoney { amount currencyCode } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

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
CUSTOMERS_COUNT = (
    "query CustomersCount($filter: String) { found: customersCount(query: $filter, limit: null) { count } }"
)
ORDERS_COUNT = "query OrdersCount($filter: String) { found: ordersCount(query: $filter, limit: null) { count } }"

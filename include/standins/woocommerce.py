"""WooCommerce's REST interface, version 3, on this machine: customers, orders and refunds, to be read and deleted.

Sources (read 2026-11-22): https://woocommerce.github.io/woocommerce-rest-api-docs/ and WooCommerce's own controllers.
What no page says is taken at its hardest: parameters nobody declared are ignored in silence, ``modified_after`` of
customers among them; ``after`` and ``before`` leave their own second out; an offset counts rows that a plugin hides;
the site's clock is not UTC, so that forgetting ``dates_are_gmt`` shows.

Settings of the store: ``woocommerce.account`` (the consumer key), ``woocommerce.site_hours`` (how far the site's clock
is before UTC), ``woocommerce.hidden`` (ids of orders that a plugin keeps from the list).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from include.standins.kit import Context, Document, Filter, Json, Order, Store
from include.standins.store import FAR_FUTURE
from include.standins.woocommerce_auth import Credentials, Refused

API = "/wp-json/wc/v3"
CONSUMER_KEY = "ck_standin_woocommerce"
PER_PAGE, MOST_PER_PAGE = 10, 100
SITE_HOURS = 1
STATUSES = (
    *("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"),
    *("any", "trash"),
)
ORDER_BY: Mapping[str, Mapping[str, Order]] = {
    "customer": {"id": "id", "registered_date": "created", "name": "id", "include": "id"},
    "order": {"date": "created", "id": "id", "include": "id", "title": "id", "slug": "id", "modified": "changed"},
    "refund": {"date": "created", "id": "id", "include": "id", "title": "id", "slug": "id"},
}
TIMES = ("date_created", "date_modified", "date_paid", "date_completed")


def prepare(store: Store, now_ms: int) -> None:
    """Open the account: the key's name, which is no secret."""
    store.set_setting("woocommerce.account", {"consumer_key": CONSUMER_KEY})


def fault_answer(kind: str, seconds: float) -> Response:
    """A firewall's page for a throttle, the host's for an error; the shop itself says that a key is none."""
    if kind == "throttle":
        headers = {"Retry-After": str(max(1, int(seconds)))} if seconds >= 1 else {}
        return HTMLResponse("<html><body><h1>Too Many Requests</h1></body></html>", 429, headers)
    if kind == "expired_token":
        return refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
    return HTMLResponse("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503)


def refusal(status: int, code: str, message: str, **more: Any) -> Response:
    """A refusal in WordPress' words."""
    return Json({"code": code, "message": message, "data": {"status": status, **more}}, status)


def routes(context: Context) -> list[BaseRoute]:
    """The paths, as the vendor has them."""
    shop = Shop(context)
    known = {
        "/customers": shop.customers,
        "/customers/{id:int}": shop.customer,
        "/orders": shop.orders,
        "/orders/{id:int}": shop.order,
        "/orders/{id:int}/refunds": shop.refunds,
    }
    made = [Route(API + path, shop.signed_in(answer), methods=["GET", "DELETE"]) for path, answer in known.items()]
    return [*made, Route("/{rest:path}", no_route, methods=["GET", "POST", "PUT", "DELETE"])]


def no_route(request: Request) -> Response:
    return refusal(404, "rest_no_route", "No route was found matching the URL and request method.")


class Invalid(ValueError):
    """A parameter that is declared and wrong; its name is the text."""


def _whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query, within its limits."""
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise Invalid(name)
    return int(text)


def trashed(order: Document, at_ms: int) -> Document:
    """The order after somebody put it into the trash."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    body = {**order.body, "status": "trash", "date_modified_gmt": at}
    return Document(order.id, body, order.created_at, at_ms, archived=True)


class Shop:
    """The endpoints of one shop."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._credentials = Credentials(CONSUMER_KEY, context.tokens["woocommerce"])

    def signed_in(self, answer: Any) -> Any:
        """An endpoint behind the sign-in, with refusals of parameters in WordPress' words."""

        async def checked(request: Request) -> Response:
            try:
                self._credentials.check(request)
                return await run_in_threadpool(answer, request)
            except Refused as error:
                return refusal(401, error.code, str(error))
            except Invalid as error:
                name = str(error)
                return refusal(400, "rest_invalid_param", f"Invalid parameter(s): {name}", params={name: "wrong"})

        return checked

    def customers(self, request: Request) -> Response:
        """No filter by the time of a change exists: who asks for one gets everybody."""
        if request.method == "DELETE":
            return no_route(request)
        role = request.query_params.get("role", "customer")
        where = None if role == "all" else ("$.role", role)
        return self._listing(request, "customer", Filter(where=where), "name")

    def customer(self, request: Request) -> Response:
        """Customers have no trash: one is deleted for good, or not at all."""
        key = str(request.path_params["id"])
        found = self._store.get("woocommerce", "customer", key)
        if found is None:
            return refusal(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        if request.method == "DELETE":
            if request.query_params.get("force") != "true":
                return refusal(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.")
            self._store.delete("woocommerce", "customer", key)
        return Json(self._shown("customer", found))

    def orders(self, request: Request) -> Response:
        if request.method == "DELETE":
            return no_route(request)
        asked = request.query_params
        status = asked.get("status", "any")
        if status not in STATUSES:
            raise Invalid("status")
        since, before = self._moment(request, "modified_after"), self._moment(request, "modified_before")
        matching = Filter(
            since=-FAR_FUTURE if since is None else since + 1000,  # strictly after, in whole seconds
            before=FAR_FUTURE if before is None else before,
            archived=status == "trash",
            where=None if status in ("any", "trash") else ("$.status", status),
        )
        if "after" in asked:
            return self._placed_since(request, matching, self._moment(request, "after") or 0)
        return self._listing(request, "order", matching, "date")

    def _placed_since(self, request: Request, matching: Filter, after: int) -> Response:
        """``after`` is by the time an order was placed, strictly."""
        order, (size, offset) = self._ordered(request, "order", "date"), self._span(request)
        listed = self._store.page("woocommerce", "order", matching, order=order, limit=-1)
        found = [one for one in listed if one.created_at >= after + 1000]
        if request.query_params.get("order", "desc") == "desc":
            found.reverse()
        shown = [self._shown("order", one) for one in found[offset : offset + size]]
        return self._paged(request, shown, len(found), size, offset)

    def order(self, request: Request) -> Response:
        """An order goes to the trash first; what lies there is deleted for good with ``force``."""
        key = str(request.path_params["id"])
        found = self._store.get("woocommerce", "order", key)
        if found is None:
            return refusal(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        if request.method == "DELETE" and request.query_params.get("force") == "true":
            self._store.delete("woocommerce", "order", key)
        elif request.method == "DELETE" and found.archived:
            return refusal(410, "woocommerce_rest_already_trashed", "The shop_order has already been deleted.")
        elif request.method == "DELETE":
            now = self._context.now_ms() // 1000 * 1000
            found = trashed(found, now)
            self._store.put_many("woocommerce", "order", [found])
        return Json(self._shown("order", found))

    def refunds(self, request: Request) -> Response:
        found = self._store.get("woocommerce", "order", str(request.path_params["id"]))
        if found is None:
            return refusal(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        listed = sorted(found.body["refunds"], key=lambda one: one["id"])
        self._ordered(request, "refund", "date")
        if request.query_params.get("order", "desc") == "desc":
            listed.reverse()
        size, offset = self._span(request)
        shown = [{**self._local(one), "_links": {}} for one in listed[offset : offset + size]]
        return self._paged(request, shown, len(listed), size, offset)

    def _listing(self, request: Request, kind: str, matching: Filter, default: str) -> Response:
        order, (size, offset) = self._ordered(request, kind, default), self._span(request)
        descending = request.query_params.get("order", "asc" if kind == "customer" else "desc") == "desc"
        found = self._store.page(
            "woocommerce", kind, matching, order=order, descending=descending, limit=size, offset=offset
        )
        hidden = {str(id) for id in self._store.get_setting("woocommerce.hidden", ())} if kind == "order" else set()
        shown = [self._shown(kind, one) for one in found if one.id not in hidden]
        return self._paged(request, shown, self._store.count("woocommerce", kind, matching), size, offset)

    @staticmethod
    def _ordered(request: Request, kind: str, default: str) -> Order:
        asked = request.query_params.get("orderby", default)
        if asked not in ORDER_BY[kind]:
            raise Invalid("orderby")
        if request.query_params.get("order", "asc") not in ("asc", "desc"):
            raise Invalid("order")
        return ORDER_BY[kind][asked]

    @staticmethod
    def _span(request: Request) -> tuple[int, int]:
        """Rows a page, and how many are before it: by ``offset`` where one is given, else by ``page``."""
        size = _whole(request, "per_page", PER_PAGE, 1, MOST_PER_PAGE)
        page, offset = _whole(request, "page", 1, 1, FAR_FUTURE), _whole(request, "offset", 0, 0, FAR_FUTURE)
        return size, offset or (page - 1) * size

    def _moment(self, request: Request, name: str) -> int | None:
        """A time of the query in ms: on the site's clock, unless ``dates_are_gmt`` says otherwise."""
        text = request.query_params.get(name)
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(text).replace(tzinfo=UTC, microsecond=0)
        except ValueError:
            raise Invalid(name) from None
        gmt = request.query_params.get("dates_are_gmt") in ("true", "1")
        return int((at if gmt else at - self._site_clock()).timestamp() * 1000)

    def _paged(self, request: Request, rows: list[dict[str, Any]], total: int, size: int, offset: int) -> Response:
        pages, page = -(-total // size), offset // size + 1
        links = [(page - 1, "prev")] if page > 1 else []
        links += [(page + 1, "next")] if page < pages else []
        headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
        if links:
            address = request.url.remove_query_params(("page", "offset"))
            told = (f'<{address.include_query_params(page=number)}>; rel="{which}"' for number, which in links)
            headers["Link"] = ", ".join(told)
        fields = request.query_params.get("_fields")  # of every list of WordPress
        if fields is not None:
            rows = [{name: row[name] for name in fields.split(",") if name in row} for row in rows]
        return Json(rows, headers=headers)

    def _shown(self, kind: str, document: Document) -> dict[str, Any]:
        """As the interface shows a record: an order tells of its refunds only what they add up to."""
        body = self._local(document.body)
        if kind == "order":
            body["refunds"] = [
                {"id": one["id"], "reason": one["reason"], "total": f"-{one['amount']}"} for one in body["refunds"]
            ]
        links = {"self": [{"href": f"https://shop.example{API}/{kind}s/{document.id}"}]}
        return {**body, "_links": links}

    def _local(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Every time twice: in UTC, and without a word about it on the site's clock."""
        shown = dict(body)
        for name in TIMES:
            at = body.get(f"{name}_gmt")
            if f"{name}_gmt" in body:
                shown[name] = at and (datetime.fromisoformat(at) + self._site_clock()).isoformat()
        return shown

    def _site_clock(self) -> timedelta:
        return timedelta(hours=self._store.get_setting("woocommerce.site_hours", SITE_HOURS))

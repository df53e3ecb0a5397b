"""Salesforce's REST interface on this machine: access tokens, queries, Bulk API 2.0 query jobs.

Held to the vendor's Postman collection by `tests/include/standins/test_standin_salesforce.py`; rules from the REST API,
Bulk API 2.0 and SOQL guides (read 2026-11-21): 2,000 rows a page, cursors for two days and ten a user, a URI of 16,384
bytes, errors as a list, a day's requests counted for the company and told in ``Sforce-Limit-Info``.

Settings of the store: ``salesforce.daily_requests``, ``salesforce.session_seconds``, ``salesforce.certificate`` (public
key, PEM, of who may sign assertions), ``salesforce.smallest_page``, ``salesforce.cursors``, and those of
`salesforce_jobs`.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import google.auth.jwt
import orjson
from google.auth.exceptions import GoogleAuthError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from include.standins import salesforce_jobs, salesforce_query
from include.standins.kit import Context, Json, Store, json_body, token_of
from include.standins.limits import WindowLimit
from include.standins.salesforce_jobs import JobRefused
from include.standins.salesforce_soql import Refused, parse

__all__ = ["account", "fault_answer", "prepare", "routes"]

PLATFORM = "salesforce"
CLIENT_ID, REFRESH_TOKEN, USERNAME = "3MVGstandin", "5Aep861standin", "integration@standin.example"
VERSIONS = {f"{number}.0" for number in range(60, 68)}
LONGEST_URI = 16_384
PAGE, SMALLEST_PAGE = 2_000, 200
CURSORS, CURSOR_MS = 10, 2 * 86_400_000
DAILY_REQUESTS, SESSION_SECONDS = 100_000, 7_200
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
Endpoint = Callable[[Request], Any]


def prepare(store: Store, now_ms: int) -> None:
    """The app that the connection authorises itself as."""
    store.set_setting("salesforce.account", {"client_id": CLIENT_ID})


def account(store: Store, base_url: str) -> dict[str, Any]:
    """Nothing beside what is there: the host is the company's My Domain."""
    return {"api_version": "66.0"}


def routes(context: Context) -> list[BaseRoute]:
    """The paths that the stand-in serves; the collection writes some with a slash at the end."""
    api = Salesforce(context)
    data, jobs = "/services/data/v{version}", "/services/data/v{version}/jobs/query"
    return [
        Route("/services/oauth2/token", api.token, methods=["POST"]),
        *(Route(f"{data}/query{end}", api.counted(api.query), methods=["GET"]) for end in ("", "/")),
        *(Route(f"{data}/queryAll{end}", api.counted(api.query_all), methods=["GET"]) for end in ("", "/")),
        Route(f"{data}/query/{{locator}}", api.counted(api.more), methods=["GET"]),
        Route(f"{data}/queryAll/{{locator}}", api.counted(api.more), methods=["GET"]),
        Route(jobs, api.counted(api.make_job), methods=["POST"]),
        Route(jobs, api.counted(api.jobs), methods=["GET"]),
        Route(f"{jobs}/{{id}}", api.counted(api.job), methods=["GET"]),
        Route(f"{jobs}/{{id}}", api.counted(api.abort_job), methods=["PATCH"]),
        Route(f"{jobs}/{{id}}", api.counted(api.delete_job), methods=["DELETE"]),
        Route(f"{jobs}/{{id}}/results", api.counted(api.results), methods=["GET"]),
    ]


def fault_answer(kind: str, seconds: float) -> Response:
    """Salesforce's words for a fault."""
    if kind == "throttle":
        return error(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
    if kind == "expired_token":
        return error(401, "INVALID_SESSION_ID", "Session expired or invalid")
    return error(503, "SERVER_UNAVAILABLE", "The server is not available; try again.")


def error(status: int, code: str, message: str) -> Response:
    """Salesforce's error body: a list."""
    return Json([{"message": message, "errorCode": code}], status)


class Salesforce:
    """The endpoints of the one company there is."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._key = hashlib.sha256(context.tokens[PLATFORM].encode()).digest()
        self._today = WindowLimit(DAILY_REQUESTS, 86_400, context.clock)
        self._cursors: dict[str, dict[str, Any]] = {}
        self._last_cursor = 0

    async def token(self, request: Request) -> Response:
        """An access token for an app that acts for itself, that a person authorised, or that signs with its key."""
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        refusal = self._refused_grant(form)
        if refusal is not None:
            return Json({"error": refusal[0], "error_description": refusal[1]}, 400)
        now = self._context.now_ms()
        base = str(request.url).removesuffix("/services/oauth2/token")
        token = f"00Dstandin!{now}.{self._signed(str(now))}"
        answer = {
            "access_token": token,
            "instance_url": base,
            "token_type": "Bearer",
            "issued_at": str(now),
            "scope": "api",
            "id": f"{base}/id/00D000000000001EAA/005000000000001AAA",
        }
        return Json({**answer, "signature": self._signed(answer["id"])})

    def _refused_grant(self, form: Mapping[str, str]) -> tuple[str, str] | None:
        grant = form.get("grant_type")
        if grant == JWT_GRANT:
            return self._refused_assertion(form.get("assertion", ""))
        if grant not in ("client_credentials", "refresh_token"):
            return "unsupported_grant_type", "grant type not supported"
        if form.get("client_id") != CLIENT_ID:
            return "invalid_client_id", "client identifier invalid"
        if form.get("client_secret") != self._context.tokens[PLATFORM]:
            return "invalid_client", "invalid client credentials"
        if grant == "refresh_token" and form.get("refresh_token") != REFRESH_TOKEN:
            return "invalid_grant", "expired access/refresh token"
        return None

    def _refused_assertion(self, assertion: str) -> tuple[str, str] | None:
        """Signed by the app's certificate, for this platform, by the app, for a user it may act for, for minutes."""
        try:
            claims = (
                google.auth.jwt.decode(
                    assertion,
                    certs=self._store.get_setting("salesforce.certificate", ""),
                    audience=["https://login.salesforce.com", "https://test.salesforce.com"],
                    clock_skew_in_seconds=10,
                )
                if assertion
                else {}
            )
        except (ValueError, GoogleAuthError):
            return "invalid_grant", "invalid assertion"
        if claims.get("iss") != CLIENT_ID or claims.get("sub") != USERNAME:
            return "invalid_grant", "user hasn't approved this consumer"
        return None if claims["exp"] <= time.time() + 310 else ("invalid_grant", "expired authorization code")

    def _signed(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def counted(self, endpoint: Endpoint) -> Endpoint:
        """Ask for the session and count against the company's requests of a day."""

        async def answer(request: Request) -> Response:
            if len(request.scope["raw_path"]) + len(request.scope["query_string"]) + 1 > LONGEST_URI:
                return PlainTextResponse("URI Too Long", 414)
            if not self._in_session(token_of(request) or ""):
                return error(401, "INVALID_SESSION_ID", "Session expired or invalid")
            if request.path_params["version"] not in VERSIONS:
                return error(404, "NOT_FOUND", "The requested resource does not exist")
            limit = self._limit()
            admitted, left, _ = limit.take("company")
            response = await self._answered(endpoint, request) if admitted else _used_up()
            response.headers["Sforce-Limit-Info"] = f"api-usage={limit.most - max(0, left)}/{limit.most}"
            return response

        return answer

    async def _answered(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as refused:
            return error(400, refused.code, str(refused))
        except JobRefused as refused:
            return error(refused.status, refused.code, str(refused))
        except orjson.JSONDecodeError:
            return error(400, "JSON_PARSER_ERROR", "Unexpected character")

    def _limit(self) -> WindowLimit:
        most = self._store.get_setting("salesforce.daily_requests", DAILY_REQUESTS)
        if most != self._today.most:
            self._today = WindowLimit(most, 86_400, self._context.clock)
        return self._today

    def _in_session(self, token: str) -> bool:
        made, _, signature = token.removeprefix("00Dstandin!").partition(".")
        if not made.isdigit() or not hmac.compare_digest(signature, self._signed(made)):
            return False
        seconds = self._store.get_setting("salesforce.session_seconds", SESSION_SECONDS)
        return int(made) > self._store.get_setting("salesforce.sessions_ended_at", 0) and (
            self._context.now_ms() - int(made) < seconds * 1000
        )

    async def query(self, request: Request) -> Response:
        """``GET /query?q=``: what is not in the recycle bin."""
        return self._asked(request, deleted=False)

    async def query_all(self, request: Request) -> Response:
        """``GET /queryAll?q=``: also what is."""
        return self._asked(request, deleted=True)

    def _asked(self, request: Request, *, deleted: bool) -> Response:
        if set(request.query_params) != {"q"}:
            return error(400, "MALFORMED_QUERY", "A query string has to be specified, and nothing else")
        text = request.query_params["q"]
        query = parse(text)
        ids = salesforce_query.run(self._store, query, deleted=deleted)
        if query.counts:
            return Json({"totalSize": len(ids), "done": True, "records": []})
        option = re.search(r"batchSize=(\d+)", request.headers.get("Sforce-Query-Options", ""))
        size = (
            min(PAGE, max(self._store.get_setting("salesforce.smallest_page", SMALLEST_PAGE), int(option[1])))
            if option
            else PAGE
        )
        cursor = {"query": text, "ids": ids, "deleted": deleted, "size": size, "made": self._context.now_ms()}
        return self._page(self._opened(cursor) if len(ids) > size else "", cursor, 0, request)

    def _opened(self, cursor: dict[str, Any]) -> str:
        """A cursor of the user: of ten, the oldest is given up for an eleventh."""
        self._last_cursor += 1
        locator = f"01g{self._last_cursor:012d}AAA"
        self._cursors[locator] = cursor
        while len(self._cursors) > self._store.get_setting("salesforce.cursors", CURSORS):
            del self._cursors[next(iter(self._cursors))]
        return locator

    async def more(self, request: Request) -> Response:
        """``GET /query/{locator}``: the rows of a cursor, as they are by now. It says query for queryAll too."""
        locator, _, place = request.path_params["locator"].rpartition("-")
        cursor = self._cursors.get(locator)
        if cursor is None or not place.isdigit() or cursor["made"] < self._context.now_ms() - CURSOR_MS:
            return error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(locator, cursor, int(place), request)

    def _page(self, locator: str, cursor: Mapping[str, Any], place: int, request: Request) -> Response:
        data = f"/services/data/v{request.path_params['version']}"
        end = place + cursor["size"]
        records = salesforce_query.shown(
            self._store, parse(cursor["query"]), cursor["ids"][place:end], data, deleted=cursor["deleted"]
        )
        done = end >= len(cursor["ids"])
        following = {} if done else {"nextRecordsUrl": f"{data}/query/{locator}-{end}"}
        return Json({"totalSize": len(cursor["ids"]), "done": done, **following, "records": list(records)})

    async def make_job(self, request: Request) -> Response:
        body = json_body(await request.body())
        return Json(salesforce_jobs.make(self._context, body, request.path_params["version"]))

    async def jobs(self, request: Request) -> Response:
        return salesforce_jobs.listed(self._context)

    async def job(self, request: Request) -> Response:
        return Json(salesforce_jobs.described(salesforce_jobs.one(self._context, request.path_params["id"])))

    async def results(self, request: Request) -> Response:
        given = dict(request.query_params)
        return salesforce_jobs.results(self._context, request.path_params["id"], given, request.path_params["version"])

    async def abort_job(self, request: Request) -> Response:
        body = json_body(await request.body())
        return Json(salesforce_jobs.abort(self._context, request.path_params["id"], body))

    async def delete_job(self, request: Request) -> Response:
        return salesforce_jobs.delete(self._context, request.path_params["id"])


def _used_up() -> Response:
    return error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

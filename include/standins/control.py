"""The control interface, ``/_control``: for tests and for ``make run``, never for a connector.

========  =================  =====================================================================================
GET       /health            day, customers, seed
GET       /accounts          base URL, token and ids of each platform: what goes into an Airflow connection
POST      /day               ``{"day": n}``: apply that day of changes at the merchant (once, however often asked)
POST      /clock             ``{"advance": seconds}``: move the platforms' time forward
GET PUT   /faults            the fault plan (a list of faults, see ``faults.Fault``); POST appends, DELETE ends all
GET       /requests          the request log as JSON lines; filters ``platform``, ``method``, ``path``, ``after``
DELETE    /requests          forget the log
GET       /requests/counts   how many requests by platform, method and status
GET       /members           ``?platform=``: who is in each audience
GET       /alerts            mails and Slack messages received; DELETE forgets them
GET       /truth             what the merchant knows about its customers
GET PUT   /documents         ``?platform=&kind=``: look at or put documents, to set a scene for a test
PUT       /settings          ``{name: value}``, as ``meta.terms_accepted``, ``meta.session_seconds``
POST      /reset             back to the state of the first start; faults, log, alerts and clock too
========  =================  =====================================================================================
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from include.standins import alerts
from include.standins.faults import Fault
from include.standins.kit import EVERYTHING, Context, Document, Json, Store


@dataclass
class MovableClock:
    """Real time plus what tests added."""

    base: Callable[[], float]
    ahead: float = 0.0

    def __call__(self) -> float:
        return self.base() + self.ahead


@dataclass(frozen=True)
class Control:
    """The handlers of ``/_control``.

    :param platforms: the platforms' modules by name.
    :param first_state: copy of the store as it was at the first start, for ``/reset``.
    :param renew: what ``/reset`` calls besides: the platforms forget what they keep in memory.
    """

    context: Context
    clock: MovableClock
    platforms: Mapping[str, Any]
    first_state: Path
    renew: Sequence[Callable[[], None]] = ()

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/health", self.health),
            Route("/accounts", self.accounts),
            Route("/day", self.day, methods=["POST"]),
            Route("/clock", self.move_clock, methods=["POST"]),
            Route("/faults", self.faults, methods=["GET", "PUT", "POST", "DELETE"]),
            Route("/requests", self.requests, methods=["GET", "DELETE"]),
            Route("/requests/counts", lambda request: Json(self.context.log.counts())),
            Route("/members", self.members),
            Route("/alerts", self.alerts, methods=["GET", "DELETE"]),
            Route("/truth", self.truth),
            Route("/documents", self.documents, methods=["GET", "PUT"]),
            Route("/settings", self.settings, methods=["PUT"]),
            Route("/reset", self.reset, methods=["POST"]),
        ]

    def health(self, request: Request) -> Response:
        store = self.context.store
        return Json({name: store.get_setting(name) for name in ("day", "customers", "seed")})

    def accounts(self, request: Request) -> Response:
        store, base = self.context.store, str(request.base_url).rstrip("/").removesuffix("/_control")
        return Json(
            {
                name: {
                    "base_url": f"{base}/{name}",
                    "token": self.context.tokens[name],
                    **(store.get_setting(f"{name}.account") or {}),
                    **_more(module, store, f"{base}/{name}"),
                }
                for name, module in self.platforms.items()
            }
        )

    async def day(self, request: Request) -> Response:
        number = (await request.json())["day"]
        merchant = importlib.import_module("include.standins.merchant")
        try:
            await run_in_threadpool(merchant.apply_day, self.context.store, number, now=self.context.now())
        except ValueError as error:
            return PlainTextResponse(str(error), 422)
        return await run_in_threadpool(self.health, request)

    async def move_clock(self, request: Request) -> Response:
        self.clock.ahead += float((await request.json())["advance"])
        return Json({"now": self.clock()})

    async def faults(self, request: Request) -> Response:
        plan = self.context.faults
        if request.method == "DELETE":
            plan.replace()
        elif request.method in ("PUT", "POST"):
            try:
                wanted = [Fault.from_json(one) for one in await request.json()]
            except ValueError as error:
                return PlainTextResponse(f"fault plan: {error}", 422)
            (plan.replace if request.method == "PUT" else plan.add)(*wanted)
        return Json(plan.state())

    def requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.context.log.clear()
            return Response(status_code=204)
        asked = request.query_params
        found = self.context.log.read(
            platform=asked.get("platform"),
            method=asked.get("method"),
            path=asked.get("path"),
            after=int(asked.get("after", 0)),
        )
        return StreamingResponse(_lines(one.to_wire() for one in found), media_type="application/x-ndjson")

    def members(self, request: Request) -> Response:
        platform = self.platforms.get(request.query_params.get("platform", ""))
        if not hasattr(platform, "audience_members"):
            return PlainTextResponse("platform must be one that holds audiences", 404)
        with self.context.store.transaction():
            getattr(platform, "settle", lambda context: None)(self.context)
            return Json(platform.audience_members(self.context.store))

    def alerts(self, request: Request) -> Response:
        if request.method == "DELETE":
            alerts.forget(self.context.store)
        return Json(alerts.received(self.context.store))

    def truth(self, request: Request) -> Response:
        merchant = importlib.import_module("include.standins.merchant")
        return JSONResponse(merchant.truth(self.context.store))

    async def documents(self, request: Request) -> Response:
        store, asked = self.context.store, request.query_params
        platform, kind = asked["platform"], asked["kind"]
        if request.method == "PUT":
            now = self.context.now_ms()
            store.put_many(
                platform,
                kind,
                [
                    Document(
                        one["id"],
                        one["body"],
                        one.get("created_at", one.get("changed_at", now)),
                        one.get("changed_at", now),
                        one.get("archived", False),
                    )
                    for one in await request.json()
                ],
            )
            return Response(status_code=204)
        found = store.page(platform, kind, EVERYTHING, order="id", limit=int(asked.get("limit", -1)))
        return StreamingResponse(_lines(one.__dict__ for one in found), media_type="application/x-ndjson")

    async def settings(self, request: Request) -> Response:
        for name, value in (await request.json()).items():
            await run_in_threadpool(self.context.store.set_setting, name, value)
        return Response(status_code=204)

    def reset(self, request: Request) -> Response:
        if not self.first_state.exists():
            return PlainTextResponse("start the server with --resettable to be able to reset it", 409)
        self.context.faults.replace()
        self.context.log.clear()
        self.clock.ahead = 0.0
        self.context.store.restore_from(self.first_state)
        for renew in self.renew:
            renew()
        return Response(status_code=204)


def _more(module: Any, store: Store, base_url: str) -> Mapping[str, Any]:
    """What a platform adds to its account itself: it depends on where it is served."""
    return module.account(store, base_url) if hasattr(module, "account") else {}


def _lines(rows: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield orjson.dumps(row) + b"\n"

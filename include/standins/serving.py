"""Between the network and a platform: faults strike here, limits on connections hold here, all is recorded here.

The platform's own application runs inside and its answer is held back until the request is in the log, so that
whoever has got an answer finds the request there.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from include.standins.faults import Fault
from include.standins.kit import Context
from include.standins.limits import ConnectionLimit
from include.standins.request_log import Recorded

FaultAnswer = Callable[[str, float], Response]
BREAKING = frozenset({"reset", "lost_answer", "half_answer"})
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: the peer gets RST, not an orderly end


class BreakableProtocol(H11Protocol):
    """Uvicorn's HTTP protocol, with the connection at hand so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def plain_fault_answer(kind: str, seconds: float) -> Response:
    """The answer to a fault on a platform that has no words of its own for it."""
    if kind == "throttle":
        return PlainTextResponse("Too Many Requests", 429, headers={"Retry-After": str(int(seconds))})
    return PlainTextResponse(
        "Unauthorized" if kind == "expired_token" else "Service Unavailable", 401 if kind == "expired_token" else 503
    )


@dataclass
class _Answer:
    """What an application sent, held back."""

    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def header_map(self) -> dict[str, str]:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers}

    async def send_on(self, send: Send, *, share: float = 1.0) -> None:
        body = bytes(self.body[: int(len(self.body) * share)])
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": body, "more_body": share < 1.0})


class PlatformApp:
    """One platform's application with faults, the limit on connections and the log around it.

    :param make_app: makes the application; made anew by ``renew``, so that used-up limits and caches go with it.
    :param connections: how many requests of one credential may be under way at once; None is any number.
    """

    def __init__(
        self,
        name: str,
        make_app: Callable[[], ASGIApp],
        context: Context,
        *,
        fault_answer: FaultAnswer = plain_fault_answer,
        connections: int | None = None,
    ) -> None:
        self._name = name
        self._make_app = make_app
        self._app = make_app()
        self._context = context
        self._fault_answer = fault_answer
        self._limit = ConnectionLimit(connections or 1 << 30)

    def renew(self) -> None:
        """Forget what the application keeps in memory."""
        self._app = self._make_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, at = time.monotonic(), self._context.clock()
        body = await _whole_body(receive)
        if body is None:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self._limit.enter(headers.get("authorization", "")) as admitted:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            delay, fault = self._context.faults.draw(self._name, scope["method"], path)
            if delay:
                await asyncio.sleep(delay)
            answer, applied = await self._answer(scope, body, fault, admitted)
        broken = fault is not None and fault.kind in BREAKING
        recorded = Recorded(
            at=at,
            seconds=time.monotonic() - started,
            platform=self._name,
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=body,
            status=None if broken else answer.status,
            answer_headers=answer.header_map(),
            answer=bytes(answer.body),
            fault=fault.kind if fault else None,
            applied=applied,
        )
        await run_in_threadpool(self._context.log.record, recorded)
        await _deliver(answer, fault, scope, receive, send)

    async def _answer(self, scope: Scope, body: bytes, fault: Fault | None, admitted: bool) -> tuple[_Answer, bool]:
        """The answer, and whether the platform's own code ran."""
        answer = _Answer()
        refusal = self._refusal(fault, admitted)
        applied = admitted and (fault is None or fault.kind not in ("throttle", "error", "expired_token", "reset"))
        if applied:
            await self._app(scope, _replay(body), answer.take)
        if refusal is not None:
            answer = _Answer()
            await refusal(scope, _replay(body), answer.take)
        return answer, applied

    def _refusal(self, fault: Fault | None, admitted: bool) -> Response | None:
        if not admitted:
            return self._fault_answer("throttle", 1.0)
        if fault is None or fault.kind in BREAKING:
            return None
        response = self._fault_answer("error" if fault.kind == "error_after" else fault.kind, fault.seconds)
        if fault.kind in ("error", "error_after"):
            response.status_code = fault.status
        return response


async def _deliver(answer: _Answer, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
    if fault is None or fault.kind not in BREAKING:
        await answer.send_on(send)
        return
    if fault.kind == "half_answer":
        await answer.send_on(send, share=0.5)
    transport: asyncio.Transport = scope["state"]["transport"]
    if fault.kind == "half_answer":
        transport.close()  # an orderly end flushes the half first; the client sees a body that is too short
    elif not transport.is_closing():  # else whoever asked is gone already: killed, as it may be
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
    while (await receive())["type"] != "http.disconnect":  # uvicorn must know before we return without an answer
        pass


async def _whole_body(receive: Receive) -> bytes | None:
    """All of the request's body; None when the client went away meanwhile."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> Callable[[], Awaitable[Message]]:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive

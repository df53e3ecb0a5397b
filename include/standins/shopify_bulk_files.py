"""The files of Shopify's bulk operations: made a piece at a time beside everything else, and kept for seven days.

Each piece is committed together with where its operation is: a stand-in that was killed goes on behind the last one,
and whoever asks meanwhile sees how many objects there are so far. A file is given out when its operation has ended.
"""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from include.standins.kit import Store
from include.standins.shopify_bulk_query import Reading

KEPT_MS = 7 * 86_400 * 1000
OPERATION, FILE = "bulk_operation", "bulk_file"
MADE = ("CREATED", "RUNNING")
ENDED = ("COMPLETED", "FAILED", "CANCELED")
Node = dict[str, Any]


class Makers:
    """Who makes the files: a thread for each operation, of which five run at once at most."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def see_to(self, body: Node, schema: GraphQLSchema, shop: Any) -> None:
        """Have an operation's file made, from where it is; nothing when that is being done."""
        with self._lock:
            running = self._threads.get(body["_token"])
            if body["_whole"] or (running is not None and running.is_alive()):
                return
            self._threads = {token: one for token, one in self._threads.items() if one.is_alive()}
            making = Making(self._store, body, Reading(schema, body["query"], shop.in_bulk()))
            self._threads[body["_token"]] = thread = threading.Thread(target=making.run, daemon=True)
            thread.start()


class Making:
    """One operation's file, from the piece it is at to its end."""

    def __init__(self, store: Store, body: Node, reading: Reading) -> None:
        self._store, self._id, self._token, self._reading = store, body["id"], body["_token"], reading

    def run(self) -> None:
        """Make what is left, unless the operation is called off, or the store reset or closed meanwhile."""
        try:
            while self._step():
                pass
        except GraphQLError as error:
            denied = (error.extensions or {}).get("code") == "ACCESS_DENIED"
            self._fail("ACCESS_DENIED" if denied else "INTERNAL_SERVER_ERROR")
        except sqlite3.ProgrammingError:
            if not self._store.closed:
                raise

    def _step(self) -> bool:
        """Add a piece; whether there is more to do. The store is free while lines are made of the documents."""
        body = self._mine()
        if body is None:
            return False
        found, cursor = self._reading.read(body["_cursor"])
        lines = self._reading.lines(found, body["_grouped"])
        text = b"".join(orjson.dumps(one) + b"\n" for one in lines)
        with self._store.transaction():
            now = self._mine()
            if now is None or now["_pieces"] != body["_pieces"]:
                return False
            number, piece = self._id.rpartition("/")[2], body["_pieces"] + 1
            self._store.put("shopify", FILE, f"{number}.{piece}", {"text": text.decode()}, changed_at=int(now["_due"]))
            roots = int(now["rootObjectCount"]) + sum("__parentId" not in one for one in lines)
            counted = {"objectCount": str(int(now["objectCount"]) + len(lines)), "rootObjectCount": str(roots)}
            # One that is fated to fail has what there was when it broke off: its first piece.
            whole = cursor is None or now["_fate"] == "FAILED"
            place = {"_pieces": piece, "_cursor": cursor, "_size": now["_size"] + len(text), "_whole": whole}
            self._keep({**now, **counted, **place})
        return not whole

    def _mine(self) -> Node | None:
        """The operation, if it is still the one whose file is made here, and not yet whole."""
        found = self._store.get("shopify", OPERATION, self._id.rpartition("/")[2])
        body = found.body if found else {}
        return body if body.get("_token") == self._token and body["status"] in MADE and not body["_whole"] else None

    def _fail(self, code: str) -> None:
        with self._store.transaction():
            body = self._mine()
            if body is not None:
                self._keep({**body, "_whole": True, "_fate": "FAILED", "_code": code})

    def _keep(self, body: Node) -> None:
        self._store.put("shopify", OPERATION, self._id.rpartition("/")[2], body, changed_at=int(body["_due"]))


class Storage:
    """Where files lie until they are seven days old: another house than the shop, which its token does not open."""

    def __init__(self, store: Store, now_ms: Callable[[], int]) -> None:
        self._store, self._now_ms = store, now_ms

    async def answer(self, request: Request) -> Response:
        """A file, or the part of it that ``Range: bytes=n-`` asks for."""
        if "x-shopify-access-token" in request.headers or request.query_params.get("signature") != "standin":
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403)
        text = await run_in_threadpool(self._file, request.path_params["name"])
        if text is None:
            return PlainTextResponse("<Error><Code>NoSuchKey</Code></Error>", 404)
        asked = request.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        start = int(asked) if asked.isdigit() else 0
        if start >= len(text):
            return Response(status_code=416, headers={"Content-Range": f"bytes */{len(text)}"})
        kind = "application/jsonl"
        if not asked:
            return Response(text, media_type=kind)
        place = f"bytes {start}-{len(text) - 1}/{len(text)}"
        return Response(text[start:], 206, {"Content-Range": place}, kind)

    def _file(self, number: str) -> bytes | None:
        operation = self._store.get("shopify", OPERATION, number)
        if operation is None or operation.body["status"] not in ENDED or not operation.body.get("_pieces"):
            return None
        if operation.body["_due"] + KEPT_MS < self._now_ms():
            return None
        names = (f"{number}.{piece}" for piece in range(1, operation.body["_pieces"] + 1))
        return b"".join(self._store.get("shopify", FILE, name).body["text"].encode() for name in names)

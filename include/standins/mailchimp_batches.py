"""Mailchimp: batches. Operations are taken now, run later, and their outcomes fetched as a gzipped tar.

A batch goes pending → preprocessing → started → finalizing → finished; ``mailchimp.batch_seconds`` (setting, default
0.4) is how long that takes here. The result's address is given for ten minutes and renewed by asking for the
batch again. An operation that is refused does not make the batch fail: it is counted in ``errored_operations``.
"""

import gzip
import io
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from include.standins.kit import EVERYTHING, Context, Document
from include.standins.mailchimp_core import NOTHING, PLATFORM, Answer, Call, Problem, invalid, not_found, shown
from include.standins.mailchimp_shapes import stamp

MOST_OPERATIONS = 1000
MOST_OPEN = 500
RESULT_SECONDS = 600
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
Run = Callable[[str, str, Mapping[str, str], Any], Answer]  # method, path, query, body → the endpoint's answer


class Batches:
    """The endpoints of ``/batches`` and the thread behind each batch.

    :param run: makes one call of the platform's own interface.
    """

    def __init__(self, context: Context, run: Run) -> None:
        self._context = context
        self._run = run
        for one in context.store.page(PLATFORM, "batch", EVERYTHING, limit=-1):
            if one.body["status"] != "finished":  # the server was stopped in the middle: operations are repeatable
                self._start(one.id)

    def create(self, call: Call) -> Answer:
        """``POST /batches``."""
        operations = call.sent("operations")["operations"]
        if not isinstance(operations, list) or len(operations) > MOST_OPERATIONS:
            raise invalid("operations", f"Schema describes array of at most {MOST_OPERATIONS} operations.")
        for one in operations:
            if not isinstance(one, dict) or one.get("method") not in METHODS or not one.get("path"):
                raise invalid("operations", "Required fields were not provided: method, path")
            if not isinstance(one.get("body", ""), str):
                raise invalid("operations.body", "Schema describes string, object found instead")
        open_ones = [
            one for one in call.store.page(PLATFORM, "batch", EVERYTHING, limit=-1) if one.body["status"] != "finished"
        ]
        if len(open_ones) >= MOST_OPEN:
            raise Problem(429, "Too Many Requests", "You have more than 500 pending batches.")
        id, now = uuid.uuid4().hex[:10], call.context.now_ms()
        body = {
            "id": id,
            "status": "pending",
            "total_operations": len(operations),
            "finished_operations": 0,
            "errored_operations": 0,
            "submitted_at": stamp(now),
            "_operations": operations,
        }
        call.store.put(PLATFORM, "batch", id, body, changed_at=now)
        self._start(id)
        return Answer(200, {**shown(Document(id, body, now, now)), "response_body_url": "", "_links": []})

    def listing(self, call: Call) -> Answer:
        """``GET /batches``: newest first."""
        count, offset = call.page()
        found = call.store.page(PLATFORM, "batch", EVERYTHING, order="created", descending=True, limit=-1)
        return Answer(
            200,
            {
                "batches": [self._shown(call, one) for one in found[offset : offset + count]],
                "total_items": len(found),
                "_links": [],
            },
        )

    def read(self, call: Call) -> Answer:
        """``GET /batches/{batch_id}``."""
        return Answer(200, self._shown(call, self._find(call)))

    def delete(self, call: Call) -> Answer:
        """``DELETE /batches/{batch_id}``: operations not yet run are not run."""
        call.store.delete(PLATFORM, "batch", self._find(call).id)
        return NOTHING

    def result(self, id: str, expires: int) -> bytes | None:
        """The gzipped tar behind ``response_body_url``; None when it is not there or the address has expired."""
        batch = self._context.store.get(PLATFORM, "batch", id)
        if batch is None or batch.body["status"] != "finished" or self._context.clock() > expires:
            return None
        return _archive(id, batch.body["_outcomes"], int(self._context.clock()))

    def _find(self, call: Call) -> Document:
        batch = call.store.get(PLATFORM, "batch", call.path["batch_id"])
        if batch is None:
            raise not_found()
        return batch

    def _shown(self, call: Call, batch: Document) -> dict[str, Any]:
        body = {"response_body_url": "", **shown(batch), "_links": []}
        if body["status"] == "finished":
            expires = int(call.context.clock()) + RESULT_SECONDS
            body["response_body_url"] = f"{call.base_url}/results/{batch.id}-response.tar.gz?Expires={expires}"
        return body

    def _start(self, id: str) -> None:
        threading.Thread(target=self._work, args=(id,), name=f"batch-{id}", daemon=True).start()

    def _work(self, id: str) -> None:
        pause = self._context.store.get_setting("mailchimp.batch_seconds", 0.4) / 4
        for status in ("preprocessing", "started"):
            time.sleep(pause)
            if not self._note(id, status=status):
                return
        batch = self._context.store.get(PLATFORM, "batch", id)
        outcomes = []
        for operation in batch.body["_operations"] if batch else []:
            outcomes.append(self._outcome(operation))
        errored = sum(1 for one in outcomes if one["status_code"] >= 400)
        self._note(id, status="finalizing", finished_operations=len(outcomes), errored_operations=errored)
        time.sleep(pause)
        self._note(id, status="finished", completed_at=stamp(self._context.now_ms()), _outcomes=outcomes)

    def _note(self, id: str, **facts: Any) -> bool:
        """Write the batch's state; False when it was deleted meanwhile."""
        with self._context.store.transaction():
            batch = self._context.store.get(PLATFORM, "batch", id)
            if batch is None:
                return False
            self._context.store.put(
                PLATFORM,
                "batch",
                id,
                {**batch.body, **facts},
                created_at=batch.created_at,
                changed_at=self._context.now_ms(),
            )
            return True

    def _outcome(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        query = {name: str(value) for name, value in (operation.get("params") or {}).items()}
        try:
            body = orjson.loads(operation["body"]) if operation.get("body") else None
            answer = self._run(operation["method"], operation["path"], query, body)
        except orjson.JSONDecodeError:
            answer = Answer(
                400, Problem(400, "JSON Parse Error", "We encountered an unspecified JSON parsing error.").body()
            )
        except Problem as refused:
            answer = Answer(refused.status, refused.body())
        return {
            "status_code": answer.status,
            "operation_id": operation.get("operation_id"),
            "response": "" if answer.body is None else orjson.dumps(answer.body).decode(),
        }


def _archive(id: str, outcomes: list[dict[str, Any]], at: int) -> bytes:
    """A tar with a folder and JSON files of outcomes, in no particular order of operations, gzipped."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number, start in enumerate(range(0, len(outcomes), 200)):
            content = orjson.dumps(outcomes[start : start + 200][::-1])
            entry = tarfile.TarInfo(f"{id}/{number:04d}.json")
            entry.size, entry.mtime = len(content), at
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue())

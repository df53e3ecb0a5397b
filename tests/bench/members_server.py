"""A list of members over HTTP for benches: the pages are ready bytes, so that the reader is what is measured.

``python -m tests.bench.members_server PORT ROWS``. Member ``i`` changed ``i`` seconds after BASE; answers
``/3.0/lists/bench/members`` as Mailchimp does (``since_last_changed``, ``offset``, ``count``, ``status``).
"""

import sys
from datetime import UTC, datetime, timedelta
from hashlib import md5

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BASE = datetime(2026, 1, 1, tzinfo=UTC)
READY = 200_000  # of more members the pages are made when they are asked for: the memory is the reader's


def member(number: int) -> bytes:
    """One member, about 600 bytes."""
    address = f"person.{number}@inbox.example"
    id = md5(address.encode(), usedforsecurity=False).hexdigest()
    return orjson.dumps({
        "id": id, "email_address": address, "contact_id": id, "full_name": f"Anna {number}", "web_id": number,
        "email_type": "html", "status": "subscribed", "merge_fields": {"FNAME": "Anna", "LNAME": str(number)},
        "stats": {"avg_open_rate": 0.25, "avg_click_rate": 0.03}, "timestamp_opt": "2025-06-01T08:00:00+00:00",
        "member_rating": 3, "last_changed": (BASE + timedelta(seconds=number)).isoformat(), "language": "de",
        "email_client": "Thunderbird", "location": {"latitude": 0, "longitude": 0, "country_code": "DE"},
        "source": "Embed Form", "tags_count": 0, "tags": [], "list_id": "bench"})


def app(count: int) -> Starlette:
    """The server over ``count`` members."""
    ready = [member(number) for number in range(count)] if count <= READY else None

    async def members(request: Request) -> Response:
        asked = request.query_params
        if asked.get("status") == "archived":
            return Response(b'{"members":[],"total_items":0}', media_type="application/json")
        since = asked.get("since_last_changed")
        first = int((datetime.fromisoformat(since) - BASE).total_seconds()) + 1 if since else 0
        first = max(0, first) + int(asked.get("offset", 0))
        wanted = slice(first, first + int(asked.get("count", 10)))
        found = ready[wanted] if ready is not None else [member(number) for number in range(count)[wanted]]
        body = b'{"members":[' + b",".join(found) + b'],"total_items":%d}' % count
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/3.0/lists/bench/members", members)])


if __name__ == "__main__":
    uvicorn.run(app(int(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)

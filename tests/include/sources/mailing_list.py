"""A Mailchimp list of a test's own: members by their second of change, asked for by the platform's rules."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.include.sources.small_server import Answer, Asked

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)


class List:
    """Members as number → second of change, asked for by Mailchimp's rules.

    :param inclusive: whether ``since_last_changed`` includes its own second; the vendor does not say.
    """

    def __init__(self, members: dict[int, int], *, inclusive: bool = True) -> None:
        self.members = members
        self.inclusive = inclusive
        self.after_answer: Callable[[Asked], None] = lambda asked: None

    def answer(self, asked: Asked) -> Answer:
        query = asked.query
        assert int(query["count"]) <= 1000
        if query.get("status") == "archived":
            return Answer({"members": [], "total_items": 0})
        found = sorted((second, number) for number, second in self.members.items() if self._within(second, query))
        page = found[int(query["offset"]):][:int(query["count"])]
        made = Answer({"members": [shown(number, second) for second, number in page], "total_items": len(found)})
        self.after_answer(asked)
        return made

    def _within(self, second: int, query: Any) -> bool:
        at = BEGIN + timedelta(seconds=second)
        since = datetime.fromisoformat(query.get("since_last_changed", "1970-01-01T00:00:00+00:00"))
        return (at >= since if self.inclusive else at > since) and at < datetime.fromisoformat(
            query["before_last_changed"])


def shown(number: int, second: int) -> dict[str, Any]:
    return {"id": f"{number:032x}", "contact_id": str(number), "status": "subscribed",
            "last_changed": (BEGIN + timedelta(seconds=second)).isoformat()}

"""What an empty field does at a platform: nothing, unless the segment's file says for this field that it clears."""

from collections.abc import Mapping
from typing import Any

from include.destinations.base import Audience, Destination
from include.errors import ConfigError

POLICIES = ("skip", "clear")


def wrong_policy(nulls: Any, fields: tuple[str, ...]) -> str | None:
    """What is wrong with a ``nulls`` option (``{first_name: clear}``) of a destination that carries ``fields``."""
    if not isinstance(nulls, Mapping):
        return "'nulls' is no mapping of fields to skip or clear"
    for name, policy in nulls.items():
        if name not in fields:
            return f"'nulls' names {name!r}, which this destination does not carry; it carries {', '.join(fields)}"
        if policy not in POLICIES:
            return f"'nulls' says {policy!r} for {name!r}; it may say {' or '.join(POLICIES)}"
    return None


def cleared_columns(audience: Audience, destination: Destination) -> tuple[str, ...]:
    """The carried columns that a missing value clears at the platform, in the destination's order.

    :raises ConfigError: the audience's ``nulls`` option is wrong; the text says how.
    """
    nulls = audience.options.get("nulls", {})
    wrong = wrong_policy(nulls, destination.fields)
    if wrong is not None:
        raise ConfigError(f"{audience.destination} {audience.key} of segment {audience.segment}: {wrong}.")
    return tuple(name for name in destination.fields if nulls.get(name) == "clear")

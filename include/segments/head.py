"""The parts of a segment's front matter: parameters, limits, audiences."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from include.destinations.quiet import why_not
from include.destinations.registry import DESTINATIONS
from include.ledger.nulls import wrong_policy
from include.segments.control import Control, read_control
from include.segments.front_matter import Located, complain


@dataclass(frozen=True)
class Naming:
    """What a segment must say to feed a destination: ``key`` names the audience there, ``options`` it may add."""

    key: str
    options: tuple[str, ...]


NAMING: dict[str, Naming] = {
    "file_drop": Naming("audience", ("fields", "format", "mode")),
    "webhook": Naming("audience", ("fields",)),
    "brevo": Naming("list", ()),
    "google": Naming("audience", ("description", "list_id", "membership_days")),
    "hubspot": Naming("list", ()),
    "klaviyo": Naming("list", ()),
    "mailchimp": Naming("tag", ("list",)),
    "meta": Naming("audience", ("description",)),
    "tiktok": Naming("audience", ()),
}


EVERYWHERE = ("control", "first_load", "nulls")  # options of an audience at any destination


@dataclass(frozen=True)
class Audience:
    """One audience a segment feeds.

    :ivar key: its name at the platform: a tag, an audience.
    :ivar options: all options as written, the key among them, without ``control``.
    :ivar control: people of the segment who are kept out of this audience, to measure it.
    """

    destination: str
    key: str
    purpose: Literal["email", "ads"]
    options: Mapping[str, Any]
    line: int
    control: Control | None = None


@dataclass(frozen=True)
class Limits:
    """Sizes in persons; the share is of the size at the last build of an earlier day, at a sync of the audience's size.

    :ivar max_removals: of one sync; more of them, and more than the share, wait for an approval. None: 50.
    :ivar stale_hours: a newest build older than this removes nobody. None: 48.
    """

    min_size: int | None = None
    max_size: int | None = None
    max_change_share: float | None = None
    max_removals: int | None = None
    stale_hours: int | None = None


LIMITS = tuple(each.name for each in fields(Limits))


def read_text(head: Located, key: str, path: Path) -> str:
    """A non-empty text."""
    if not isinstance(head[key], str) or not head[key].strip():
        raise complain(path, head.line_of(key), f"{key!r} is no text", f"write `{key}: some words`")
    return head[key]


def _section(head: Located, key: str, path: Path) -> Located:
    found = head.get(key, Located())
    if not isinstance(found, Located):
        raise complain(path, head.line_of(key), f"{key!r} is no mapping", f"write `{key}: {{name: value}}`")
    return found


def _parameter_fits(name: str, value: Any) -> str | None:
    """What a parameter should be, when it is not; the unit in its name says what it holds."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name.endswith(("_cents", "_days", "_count", "_months", "_years")):
        return None if whole and value >= 0 else "a whole number from 0"
    if name.endswith("_on"):
        return None if isinstance(value, date) and not isinstance(value, datetime) else "a date such as 2026-11-21"
    if name.endswith("_share"):
        return (
            None
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
            else "a number from 0 to 1"
        )
    if isinstance(value, list):
        kinds = {type(each) for each in value}
        return None if len(kinds) == 1 and kinds <= {str, int, float} else "a list of texts or of numbers"
    return (
        None
        if isinstance(value, str | int | float | bool | date)
        else "a text, a number, a date, true, false, or a list"
    )


def read_params(head: Located, path: Path) -> dict[str, Any]:
    """Values that the statement's ``%(name)s`` stand for.

    :raises ConfigError: a value does not fit its name (``_cents``, ``_days``, ``_on``, …) or is no plain value.
    """
    params = _section(head, "params", path)
    for name, value in params.items():
        line = params.line_of(name)
        if not name.isidentifier() or name == "as_of":
            raise complain(
                path, line, f"{name!r} is no name for a parameter", "as_of is given; others are words like min_cents"
            )
        wanted = _parameter_fits(name, value)
        if wanted is not None:
            raise complain(
                path, line, f"parameter {name!r} has a value of type {type(value).__name__}", f"give it {wanted}"
            )
    return dict(params)


def read_limits(head: Located, path: Path) -> Limits:
    """``min_size``, ``max_size``, ``max_removals`` (persons), ``max_change_share`` (0 to 1), ``stale_hours``.

    :raises ConfigError: an unknown limit, no number, or a minimum above the maximum.
    """
    found = _section(head, "limits", path)
    for name, value in found.items():
        line = found.line_of(name)
        if name not in LIMITS:
            raise complain(path, line, f"unknown limit {name!r}", f"use {', '.join(LIMITS)}")
        share = name == "max_change_share"
        kinds = int | float if share else int
        if not isinstance(value, kinds) or isinstance(value, bool) or value < 0 or (share and value > 1):
            raise complain(
                path, line, f"limit {name!r} does not fit", "a share lies from 0 to 1, all others are whole numbers"
            )
    limits = Limits(**found)
    if limits.min_size is not None and limits.max_size is not None and limits.min_size > limits.max_size:
        raise complain(path, head.line_of("limits"), "min_size is above max_size", "swap them")
    return limits


def _read_audience(destination: str, raw: Any, line: int, purpose: str | None, path: Path) -> Audience:
    rule, needed = NAMING[destination], DESTINATIONS[destination].purpose
    if not isinstance(raw, Located):
        raise complain(
            path, line, f"audience at {destination} is no mapping", f"write `{destination}: {{{rule.key}: name}}`"
        )
    for option in raw:
        if option not in (rule.key, *rule.options, *EVERYWHERE):
            raise complain(
                path,
                raw.line_of(option),
                f"unknown option {option!r} of {destination}",
                f"use {', '.join((rule.key, *rule.options, *EVERYWHERE))}",
            )
    if not isinstance(raw.get(rule.key), str) or not raw[rule.key].strip():
        raise complain(path, raw.line, f"audience at {destination} has no {rule.key!r}", f"add `{rule.key}: name`")
    if purpose not in (None, needed):
        raise complain(
            path,
            raw.line,
            f"{destination} needs consent for {needed}, the segment's purpose is {purpose}",
            "change purpose or the destination",
        )
    if "first_load" in raw:
        _check_first_load(destination, raw, path)
    if "nulls" in raw:
        _check_nulls(destination, raw, path)
    key, line = raw[rule.key], raw.line_of("control")
    control = read_control(raw["control"], f"{destination} {key}", line, path) if "control" in raw else None
    options = {option: value for option, value in raw.items() if option != "control"}
    return Audience(destination, key, needed, options, raw.line, control)


def _check_first_load(destination: str, raw: Located, path: Path) -> None:
    line = raw.line_of("first_load")
    if raw["first_load"] != "quiet":
        raise complain(path, line, f"first_load {raw['first_load']!r} is not known", "write `first_load: quiet`")
    if (reason := why_not(destination)) is not None:
        raise complain(path, line, f"{destination} cannot be loaded quietly: {reason}", "take first_load out")


def _check_nulls(destination: str, raw: Located, path: Path) -> None:
    wrong = wrong_policy(raw["nulls"], DESTINATIONS[destination].fields)
    if wrong is not None:
        raise complain(path, raw.line_of("nulls"), wrong, "write `nulls: {field: clear}`; a field not named is skipped")


def read_audiences(head: Located, path: Path) -> tuple[Audience, ...]:
    """The audiences a segment feeds: per destination one mapping of options, or a list of them.

    :raises ConfigError: an unknown destination or option, no name, or a purpose the destination does not serve.
    """
    found = _section(head, "audiences", path)
    audiences: list[Audience] = []
    for destination, raw in found.items():
        line = found.line_of(destination)
        if destination not in NAMING:
            raise complain(path, line, f"unknown destination {destination!r}", f"use one of {', '.join(NAMING)}")
        for each in raw if isinstance(raw, list) else [raw]:
            audiences.append(_read_audience(destination, each, line, head.get("purpose"), path))
    keys = [(audience.destination, audience.key.casefold()) for audience in audiences]
    for audience, key in zip(audiences, keys, strict=True):
        if keys.count(key) > 1:
            raise complain(path, audience.line, f"audience {audience.key!r} stands twice", "keep one")
    return tuple(audiences)

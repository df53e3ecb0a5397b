"""Control groups as files say them: ``control: 10%``, or a mapping with a share and a salt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.segments.front_matter import Located, complain

FIRST_SALT = "1"
FORM = 'write `control: 10%`, or `control: {share: 10%, salt: "2"}`'


@dataclass(frozen=True)
class Control:
    """A group of people who get nothing, drawn by the salted hash of the person id.

    :param experiment: its name in the assignment log; ``global``, or destination and audience.
    :param share: 0 to 1.
    :param salt: with the same salt a larger share keeps everybody of a smaller one in the group.
    """

    experiment: str
    share: float
    salt: str = FIRST_SALT


def read_control(raw: Any, experiment: str, line: int, path: Path) -> Control | None:
    """The group that a file asks for; None when its share is nothing.

    :raises ConfigError: no share from 0 to 100 percent, or an unknown key.
    """
    salt: Any = FIRST_SALT
    if isinstance(raw, Located):
        for key in raw:
            if key not in ("share", "salt"):
                raise complain(path, raw.line_of(key), f"unknown key {key!r}", "use share and salt")
        if "share" not in raw:
            raise complain(path, raw.line, "the control group has no share", FORM)
        line, salt, raw = raw.line_of("share"), raw.get("salt", FIRST_SALT), raw["share"]
    if isinstance(salt, bool) or not isinstance(salt, str | int) or not str(salt).strip():
        raise complain(path, line, "the salt is no text", 'write `salt: "2"`')
    share = _share(raw)
    if share is None:
        raise complain(path, line, f"{str(raw)[:20]!r} is no share of people", FORM)
    return Control(experiment, share, str(salt)) if share else None


def _share(raw: Any) -> float | None:
    """``10%`` or ``0.1``; a bare number above 1 would be a guess and is refused."""
    try:
        if isinstance(raw, str) and raw.strip().endswith("%"):
            share = float(raw.strip()[:-1]) / 100
        elif isinstance(raw, int | float) and not isinstance(raw, bool):
            share = float(raw)
        else:
            return None
    except ValueError:
        return None
    return share if 0 <= share < 1 else None

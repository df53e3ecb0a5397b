"""SHA-256 as the ads platforms take it, and the traps around it: empty values, values hashed already, mixtures."""

import hashlib
import re
from typing import Literal

from include.errors import RejectedRow

_HASHED = re.compile(r"^[0-9a-f]{64}$", re.IGNORECASE)


def is_hashed(value: str) -> bool:
    """Whether the value looks like a SHA-256 in hex, in either case."""
    return _HASHED.match(value.strip()) is not None


def sha256_hex(normal_form: str, *, kind: Literal["raw", "hashed"] = "raw") -> str:
    """The value as it goes over the wire: 64 lower-case hex digits.

    :param normal_form: the value in the platform's normal form.
    :param kind: what its column is declared to hold; a hashed one passes through, in lower case.
    :raises RejectedRow: the value is empty, or is not of the declared kind: hashed twice it would match nobody,
        sent raw it would be a leak.
    """
    if not normal_form.strip():
        raise RejectedRow("an empty value is never hashed", code="empty_value")
    if is_hashed(normal_form) != (kind == "hashed"):
        raise RejectedRow(f"the column is declared {kind} and the value is not", code=f"not_{kind}")
    if kind == "hashed":
        return normal_form.strip().lower()
    return hashlib.sha256(normal_form.encode()).hexdigest()

"""What a source's credentials are worth, asked before the night: one file a source, ``check(client) -> Checked``.

Reading calls only. ``client`` is what the source's pages are read with. Refused credentials are raised by the call
itself; what a run needs and does not have is a sentence in ``missing``, with its mend.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from include.destinations.base import Checked


def check_of(source: str) -> Callable[[Any], Checked] | None:
    """The check of a source; None: it has none."""
    name = f"{__name__}.{source}"
    return import_module(name).check if find_spec(name) else None

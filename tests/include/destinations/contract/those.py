"""Cases that only hold for some platforms: the others are not collected, so nothing is skipped in silence."""

import pytest

from tests.include.destinations.contract.adapters import ADAPTERS


def those_with(*facts: str) -> pytest.MarkDecorator:
    """Only platforms whose adapter says yes to each of these."""
    names = [name for name, adapter in sorted(ADAPTERS.items()) if all(getattr(adapter, fact) for fact in facts)]
    return pytest.mark.parametrize("stage", names, indirect=True)

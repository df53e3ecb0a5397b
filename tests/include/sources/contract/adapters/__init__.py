"""One module a source; every subclass of ``Adapter`` there that names a stream is that stream's adapter."""

import importlib
import pkgutil

from tests.include.sources.contract.adapter import Adapter

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
ADAPTERS: dict[str, type[Adapter]] = {
    found.stream: found
    for module in _MODULES
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, Adapter) and "stream" in vars(found)
}

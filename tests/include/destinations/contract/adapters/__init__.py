"""One module a destination, named as it is, with the class ``ADAPTER``. Nothing else registers a destination here."""

import importlib
import pkgutil

from tests.include.destinations.contract.adapter import Adapter

ADAPTERS: dict[str, type[Adapter]] = {
    module.name: importlib.import_module(f"{__name__}.{module.name}").ADAPTER
    for module in pkgutil.iter_modules(__path__)
}

"""Where adapters are found: ours by scanning app/adapters, strangers' by the entry point group `hub.adapters`.

An adapter is imported when a connection first needs it. A name that two adapters claim stops the start.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from app import adapters
from app.infra.remote.spec import AdapterSpec
from app.kernel.errors import NotFound

GROUP = "hub.adapters"


@cache
def _places() -> dict[str, EntryPoint | None]:
    found: dict[str, EntryPoint | None] = {module.name: None for module in pkgutil.iter_modules(adapters.__path__)}
    for point in entry_points(group=GROUP):
        if point.name in found:
            raise RuntimeError(f"two adapters are called {point.name!r}; uninstall one of them")
        found[point.name] = point
    return found


def names() -> tuple[str, ...]:
    """Every adapter there is, by name."""
    return tuple(sorted(_places()))


@cache
def adapter(name: str) -> AdapterSpec:
    """The adapter of that name. Raises NotFound(`adapters.unknown`)."""
    if name not in _places():
        raise NotFound("adapters.unknown", f"there is no adapter {name!r}; there are {', '.join(names())}", about=name)
    point = _places()[name]
    if point is not None:
        return cast(AdapterSpec, point.load())
    return cast(AdapterSpec, importlib.import_module(f"{adapters.__name__}.{name}").SPEC)

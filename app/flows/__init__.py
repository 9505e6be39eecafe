"""Stories that cross domains and systems, each told in one file."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every flow, so that its steps are declared: every process that publishes does this first."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")

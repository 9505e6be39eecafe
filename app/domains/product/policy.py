"""Rules of the catalogue that are no form: lives, base units, what a bundle may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domains.product.lifecycle import PRODUCT, Status
from app.kernel.errors import Refused

BUNDLE_DEPTH = 2  # a bundle may hold bundles, and those single items only: what a picker can still lay out by hand
_TRIGGERS = {Status.ACTIVE: "activate", Status.RETIRED: "retire", Status.DRAFT: "redraft"}
STATUSES = frozenset(status.value for status in Status)


def may_become(was: str, wanted: str) -> bool:
    """Whether a product or variant may go from one status to another: what was offered is retired, no draft again."""
    try:
        PRODUCT.step(Status(was), _TRIGGERS[Status(wanted)])
    except Refused:
        return False
    return True


def keeps_retired(was: str, wanted: str, *, told_by: str, source: str, decided: bool) -> bool:
    """Whether something retired stays so, since another source or a person retired it and nobody decided anew."""
    return was == Status.RETIRED and wanted != Status.RETIRED and not decided and told_by not in ("", source)


def cycle_in(bundle: str, holds: Mapping[str, Sequence[str]]) -> list[str]:
    """The way from a bundle through its components back to it; empty without one."""
    path: list[str] = []
    done: set[str] = set()

    def walk(sku: str) -> bool:
        if sku in done:
            return False
        path.append(sku)
        for component in holds.get(sku, ()):
            if component == bundle or (component not in path and walk(component)):
                return True
        path.pop()
        done.add(sku)
        return False

    return [*path, bundle] if walk(bundle) else []


def depth_of(sku: str, holds: Mapping[str, Sequence[str]]) -> int:
    """How many bundles lie in one another, 0 for a single item. `holds` has no cycle below `sku`."""
    components = holds.get(sku, ())
    return 1 + max(depth_of(component, holds) for component in components) if components else 0

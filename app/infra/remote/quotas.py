"""What an adapter says about a vendor's limits, as data, and what the vendor's answers say about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.kernel.errors import Invalid

DAY = 86400.0


class QuotaKind(StrEnum):
    """How a vendor counts."""

    LEAKY_BUCKET = "leaky_bucket"  # `limit` requests at once; a full bucket runs empty within `window`
    FIXED_WINDOW = "fixed_window"  # `limit` requests in each window; all windows begin at the same instant
    SLIDING_WINDOW = "sliding_window"  # `limit` requests in any stretch of `window`
    CONCURRENCY = "concurrency"  # `limit` requests under way
    DAILY = "daily"  # `limit` requests a day, which begins at midnight UTC unless an answer says otherwise
    GRAPHQL_COST = "graphql_cost"  # `limit` points, restored within `window`; a document costs what its answer says


# The share of every quota that only what is more urgent may use. Orders may use all of it.
RESERVED: Mapping[str, float] = {"orders": 0.0, "inventory": 0.1, "finance": 0.15, "catalogue": 0.2, "bulk": 0.3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One limit of a vendor. `window` is in seconds; `weight` is what a request takes until an answer says more."""

    name: str
    kind: QuotaKind
    limit: float
    window: float = 1.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        if wrong := list(_wrong(f"quotas.{self.name}", self.kind, self.limit, self.window, self.weight)):
            raise refused(wrong)

    @property
    def per_second(self) -> float:
        """What it lets through in the long run; without an end for calls at once."""
        return float("inf") if self.kind is QuotaKind.CONCURRENCY else self.limit / self.window


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an answer says about a quota; None is what it does not say. All amounts in the quota's own unit.

    `available` is what is left, `limit` the most there can be, `restored` what comes back each second, `resets` the
    seconds until a window begins anew, `asked` what this request had to be let in with, `cost` what it took in the end.
    """

    quota: str
    available: float | None = None
    limit: float | None = None
    restored: float | None = None
    resets: float | None = None
    asked: float | None = None
    cost: float | None = None


def quotas_of(declared: Iterable[Quota], overrides: Mapping[str, Any] | None) -> tuple[Quota, ...]:
    """The quotas in force: the adapter's, changed, lifted (null) or added to by a connection's own settings.

    Raises Invalid(`connections.settings`), which names field, rule and fix of everything that does not hold.
    """
    found = {quota.name: quota for quota in declared}
    wrong: list[dict[str, str]] = []
    for name, given in (overrides or {}).items():
        field = f"quotas.{name}"
        if given is None:
            found.pop(name, None)
        elif not isinstance(given, Mapping):
            wrong.append(_error(field, "is no quota", 'give {"kind": …, "limit": …, "window": …}, or null to lift it'))
        elif errors := _unfit(field, given, found.get(name)):
            wrong += errors
        else:
            found[name] = _made(name, given, found.get(name))
    if wrong:
        raise refused(wrong)
    return tuple(found.values())


def refused(wrong: list[dict[str, str]]) -> Invalid:
    said = "; ".join(f"{error['field']} {error['rule']}: {error['fix']}" for error in wrong)
    return Invalid("connections.settings", f"these settings do not hold: {said}", errors=wrong)


def _made(name: str, given: Mapping[str, Any], before: Quota | None) -> Quota:
    if before is None:
        kind = QuotaKind(given["kind"])
        window = given.get("window", DAY if kind is QuotaKind.DAILY else 1.0)
        return Quota(name=name, kind=kind, limit=given["limit"], window=window, weight=given.get("weight", 1.0))
    kind = QuotaKind(given.get("kind", before.kind))
    return replace(before, kind=kind, **{word: given[word] for word in ("limit", "window", "weight") if word in given})


def _unfit(field: str, given: Mapping[str, Any], before: Quota | None) -> list[dict[str, str]]:
    known = ("kind", "limit", "window", "weight")
    wrong = [
        _error(f"{field}.{word}", "is unknown", f"use {', '.join(known)}") for word in sorted(given.keys() - set(known))
    ]
    if before is None:
        missing = [word for word in ("kind", "limit") if word not in given]
        wrong += [
            _error(f"{field}.{word}", "is missing", "a quota of your own needs kind and limit") for word in missing
        ]
        if missing:
            return wrong
    kind, limit = given.get("kind", before and before.kind), given.get("limit", before and before.limit)
    return [*wrong, *_wrong(field, kind, limit, given.get("window", 1.0), given.get("weight", 1.0))]


def _wrong(field: str, kind: Any, limit: Any, window: Any, weight: Any) -> Iterable[dict[str, str]]:
    if kind not in tuple(QuotaKind):
        yield _error(f"{field}.kind", f"is unknown: {kind!r}", f"use one of {', '.join(QuotaKind)}")
    for word, value in (("limit", limit), ("window", window), ("weight", weight)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            yield _error(f"{field}.{word}", f"is no number above 0: {value!r}", "give a number above 0")


def _error(field: str, rule: str, fix: str) -> dict[str, str]:
    return {"field": field, "rule": rule, "fix": fix}

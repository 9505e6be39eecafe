"""A batch on its way into the tables: what of it is known, what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.domains.product.canonical import Group
from app.domains.product.service.columns import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a product was left as it was: `n` is its place in the batch, `field` what is wrong, `said` how to mend it."""

    n: int
    key: str  # product code or SKU
    code: str
    field: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A product that is there, as it stands under its lock."""

    code: str
    company: str
    status: str
    status_by: str  # who told its status
    units_told: bool


@dataclass(slots=True)
class Batch:
    """`product_ids`, `variant_ids` and `homes` (the product that a SKU lay under) are '' for what is not known."""

    columns: Columns
    source: str
    decided: bool
    speaks_for: str = ""
    product_ids: list[str] = field(default_factory=list)
    variant_ids: list[str] = field(default_factory=list)
    homes: list[str] = field(default_factory=list)
    fresh: set[int] = field(default_factory=set)  # products that are to be made; their ids are given already
    locked: dict[str, Locked] = field(default_factory=dict)
    problems: dict[int, Problem] = field(default_factory=dict)  # by product
    changed: dict[str, set[Group]] = field(default_factory=dict)  # by id of a product that was there
    own: dict[int, set[Group]] = field(default_factory=dict)  # what differs, by product that was there
    differ: dict[int, set[Group]] = field(default_factory=dict)  # what differs, by variant that was there

    def company(self, v: int) -> str:
        return self.columns.companies[self.columns.owners[v]]

    def refuse(self, n: int, code: str, field_: str, said: str, *, sku: str = "") -> None:
        """Leave a product out; the first thing that is wrong with it is told."""
        self.problems.setdefault(n, Problem(n=n, key=sku or self.columns.codes[n], code=code, field=field_, said=said))

    def good_products(self) -> list[int]:
        return [n for n in range(len(self.columns.codes)) if n not in self.problems]

    def good_variants(self) -> list[int]:
        return [v for v, owner in enumerate(self.columns.owners) if owner not in self.problems]

    def home(self, v: int) -> str:
        """The product that a SKU will lie under."""
        owner = self.columns.owners[v]
        return self.product_ids[owner] if self.columns.placing or not self.homes[v] else self.homes[v]

    def settle(self) -> None:
        """Note what differs of the products that are good, once all are judged."""
        for n, groups in self.own.items():
            if n not in self.problems:
                self.note(self.product_ids[n], groups)
        for v, groups in self.differ.items():
            if self.columns.owners[v] not in self.problems:
                self.note(self.homes[v], groups)
                if (home := self.home(v)) in self.locked:
                    self.note(home, groups)

    def note(self, product_id: str, groups: Iterable[str]) -> None:
        self.changed.setdefault(product_id, set()).update(Group(group) for group in groups)

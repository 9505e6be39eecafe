"""Cut-over reports for reading: order by order, field by field, with their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.domains.orders.models.cut_over import CutOver
from app.domains.orders.ports import ErpOrder
from app.infra.uow import UnitOfWork
from app.kernel import codec
from app.kernel.errors import NotFound

EQUAL, DIFFERENT, ONLY_OLD, ONLY_NEW, NEITHER, FAILED, ASKED = (
    "equal", "different", "only old", "only new", "neither", "failed", "asked",
)  # fmt: skip
THERE = ("held", "would")
NOT_COUNTED = ("number",)  # each ERP numbers by itself: shown, and no difference

VIEWS = """
SELECT o.order_id::text, o.name, o.key, o.state, o.view, o.said, n.state, n.view, n.said
  FROM orders.cut_over_view o
  JOIN orders.cut_over_view n ON n.cut_over_id = o.cut_over_id AND n.order_id = o.order_id AND n.erp = %(new)s
 WHERE o.cut_over_id = %(id)s AND o.erp = %(old)s ORDER BY o.order_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One field of an order on both sides; None where a side has no such field."""

    field: str
    old: str | None
    new: str | None

    @property
    def differs(self) -> bool:
        return self.old != self.new and self.field not in NOT_COUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One order: how each side has it (asked, held, would, missing, failed) and what came of the comparison."""

    order_id: str
    name: str
    key: str
    old: str
    new: str
    verdict: str
    cells: tuple[Cell, ...] = ()
    said: str = ""

    @property
    def differences(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.differs) if self.verdict == DIFFERENT else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as far as both ERPs have answered."""

    cut_over: CutOver
    orders: tuple[Compared, ...]
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def is_done(self) -> bool:
        return not self.counts[ASKED]


def cut_overs(uow: UnitOfWork, most: int = 50) -> list[CutOver]:
    """The newest reports."""
    return list(uow.session.scalars(select(CutOver).order_by(CutOver.id.desc()).limit(most)))


def report(uow: UnitOfWork, cut_over_id: str) -> Report:
    """One report. Raises NotFound (`cut_over.unknown`)."""
    row = uow.session.get(CutOver, cut_over_id)
    if row is None:
        raise NotFound("cut_over.unknown", f"there is no cut-over report {cut_over_id}", about=cut_over_id)
    views = uow.sql(VIEWS, {"id": cut_over_id, "old": row.old, "new": row.new})
    orders = tuple(_compared(*view) for view in views)
    return Report(cut_over=row, orders=orders, counts=Counter(one.verdict for one in orders))


def _compared(
    order_id: str, name: str, key: str, old: str, old_view: Any, old_said: str, new: str, new_view: Any, new_said: str
) -> Compared:
    cells: tuple[Cell, ...] = ()
    if ASKED in (old, new):
        verdict = ASKED
    elif FAILED in (old, new):
        verdict = FAILED
    elif old in THERE and new in THERE:
        cells = compare(codec.load(ErpOrder, old_view), codec.load(ErpOrder, new_view), both_held=old == new == "held")
        verdict = DIFFERENT if any(cell.differs for cell in cells) else EQUAL
    else:
        verdict = ONLY_OLD if old in THERE else ONLY_NEW if new in THERE else NEITHER
    said = "; ".join(text for text in (old_said, new_said) if text)
    return Compared(order_id=order_id, name=name, key=key, old=old, new=new, verdict=verdict, cells=cells, said=said)


def compare(old: ErpOrder, new: ErpOrder, *, both_held: bool) -> tuple[Cell, ...]:
    """Two ERPs' views of one order, field by field. The status counts only where both hold a document."""
    cells = [
        Cell(field="number", old=old.number, new=new.number),
        Cell(field="reference", old=old.reference, new=new.reference),
        Cell(field="customer", old=old.customer, new=new.customer),
        Cell(field="currency", old=old.total.currency, new=new.total.currency),
        Cell(field="total", old=old.total.text, new=new.total.text),
        Cell(field="tax", old=old.tax.text, new=new.tax.text),
    ]
    if both_held:
        cells.append(Cell(field="status", old=old.status, new=new.status))
    return tuple(cells + _lines(old, new))


def _lines(old: ErpOrder, new: ErpOrder) -> list[Cell]:
    left, right = _fields(old), _fields(new)
    return [
        Cell(field=f"line {sequence} {name}", old=left.get((sequence, name)), new=right.get((sequence, name)))
        for sequence, name in sorted(left.keys() | right.keys())
    ]


def _fields(order: ErpOrder) -> dict[tuple[int, str], str]:
    found: dict[tuple[int, str], str] = {}
    for line in order.lines:
        found[line.sequence, "item"] = line.item
        found[line.sequence, "quantity"] = f"{line.quantity.normalize():f}"
        found[line.sequence, "unit price"] = f"{line.unit_price.normalize():f}"
        found[line.sequence, "amount"] = line.amount.text
    return found


FORMULA = ("=", "+", "@", "\t")  # what a spreadsheet would reckon with; a customer may have written it
HEADINGS = ("order", "key", "verdict", "old", "new", "field", "old value", "new value", "differs", "remark")


def table(found: Report) -> Sequence[Sequence[str]]:
    """The report as rows of a table: one for each field of each order, one alone where there is nothing to compare."""
    rows: list[Sequence[str]] = [HEADINGS]
    for one in found.orders:
        head = (one.name, one.key, one.verdict, one.old, one.new)
        rows += [
            (*head, cell.field, cell.old or "", cell.new or "", "yes" if cell.differs else "", one.said)
            for cell in one.cells
        ] or [(*head, "", "", "", "", one.said)]
    return [[f"'{text}" if text.startswith(FORMULA) else text for text in row] for row in rows]

"""Counts from a sheet: what a source says lies at its locations, as snapshots, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from app.domains.inventory.canonical import Reports, Snapshot, require_place
from app.domains.inventory.service.counting import Factors, count_many, factor_of, factors_of
from app.domains.inventory.service.owning import not_the_owner, note_refused, owners_of
from app.infra.sheets.layout import Column, Layout
from app.infra.sheets.staging import Fault, Imported, Sheet
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError, Invalid
from app.kernel.written import instant_of, number_of

AT_ONCE = 1000  # levels counted by the same few statements
MOST_SEQUENCE = 2**63 - 1
LAYOUT = Layout(
    kind="stock",
    title="Stock",
    counted="Levels",
    table="inventory.sheet_line",
    keys="sheet_id, sku, location",
    columns=(
        Column(name="sku", said="The SKU that was counted.", required=True),
        Column(name="location", said="Where it lies. A sheet names each SKU once at a location.", required=True),
        Column(name="quantity", said="What lies there, 0 or more.", required=True, number=True),
        Column(name="unit", said="Of the quantity, such as box; empty: the unit that stock is counted in."),
        Column(
            name="as_of", said="When it was counted: 2026-11-27T06:00, UTC unless it names an offset.", required=True,
            moment=True,
        ),
        Column(name="sequence", said="The source's own counter; empty where it has none."),
        Column(name="reports", said="physical: goods that are there; available: not ordered either. Else physical."),
    ),
)  # fmt: skip
LINES = """
SELECT line, coalesce(sku, ''), coalesce(location, ''), coalesce(quantity, ''), coalesce(unit, ''),
       coalesce(as_of, ''), coalesce(sequence, ''), coalesce(reports, '')
  FROM inventory.sheet_line WHERE sheet_id = %(sheet)s ORDER BY sku, location, line
"""
COUNTED = """
SELECT s.sku, s.location FROM unnest(%(skus)s::text[], %(locations)s::text[]) g(sku, location)
  JOIN inventory.stock_level s ON s.sku = g.sku AND s.location = g.location WHERE s.as_of IS NOT NULL
"""
# The cell that most likely is what a judged figure suffers from.
FIELDS = {
    "inventory.older_snapshot": "as_of", "inventory.from_the_future": "as_of", "inventory.not_the_source": "location",
    "inventory.not_the_owner": "location", "inventory.no_place": "location",
}  # fmt: skip
Cell = TypeVar("Cell")


@dataclass(slots=True)
class Line:
    """The cells of one line as they are written, and what is wrong in them."""

    line: int
    cells: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    def read(self, name: str, reading: Callable[[str], Cell]) -> Cell | None:
        """What a cell means; None where it is wrong."""
        try:
            return reading(self.cells[name])
        except HubError as wrong:
            self.fault(name, wrong)
            return None

    def fault(self, name: str, wrong: HubError) -> None:
        value = self.cells[name]
        self.faults.append(Fault(line=self.line, field=name, code=wrong.code, said=wrong.message, value=value))


def check_sheet(uow: UnitOfWork, sheet: Sheet) -> Iterator[Fault]:
    """What is wrong in the staged lines of a sheet; what a location's owner alone may say is kept as refused."""
    met: dict[tuple[str, str], int] = {}
    for lines in _parts(uow, sheet):
        right = _snapshots(uow, sheet, lines)
        owners = owners_of(uow, [snapshot for _, snapshot in right])
        foreign = []
        for line, snapshot in right:
            if (other := met.setdefault((snapshot.sku, snapshot.location), line.line)) != line.line:
                line.fault("sku", _twice(snapshot, other))
            elif (wrong := not_the_owner(snapshot, owners)) is not None:
                line.fault("location", wrong)
                foreign.append(snapshot)
        note_refused(uow, foreign, owners)
        for line in lines:
            yield from line.faults


def apply_sheet(uow: UnitOfWork, sheet: Sheet) -> Imported:
    """Take the staged figures, in the order of their SKUs; those that cannot be taken are the faults.

    A figure that is older than the level's, or of a level that another source counts, is one of them.
    """
    done = Imported()
    for lines in _parts(uow, sheet):
        right = _snapshots(uow, sheet, lines)
        snapshots = [snapshot for _, snapshot in right]
        places = {"skus": [one.sku for one in snapshots], "locations": [one.location for one in snapshots]}
        known = {(sku, location) for sku, location in uow.sql(COUNTED, places)}
        for (line, snapshot), counted in zip(right, count_many(uow, snapshots), strict=True):
            if counted.error is not None:
                line.fault(FIELDS.get(counted.error.code, "quantity"), counted.error)
            elif not counted.news:
                done.unchanged += 1
            elif (snapshot.sku, snapshot.location) in known:
                done.changed += 1
            else:
                done.created += 1
        done.faults += [fault for line in lines for fault in line.faults]
    return done


def _parts(uow: UnitOfWork, sheet: Sheet) -> Iterator[list[Line]]:
    """The lines in the order of their SKUs, so that whoever counts two sheets at once holds SKUs in one order."""
    names = ("sku", "location", "quantity", "unit", "as_of", "sequence", "reports")
    found = uow.sql(LINES, {"sheet": sheet.id})
    while rows := found.fetchmany(AT_ONCE):
        yield [
            Line(line=line, cells={name: cell.strip() for name, cell in zip(names, cells, strict=True)})
            for line, *cells in rows
        ]


def _snapshots(uow: UnitOfWork, sheet: Sheet, lines: Sequence[Line]) -> list[tuple[Line, Snapshot]]:
    """The figures of the lines that are right; the others have their faults then."""
    factors = factors_of(uow, {line.cells["sku"] for line in lines if line.cells["unit"]})
    found = []
    for line in lines:
        snapshot = _snapshot(line, sheet.source, factors)
        if snapshot is not None:
            found.append((line, snapshot))
    return found


def _snapshot(line: Line, source: str, factors: Factors) -> Snapshot | None:
    sku, location = line.cells["sku"], line.cells["location"]
    placed = line.read("location" if sku else "sku", lambda _: _place(sku, location))
    quantity = line.read("quantity", _quantity)
    factor = line.read("unit", lambda unit: factor_of(sku, unit, factors))
    as_of = line.read("as_of", _instant)
    sequence = line.read("sequence", _sequence)
    reports = line.read("reports", _reports)
    if placed is None or quantity is None or factor is None or as_of is None or sequence is None or reports is None:
        return None
    return line.read(
        "quantity",
        lambda _: Snapshot(
            source=source, sku=sku, location=location, on_hand=quantity * factor, as_of=as_of, sequence=sequence,
            reports=reports,
        ),
    )  # fmt: skip


def _place(sku: str, location: str) -> tuple[str, str]:
    require_place(sku, location)
    return sku, location


def _quantity(written: str) -> Decimal:
    quantity = number_of(written, "quantity", "inventory.not_exact")
    if quantity < 0:
        raise Invalid("inventory.negative", f"quantity is {written}: a count finds 0 or more")
    return quantity


def _instant(written: str) -> datetime:
    return instant_of(written, "as_of", "inventory.naive_time").astimezone(UTC)


def _sequence(written: str) -> int:
    if not written:
        return 0
    if not written.isascii() or not written.isdigit() or int(written) > MOST_SEQUENCE:
        raise Invalid("inventory.not_exact", f"sequence is {written!r}: give the source's counter, a whole number")
    return int(written)


def _reports(written: str) -> Reports:
    try:
        return Reports(written or Reports.PHYSICAL)
    except ValueError as wrong:
        raise Invalid("inventory.unknown_report", f"reports is {written!r}: give physical or available") from wrong


def _twice(snapshot: Snapshot, other: int) -> Invalid:
    said = f"{snapshot.sku} at {snapshot.location} is in line {other} too: a sheet names each level once"
    return Invalid("inventory.counted_twice", said)

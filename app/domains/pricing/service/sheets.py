"""Prices from a sheet: of every SKU that it names in a list, all the prices that the SKU has there.

A SKU is taken in whole or not at all: where one of its lines is wrong, none of them counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby, islice
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.domains.pricing.canonical.prices import Price
from app.domains.pricing.policy.periods import begins, broken, ends, zone_of
from app.domains.pricing.queries.lists import KeptList, price_list
from app.domains.pricing.service.lists import keep_prices
from app.infra.foreign import Foreign, note_foreign
from app.infra.ownership import foreign_groups
from app.infra.sheets.layout import Column, Layout
from app.infra.sheets.staging import Fault, Imported, Sheet
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError, Invalid, NotFound
from app.kernel.money import UnitPrice
from app.kernel.written import number_of

PRICE = "pricing.price"  # the code of what is no price
ENTITY = "price"  # its groups of fields are price lists
SKUS_AT_ONCE = 5000
LAYOUT = Layout(
    kind="prices",
    title="Prices",
    counted="SKUs in a list",
    table="pricing.sheet_line",
    keys="sheet_id, list, sku",
    columns=(
        Column(name="list", said="The code of the price list.", required=True),
        Column(name="sku", said="The SKU. A sheet has all its prices in the list: others go.", required=True),
        Column(name="unit", said="Of what the price is, such as box; empty: the base unit."),
        Column(name="min_quantity", said="From how many on; 1 where nothing is said.", number=True),
        Column(name="price", said="Of one unit, in the list's currency, to six decimals.", required=True, number=True),
        Column(
            name="from", said="The day or minute it begins in the list's zone: 2026-11-27, or 2026-11-27T09:00.",
            required=True, moment=True,
        ),
        Column(
            name="until", said="With a day its end, with a minute its beginning; empty: until the next, or for good.",
            moment=True,
        ),
    ),
)  # fmt: skip
LINES = """
SELECT line, list, sku, coalesce(unit, ''), coalesce(min_quantity, '1'), coalesce(price, ''), coalesce("from", ''),
       coalesce(until, '')
  FROM pricing.sheet_line WHERE sheet_id = %(sheet)s ORDER BY list NULLS FIRST, sku NULLS FIRST, line
"""
HOLDING = """
SELECT sku, unit, min(min_quantity) FROM pricing.price
 WHERE list_id = %(list)s::uuid AND sku = ANY(%(skus)s::text[]) AND from_at <= %(now)s
   AND (until_at IS NULL OR until_at > %(now)s) GROUP BY sku, unit
"""
PRICED = "SELECT DISTINCT sku FROM pricing.price WHERE list_id = %(list)s::uuid AND sku = ANY(%(skus)s::text[])"
FIELDS = {"amount": "price"}  # what a price calls a field that the sheet calls otherwise

Names = Mapping[str, Sequence[str]]  # SKU → its units, the base unit first
Units = Callable[[UnitOfWork, Collection[str], str], Names]
Cell = TypeVar("Cell")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The cells of one line as they are written."""

    line: int
    code: str
    sku: str
    unit: str
    min_quantity: str
    price: str
    begins: str
    ends: str

    def cell(self, name: str) -> str:
        """What is written in a column."""
        named = {"list": self.code, "from": self.begins, "until": self.ends}
        return named[name] if name in named else str(getattr(self, name, ""))


@dataclass(slots=True)
class Cells:
    """Reads the cells of a line one after the other and keeps what is wrong in each."""

    line: Line
    faults: list[Fault] = field(default_factory=list)

    def read(self, name: str, reading: Callable[[], Cell]) -> Cell | None:
        """What a cell means; None where it is wrong. Without a name the rule's words begin with it."""
        try:
            return reading()
        except HubError as wrong:
            told, said = _words(wrong)
            name = name or FIELDS.get(told, told)
            self.faults.append(_fault(self.line, name, wrong.code, said, self.line.cell(name)))
            return None


@dataclass(slots=True)
class Read:
    """What lines of a list mean: the prices of each line that is right, and what is wrong in the others."""

    prices: list[tuple[Line, Price]]
    faults: list[Fault]


def check_sheet(uow: UnitOfWork, sheet: Sheet, *, units: Units) -> Iterator[Fault]:
    """What is wrong in the staged lines of a sheet; `units` gives the units that the catalogue knows."""
    for code, lines in groupby(_lines(uow, sheet), key=lambda line: line.code):
        try:
            kept = price_list(uow, code)
        except NotFound as wrong:
            said = "the line names no price list" if not code else f"{wrong.message}: make it first, or mend its code"
            yield from (_fault(line, "list", wrong.code, said, line.code) for line in lines)
            continue
        foreign = _foreign(uow, sheet, kept)
        for some in _by_sku(lines):
            faults = [_fault(line, "list", "pricing.not_the_owner", foreign) for line in some] if foreign else []
            yield from faults or _with_their_skus(some, _faults_of(uow, kept, some, units))


def apply_sheet(uow: UnitOfWork, sheet: Sheet, *, units: Units) -> Imported:
    """Give the SKUs of the staged lines their prices, in place of all they had in the list."""
    done = Imported()
    for code, lines in groupby(_lines(uow, sheet), key=lambda line: line.code):
        kept = price_list(uow, code, lock=True)
        for some in _by_sku(lines):
            read = _read(kept, some, _names(uow, kept, some, units))
            done.faults += read.faults
            skus = sorted({line.sku for line in some})
            before = {row[0] for row in uow.sql(PRICED, {"list": kept.list_id, "skus": skus})}
            changed = keep_prices(uow, code, [price for _, price in read.prices], sheet.who)
            fresh = [sku for sku in changed if sku not in before]
            done.created += len(fresh)
            done.changed += len(changed) - len(fresh)
            done.unchanged += len(skus) - len(changed)
    return done


def _lines(uow: UnitOfWork, sheet: Sheet) -> Iterator[Line]:
    for line, code, sku, unit, min_quantity, price, start, end in uow.sql(LINES, {"sheet": sheet.id}).fetchall():
        yield Line(
            line=line, code=(code or "").strip(), sku=(sku or "").strip(), unit=unit.strip(),
            min_quantity=min_quantity.strip(), price=price.strip(), begins=start.strip(), ends=end.strip(),
        )  # fmt: skip


def _by_sku(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines of one list in parts of so many SKUs, each SKU whole."""
    groups = (list(group) for _, group in groupby(lines, key=lambda line: line.sku))
    while some := list(islice(groups, SKUS_AT_ONCE)):
        yield [line for group in some for line in group]


def _foreign(uow: UnitOfWork, sheet: Sheet, kept: KeptList) -> str:
    """Why this sheet may not say the prices of a list, kept as a refused update; '' where it may."""
    company, code = kept.list.scope.company, kept.list.code
    owner = foreign_groups(uow, company, ENTITY, [code], sheet.speaks_for).get(code)
    if owner is None:
        return ""
    told = {"sheet": sheet.id, "handed_in_by": sheet.who}
    update = Foreign(
        company=company, entity=ENTITY, group=code, key=f"price list {code}", source=sheet.speaks_for, owner=owner,
        told=told,
    )  # fmt: skip
    note_foreign(uow, [update])
    return f"the prices of list {code} are {owner.owner}'s: change them there, or name another owner"


def _faults_of(uow: UnitOfWork, kept: KeptList, lines: Sequence[Line], units: Units) -> list[Fault]:
    read = _read(kept, lines, _names(uow, kept, lines, units))
    wrong = {fault.line for fault in read.faults}
    skus = {line.sku for line in lines} - {line.sku for line in lines if line.line in wrong}
    good = [(line, price) for line, price in read.prices if price.sku in skus]
    return [*read.faults, *_out_of_turn(good), *_taken_away(uow, kept, good)]


def _names(uow: UnitOfWork, kept: KeptList, lines: Iterable[Line], units: Units) -> Names:
    return units(uow, {line.sku for line in lines if line.unit}, kept.list.scope.company)


def _read(kept: KeptList, lines: Iterable[Line], names: Names) -> Read:
    found, zone = Read([], []), zone_of(kept.list.zone)
    for line in lines:
        cells = Cells(line)
        price = _price(cells, kept.list.currency, zone, names)
        if price is not None:
            found.prices.append((line, price))
        found.faults += cells.faults
    return found


def _price(cells: Cells, currency: str, zone: ZoneInfo, names: Names) -> Price | None:
    line = cells.line
    sku = cells.read("sku", lambda: _some(line.sku))
    unit = cells.read("unit", lambda: _unit(line, names))
    least = cells.read("min_quantity", lambda: number_of(line.min_quantity, "min_quantity", PRICE))
    amount = cells.read("price", lambda: UnitPrice(number_of(line.price, "price", PRICE, like="189.50"), currency))
    start = cells.read("from", lambda: begins(line.begins, zone))
    end = cells.read("until", lambda: ends(line.ends, zone) if line.ends else None)
    if sku is None or unit is None or least is None or amount is None or start is None or cells.faults:
        return None
    return cells.read(
        "", lambda: Price(sku=sku, unit=unit, min_quantity=least, amount=amount, from_at=start, until_at=end)
    )


def _words(wrong: HubError) -> tuple[str, str]:
    """The field with which a rule's words begin, and the words without it: the error file has a column for it."""
    found = re.match(r"([a-z_]+): ", wrong.message)
    return (found[1], wrong.message[found.end() :]) if found else ("", wrong.message)


def _some(sku: str) -> str:
    if not sku:
        raise Invalid(PRICE, "sku: the line names no SKU")
    return sku


def _unit(line: Line, names: Names) -> str:
    """The unit as prices have it: '' for the base unit. A SKU that the catalogue lacks may have any."""
    known = names.get(line.sku)
    if not line.unit or known is None:
        return line.unit
    if line.unit not in known:
        raise Invalid("pricing.unknown_unit", f"unit: {line.sku} has no unit {line.unit!r}; it has {', '.join(known)}")
    return "" if line.unit == known[0] else line.unit


def _out_of_turn(good: Iterable[tuple[Line, Price]]) -> Iterator[Fault]:
    """Prices that overlap in time, or leave a gap, each named at the later of the two."""
    lives: dict[tuple[str, str, Decimal], list[tuple[Line, Price]]] = {}
    for line, price in good:
        lives.setdefault((price.sku, price.unit, price.min_quantity.normalize()), []).append((line, price))
    for life in lives.values():
        life.sort(key=lambda one: (one[1].from_at, one[0].line))
        for (other, one), (line, after) in zip(life, life[1:], strict=False):
            if (wrong := broken(one, after)) is not None:
                yield _fault(line, "from", wrong.code, f"with line {other.line}: {_words(wrong)[1]}", line.begins)


def _taken_away(uow: UnitOfWork, kept: KeptList, good: Sequence[tuple[Line, Price]]) -> Iterator[Fault]:
    """SKUs that can be bought now and could not be once the sheet's prices stand in place of the list's."""
    now: datetime = uow.hub.clock.now()
    least: dict[tuple[str, str], Decimal] = {}
    first: dict[str, Line] = {}
    for line, price in good:
        first.setdefault(price.sku, line)
        if price.from_at <= now and (price.until_at is None or price.until_at > now):
            place = (price.sku, price.unit)
            least[place] = min(price.min_quantity, least.get(place, price.min_quantity))
    given = {"list": kept.list_id, "skus": sorted(first), "now": now}
    for sku, unit, quantity in uow.sql(HOLDING, given).fetchall():
        if (sku, unit) not in least or least[sku, unit] > quantity:
            what = f"{sku}{f' by the {unit}' if unit else ''} from {quantity.normalize():f}"
            said = (
                f"{what} has a price now and the sheet has none that holds now: add the one until then, since "
                "a sheet has all prices of the SKUs it names"
            )
            yield _fault(first[sku], "from", "pricing.gap_in_time", said, first[sku].begins)


def _with_their_skus(lines: Sequence[Line], faults: Sequence[Fault]) -> Iterator[Fault]:
    """The faults, and one for each other line of their SKUs."""
    yield from faults
    wrong = {fault.line for fault in faults}
    skus = {line.sku: line.line for line in lines if line.line in wrong}
    for line in lines:
        if line.line not in wrong and line.sku in skus:
            said = f"line {skus[line.sku]} of {line.sku} is wrong: a SKU is taken in with all its lines or not at all"
            yield _fault(line, "sku", "pricing.other_line", said, line.sku)


def _fault(line: Line, name: str, code: str, said: str, value: str = "") -> Fault:
    return Fault(line=line.line, field=name, code=code, said=said, value=value)

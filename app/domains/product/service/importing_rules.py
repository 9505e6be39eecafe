"""What is wrong in the staged lines of a product sheet. The statements sort out what is surely right; the rules of the
catalogue read the rest, so that each fault has their words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domains.product.canonical import Component, Image, Unit, read_gtin, unit_of
from app.domains.product.canonical.drafts import check_components, check_weight, read_code
from app.domains.product.canonical.units import check_units
from app.domains.product.policy import STATUSES
from app.domains.product.service.importing_statements import (
    NORMALISE,
    OPTIONS,
    SHARED,
    SUSPECTS,
    TWICE,
    differing_in,
)
from app.infra.sheets.layout import Header
from app.infra.sheets.staging import Fault
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError, Invalid
from app.kernel.quantity import PLACES
from app.kernel.written import number_of

AT_ONCE = 5000  # lines read at once
PARTS = re.compile(r"\s*;\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The cells of one line that have a form; None for an empty one."""

    line: int
    sku: str | None
    product: str | None
    status: str | None
    gtin: str | None
    weight: str | None
    weight_unit: str | None
    unit: str | None
    units: str | None
    components: str | None
    images: str | None


def faults_in(uow: UnitOfWork, sheet_id: str, header: Header) -> Iterator[Fault]:
    """Every fault of the staged lines; codes and GTINs that are right are brought into their own form on the way."""
    yield from _faults_of_lines(uow, sheet_id)
    given = {"sheet": sheet_id}
    for line, sku, first, last in uow.sql(TWICE, given).fetchall():
        other = last if line == first else first
        said = f"SKU {sku} is in line {other} too: a sheet names each SKU once"
        yield Fault(line=line, field="sku", code="product.sku_twice", said=said, value=sku)
    shared = [name for name in SHARED if name in header.fields or (name == "attributes" and header.family("attribute"))]
    if shared and "product" in header.fields:
        yield from _differing(shared, uow.sql(differing_in(shared), given).fetchall())
    if header.family("option"):
        yield from _wrong_options(uow.sql(OPTIONS, given).fetchall())


def _faults_of_lines(uow: UnitOfWork, sheet_id: str) -> Iterator[Fault]:
    found = uow.sql(SUSPECTS, {"sheet": sheet_id})
    while rows := found.fetchmany(AT_ONCE):
        mended: list[Line] = []
        for row in rows:
            line = Line(**dict(zip(Line.__dataclass_fields__, row, strict=True)))
            faults = list(faults_of(line))
            yield from faults
            if not faults and (right := normalised(line)) != line:
                mended.append(right)
        if mended:
            given = {
                "sheet": sheet_id,
                "lines": [one.line for one in mended],
                "skus": [one.sku for one in mended],
                "products": [one.product for one in mended],
                "gtins": [one.gtin for one in mended],
            }
            uow.sql(NORMALISE, given)


def normalised(line: Line) -> Line:
    """A right line with its codes and GTIN in the form in which they are kept."""
    kept = {name: getattr(line, name) for name in Line.__dataclass_fields__}
    kept["sku"] = read_code(line.sku or "", "SKU")
    kept["product"] = read_code(line.product, "product code") if line.product else None
    kept["gtin"] = read_gtin(line.gtin) if line.gtin else None
    return Line(**kept)


def faults_of(line: Line) -> Iterator[Fault]:
    """What is wrong with one line by itself, field by field."""
    checks: Mapping[str, Callable[[], object]] = {
        "sku": lambda: read_code(line.sku or "", "SKU"),
        "product": lambda: line.product and read_code(line.product, "product code"),
        "status": lambda: _check_status(line.status),
        "gtin": lambda: line.gtin and read_gtin(line.gtin),
        "weight": lambda: _check_weight(line),
        "unit": lambda: _check_unit(line.unit),
        "units": lambda: check_units(line.unit or "", units_of(line.units) or ()),
        "components": lambda: check_components(line.sku or "", components_of(line.components) or ()),
        "images": lambda: images_of(line.images),
    }
    for field, check in checks.items():
        try:
            check()
        except HubError as wrong:
            value = str(getattr(line, field) or "")
            yield Fault(line=line.line, field=field, code=wrong.code, said=wrong.message, value=value)


def _check_status(status: str | None) -> None:
    if status is not None and status not in STATUSES:
        raise Invalid("product.unknown_status", f"status is {status!r}: give draft, active or retired")


def _check_unit(unit: str | None) -> None:
    if unit is not None and not unit.strip():
        raise Invalid("product.no_unit", "the base unit is blank: give one such as piece")


def _check_weight(line: Line) -> None:
    if line.weight is not None or line.weight_unit is not None:
        weight = None if line.weight is None else _number(line.weight, "product.weight", "the weight")
        check_weight(weight, line.weight_unit or "")


def _number(written: str, code: str, what: str) -> Decimal:
    number = number_of(written, what, code, like="1.25")
    if number.adjusted() > 9 or -int(number.as_tuple().exponent) > PLACES:
        raise Invalid(code, f"{what} is {written}: give at most nine digits and {PLACES} decimals")
    return number


def units_of(written: str | None) -> tuple[Unit, ...] | None:
    """The units of a cell such as `box=12; pallet=480`. Raises Invalid `product.unit_factor`, `product.no_unit`."""
    if written is None:
        return None
    return tuple(
        unit_of(name, _number(holds, "product.unit_factor", f"what one {name} holds"))
        for name, holds in _pairs(written, "product.unit_factor", "box=12; pallet=480")
    )


def components_of(written: str | None) -> tuple[Component, ...] | None:
    """The components of a cell such as `TENT=1; PEG=12`. Raises Invalid `product.component_quantity`."""
    if written is None:
        return None
    return tuple(
        Component(sku=sku, quantity=_number(many, "product.component_quantity", f"the number of {sku}"))
        for sku, many in _pairs(written, "product.component_quantity", "TENT=1; PEG=12")
    )


def _pairs(written: str, code: str, example: str) -> Iterator[tuple[str, str]]:
    for part in PARTS.split(written.strip().strip(";")):
        name, equals, many = part.rpartition("=")
        if not equals or not name.strip() or not many.strip():
            raise Invalid(code, f"{part!r} is no pair: write {example}")
        yield name.strip(), many.strip()


def images_of(written: str | None) -> tuple[Image, ...] | None:
    """The images of a cell of addresses with blanks between. Raises Invalid `product.image`."""
    if written is None:
        return None
    for address in written.split():
        if not re.fullmatch(r"https?://[^\s/]+\S*", address):
            raise Invalid("product.image", f"{address[:80]!r} is no address of an image: begin it with https://")
    return tuple(Image(url=address) for address in written.split())


def _differing(shared: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[Fault]:
    """Lines that say of their product what an earlier line says otherwise."""
    first: dict[tuple[str, str], tuple[int, str]] = {}
    for line, product, *values in rows:
        for name, value in zip(shared, values, strict=True):
            if value is None:
                continue
            at, was = first.setdefault((product, name), (line, value))
            if value != was:
                said = f"line {at} says another {name} of product {product}: say one thing, or leave the cell empty"
                yield Fault(line=line, field=name, code="product.lines_differ", said=said, value=value)


def _wrong_options(rows: Iterable[tuple[Any, ...]]) -> Iterator[Fault]:
    """Variants of one product with other option names than its first line, or with the values of another variant."""
    names: dict[str, tuple[int, frozenset[str]]] = {}
    values: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}
    for line, product, told in rows:
        at, wanted = names.setdefault(product, (line, frozenset(told)))
        shown = " / ".join(told.values())
        if frozenset(told) != wanted:
            said = (
                f"line {at} gives product {product} the options {', '.join(sorted(wanted)) or 'none'}: "
                "give each variant a value for each of them"
            )
            yield Fault(line=line, field="option", code="product.option_names", said=said, value=shown)
        elif told and (other := values.setdefault((product, frozenset(told.items())), line)) != line:
            said = f"line {other} is {shown} of product {product} too: give each variant values of its own"
            yield Fault(line=line, field="option", code="product.same_options", said=said, value=shown)

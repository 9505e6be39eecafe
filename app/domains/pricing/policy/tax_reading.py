"""A tax table as people write it: CSV, one line for each rate, whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domains.pricing.policy.tax_table import Jurisdiction, Rate, ShippingTax, check_rates, plain_postal
from app.kernel.errors import Invalid, Refused

COLUMNS = (
    "jurisdiction", "title", "country", "region", "postal_from", "postal_to", "zone", "shipping", "shipping_code",
    "tax_code", "position", "name", "percent", "compound", "effective_from", "effective_to",
)  # fmt: skip
NEEDED = ("jurisdiction", "zone", "name", "percent", "effective_from")
MOST_FAULTS = 100  # whoever sends a file that is wrong throughout needs no longer list
MOST_PERCENT = Decimal(1000)
_PLACES = -6
_YES, _NO = ("yes", "true", "1"), ("", "no", "false", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one field of one line, by which rule, and how to mend it; the first line is number 1."""

    line: int
    field: str
    rule: str
    fix: str


@dataclass(slots=True)
class _Line:
    number: int
    given: Mapping[str, str]
    faults: list[Fault]

    def text(self, name: str) -> str:
        return (self.given.get(name) or "").strip()

    def wrong(self, name: str, rule: str, fix: str) -> None:
        self.faults.append(Fault(line=self.number, field=name, rule=rule, fix=fix))

    def day(self, name: str) -> date | None:
        if not (given := self.text(name)):
            return None
        try:
            return date.fromisoformat(given)
        except ValueError:
            self.wrong(name, f"{given!r} is no day", "write it as 2026-01-31")
            return None

    def percent(self) -> Decimal:
        given = self.text("percent")
        try:
            percent = Decimal(given)
        except InvalidOperation:
            percent = Decimal("NaN")
        places = percent.as_tuple().exponent if percent.is_finite() else None
        if not isinstance(places, int) or not 0 <= percent <= MOST_PERCENT or places < _PLACES:
            self.wrong("percent", f"{given!r} is no percentage", "give a number from 0 on, such as 19 or 9.975")
            return Decimal(0)
        return percent

    def position(self) -> int:
        given = self.text("position") or "1"
        if not given.isdecimal() or not 1 <= int(given) <= 99:
            self.wrong("position", f"{given!r} is no place in an order", "give a whole number from 1 to 99")
            return 1
        return int(given)

    def compound(self) -> bool:
        given = self.text("compound").lower()
        if given not in (*_YES, *_NO):
            self.wrong("compound", f"{given!r} is neither yes nor no", "write yes or no")
        return given in _YES


@dataclass(slots=True)
class _Reading:
    faults: list[Fault] = field(default_factory=list)
    found: dict[str, Jurisdiction] = field(default_factory=dict)

    def take(self, line: _Line) -> None:
        for name in NEEDED:
            if not line.text(name):
                line.wrong(name, "is missing", "every rate needs one")
        there = self._jurisdiction(line)
        known = self.found.setdefault(there.code, there)
        if replace(known, rates=()) != there:
            line.wrong(
                "jurisdiction", f"{there.code} is described otherwise on an earlier line", "say the same on both"
            )
        since = line.day("effective_from")
        rate = Rate(
            jurisdiction=there.code, name=line.text("name"), percent=line.percent(), tax_code=line.text("tax_code"),
            position=line.position(), compound=line.compound(), effective_from=since or date.min,
            effective_to=line.day("effective_to"),
        )  # fmt: skip
        self.found[there.code] = replace(known, rates=(*known.rates, rate))

    def _jurisdiction(self, line: _Line) -> Jurisdiction:
        code, zone, shipping = line.text("jurisdiction"), line.text("zone"), line.text("shipping") or "as_goods"
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            line.wrong("zone", f"{zone!r} is no time zone", "use a name such as Europe/Berlin")
        if shipping not in tuple(ShippingTax):
            line.wrong("shipping", f"{shipping!r} is no rule for shipping", f"use one of {', '.join(ShippingTax)}")
            shipping = "as_goods"
        country = line.text("country").upper()
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            line.wrong("country", f"{country!r} is no country", "use its two letters by ISO 3166, or leave it empty")
        first, last = plain_postal(line.text("postal_from")), plain_postal(line.text("postal_to"))
        if bool(last) and (not first or last < first[: len(last)]):
            line.wrong("postal_to", f"{last} lies before {first or 'its beginning'}", "give both ends, the first first")
        return Jurisdiction(
            code=code, title=line.text("title") or code, zone=zone or "UTC", country=country,
            region=line.text("region").upper(), postal_from=first, postal_to=last or first,
            shipping=ShippingTax(shipping), shipping_code=line.text("shipping_code"),
        )  # fmt: skip


def read_tax_table(text: str) -> tuple[Jurisdiction, ...]:
    """The jurisdictions of a CSV file, with their rates. Raises Invalid(`pricing.tax_table`), with every fault."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    unknown = [name for name in rows.fieldnames or () if name not in COLUMNS]
    missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if unknown or missing:
        fix = f"the first line names columns; there are {', '.join(COLUMNS)}"
        what = [Fault(line=1, field=name, rule="is no column", fix=fix) for name in unknown]
        raise refused([*what, *(Fault(line=1, field=name, rule="is missing", fix=fix) for name in missing)])
    reading = _Reading()
    for row in rows:
        reading.take(_Line(rows.line_num, row, reading.faults))
    if not reading.found:
        reading.faults.append(Fault(line=2, field="jurisdiction", rule="is missing", fix="give one rate at least"))
    if reading.faults:
        raise refused(reading.faults)
    for one in reading.found.values():
        check_jurisdiction(one)
    return tuple(reading.found.values())


def check_jurisdiction(one: Jurisdiction) -> None:
    """Refuse rates with gaps or overlaps in time, and a tax code for shipping that has no rate."""
    check_rates(one.rates)
    if one.shipping is ShippingTax.TAXED and not any(rate.tax_code in ("", one.shipping_code) for rate in one.rates):
        raise Refused(
            "pricing.unknown_tax_code",
            f"shipping_code: {one.title} taxes shipping as {one.shipping_code!r}, and has no rate for it; add one",
            about=f"tax jurisdiction {one.code}",
        )


def refused(faults: Iterable[Fault]) -> Invalid:
    """The error for what is wrong with a file: the first faults in words, all of them as facts."""
    listed = list(faults)[:MOST_FAULTS]
    said = "; ".join(f"line {one.line}, {one.field}: {one.rule}, {one.fix}" for one in listed[:3])
    errors = [{"line": one.line, "field": one.field, "rule": one.rule, "fix": one.fix} for one in listed]
    return Invalid("pricing.tax_table", f"nothing was taken in: {said}", about="tax table", errors=errors)

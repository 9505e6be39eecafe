"""Which taxes a place asks for: jurisdictions, their rates by tax code and day, and certificates of exemption."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from app.kernel.errors import Refused

_FILLING = re.compile(r"[\s-]")
ANY_CODE = ""  # a rate for every tax code that has no rate of its own


class ShippingTax(StrEnum):
    """How a jurisdiction taxes what is charged for shipping."""

    AS_GOODS = "as_goods"  # it shares the rates of what is shipped, by value
    TAXED = "taxed"  # at the rate of its own tax code
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where goods are supplied, by ISO 3166 country and region; what is not known is empty."""

    country: str
    region: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One tax on net amounts: `percent` of them from a day up to and with another, as days of the jurisdiction's zone.

    Taxes of a jurisdiction and of the ones around it are added up by `position`; a `compound` one is also a tax on
    those before it.
    """

    jurisdiction: str
    name: str
    percent: Decimal
    tax_code: str = ANY_CODE
    position: int = 1
    compound: bool = False
    effective_from: date
    effective_to: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdiction:
    """Who asks for tax in a country, a region of it or a range of postal codes; no country is everywhere else."""

    code: str
    title: str
    zone: str
    country: str = ""
    region: str = ""
    postal_from: str = ""
    postal_to: str = ""
    shipping: ShippingTax = ShippingTax.AS_GOODS
    shipping_code: str = ""
    rates: tuple[Rate, ...] = ()

    def covers(self, place: Place) -> bool:
        """Whether a place lies in it. A range compares as many characters as its ends have: H0A to H9Z has H3B 2Y5."""
        if not self.country or self.country != place.country or self.region not in ("", place.region):
            return False
        if not self.postal_from:
            return True
        code, first, last = (plain_postal(each) for each in (place.postal_code, self.postal_from, self.postal_to))
        return bool(code) and first <= code[: len(first)] and code[: len(last)] <= (last or first)

    def day_of(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A customer's proof that no tax is owed: in one country or region, for all codes or one, on certain days."""

    certificate_id: str
    customer: str
    country: str
    region: str = ""
    tax_code: str = ANY_CODE
    effective_from: date
    effective_to: date | None = None

    def frees(self, jurisdiction: Jurisdiction, tax_code: str, day: date) -> bool:
        """Whether it holds there: one of a country frees of all its taxes, one of a region of that region's alone."""
        return (
            self.country == jurisdiction.country
            and self.region in ("", jurisdiction.region)
            and self.tax_code in (ANY_CODE, tax_code)
            and self.effective_from <= day
            and (self.effective_to is None or day <= self.effective_to)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A rate as it applies to a line: `share` of its net amount, compounding included. A certificate frees of it."""

    jurisdiction: str
    name: str
    percent: Decimal
    share: Fraction
    position: int = 1
    compound: bool = False
    certificate: str = ""


Rates = tuple[Owed, ...]


@dataclass(frozen=True, slots=True)
class TaxTable:
    """The jurisdictions that cover one place, the widest first, as they stand at one instant."""

    place: Place
    instant: datetime
    found: tuple[Jurisdiction, ...]
    certificates: tuple[Certificate, ...] = field(default=())

    @classmethod
    def of(
        cls, jurisdictions: Iterable[Jurisdiction], place: Place, instant: datetime,
        certificates: Iterable[Certificate] = (),
    ) -> TaxTable:  # fmt: skip
        """The table of a place. Raises Refused(`pricing.no_tax_jurisdiction`) where nobody is known to tax it."""
        given = tuple(jurisdictions)
        found = [each for each in given if each.covers(place)] or [each for each in given if not each.country]
        if not found:
            raise Refused(
                "pricing.no_tax_jurisdiction",
                f"destination.country: no tax jurisdiction covers {place.country or 'an unknown country'}; add one, "
                "with a rate of 0 where nothing is owed, or one without a country for everywhere else",
                about=f"country {place.country}",
            )
        found.sort(key=lambda one: (bool(one.postal_from), bool(one.region), one.code))
        return cls(place, instant, tuple(found), tuple(certificates))

    def rates_for(self, tax_code: str) -> Rates:
        """Every tax on something of a tax code, in the order in which they compound.

        Raises Refused(`pricing.unknown_tax_code`) where no jurisdiction has a rate for it, ever, and
        Refused(`pricing.tax_rate_gap`) where one has, and none for this day.
        """
        found = [pair for each in self.found for pair in self._at(each, tax_code)]
        if not found:
            known = sorted({rate.tax_code or "any" for each in self.found for rate in each.rates})
            raise Refused(
                "pricing.unknown_tax_code",
                f"tax_code {tax_code!r}: {' and '.join(each.title for each in self.found)} has no rate for it; use one "
                f"of {', '.join(known) or 'none yet'}, or add a rate",
                about=f"tax code {tax_code}",
                known=known,
            )
        return self._compounded(found, tax_code)

    def shipping_for(self, tax_code: str) -> Rates:
        """Every tax on the shipping of goods of a tax code: each jurisdiction has its own rule."""
        found: list[tuple[Jurisdiction, Rate]] = []
        for each in self.found:
            if each.shipping is not ShippingTax.EXEMPT:
                found += self._at(each, each.shipping_code if each.shipping is ShippingTax.TAXED else tax_code)
        return self._compounded(found, tax_code)

    @property
    def splits_shipping(self) -> bool:
        """Whether shipping is taxed as the goods are, so that its amount is split by their rates."""
        return any(each.shipping is ShippingTax.AS_GOODS for each in self.found)

    def _at(self, there: Jurisdiction, tax_code: str) -> list[tuple[Jurisdiction, Rate]]:
        own = [rate for rate in there.rates if rate.tax_code == tax_code]
        rates = own or [rate for rate in there.rates if rate.tax_code == ANY_CODE]
        day = there.day_of(self.instant)
        holding = [(there, rate) for rate in rates if rate.holds_on(day)]
        if rates and not holding:
            raise Refused(
                "pricing.tax_rate_gap",
                f"effective_from: {there.title} has rates for tax code {tax_code!r}, and none for {day}; add one that "
                "holds on that day",
                about=f"tax jurisdiction {there.code}",
            )
        return holding

    def _compounded(self, found: list[tuple[Jurisdiction, Rate]], tax_code: str) -> Rates:
        owed: list[Owed] = []
        before = Fraction(1)  # the net amount and the taxes so far, of a net amount of one
        for there, rate in sorted(found, key=lambda pair: (pair[1].position, self.found.index(pair[0]))):
            share = Fraction(rate.percent) / 100 * (before if rate.compound else 1)
            before += share
            day = there.day_of(self.instant)
            freed = (each for each in self.certificates if each.frees(there, tax_code, day))
            certificate = min((each.certificate_id for each in freed), default="")
            owed.append(
                Owed(
                    jurisdiction=there.code, name=rate.name, percent=rate.percent, share=share,
                    position=rate.position, compound=rate.compound, certificate=certificate,
                )
            )  # fmt: skip
        return tuple(owed)


def plain_postal(code: str) -> str:
    """A postal code as it is compared: capitals without blanks and dashes."""
    return _FILLING.sub("", code).upper()


def check_rates(rates: Sequence[Rate]) -> None:
    """Refuse rates of one tax that overlap, or leave days without one.

    Raises Refused(`pricing.tax_rate_overlap`, `pricing.tax_rate_gap`), which name the days.
    """
    lives: dict[tuple[str, str, int], list[Rate]] = {}
    for rate in rates:
        lives.setdefault((rate.jurisdiction, rate.tax_code, rate.position), []).append(rate)
    for (jurisdiction, tax_code, _), life in lives.items():
        life.sort(key=lambda one: one.effective_from)
        about = f"tax jurisdiction {jurisdiction}"
        for rate in life:
            if rate.effective_to is not None and rate.effective_to < rate.effective_from:
                raise Refused(
                    "pricing.tax_rate_overlap", f"effective_to: {rate.name} ends before it begins", about=about
                )
        for one, after in zip(life, life[1:], strict=False):
            what = f"{jurisdiction}, tax code {tax_code or 'any'}: {one.name} and {after.name}"
            if one.effective_to is None or one.effective_to >= after.effective_from:
                fix = f"end {one.name} on the day before {after.effective_from}"
                raise Refused("pricing.tax_rate_overlap", f"effective_to: {what} overlap; {fix}", about=about)
            if (after.effective_from - one.effective_to).days > 1:
                fix = f"add a rate for the days between {one.effective_to} and {after.effective_from}"
                raise Refused("pricing.tax_rate_gap", f"effective_from: {what} leave a gap; {fix}", about=about)

"""What somebody wants a price for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app.domains.pricing.canonical.prices import MOST
from app.kernel.errors import Invalid
from app.kernel.money import Money

MOST_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One line of a basket: so many of a SKU in a unit, no unit being the SKU's own.

    A tax code here goes before the one that is known of the SKU.
    """

    line_id: str
    sku: str
    quantity: Decimal
    unit: str = ""
    tax_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where it is to go, as tax needs it: ISO 3166 country, region, postal code."""

    country: str
    region: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """Who wants what, where and when. Raises Invalid where a line comes twice, is empty or wants nothing."""

    currency: str
    at: datetime
    lines: tuple[Asked, ...]
    company: str = ""
    channel: str = ""
    customer: str = ""
    customer_group: str = ""
    destination: Destination = field(default_factory=lambda: Destination(country=""))
    shipping: Money | None = None

    def __post_init__(self) -> None:
        if wrong := list(self._wrong()):
            fields = "; ".join(f"{one['field']}: {one['rule']}; {one['fix']}" for one in wrong)
            raise Invalid("pricing.basket", f"the basket cannot be priced. {fields}", errors=wrong)

    @property
    def quantities(self) -> dict[tuple[str, str], Decimal]:
        """How many of each SKU and unit over all lines: what a quantity break is compared with."""
        found: dict[tuple[str, str], Decimal] = {}
        for line in self.lines:
            found[line.sku, line.unit] = found.get((line.sku, line.unit), Decimal(0)) + line.quantity
        return found

    def _wrong(self) -> Iterator[dict[str, str]]:
        if not 1 <= len(self.lines) <= MOST_LINES:
            yield _error("lines", f"a basket has 1 to {MOST_LINES} lines", f"it has {len(self.lines)}: split it")
        if self.at.tzinfo is None:
            yield _error("at", "an instant has an offset", "write it such as 2026-11-27T09:00:00Z")
        if self.shipping is not None and (self.shipping.minor < 0 or self.shipping.currency != self.currency):
            yield _error("shipping", f"at least zero, in {self.currency}", f"it is {self.shipping}")
        seen: set[str] = set()
        for n, line in enumerate(self.lines):
            if not (line.quantity.is_finite() and 0 < line.quantity < MOST):
                yield _error(
                    f"lines.{n}.quantity",
                    f"more than zero, below {MOST:E}",
                    f"line {line.line_id} wants {line.quantity}",
                )
            if not line.sku:
                yield _error(f"lines.{n}.sku", "not empty", "name the item")
            if line.line_id in seen:
                yield _error(
                    f"lines.{n}.line_id", "once in a basket", f"{line.line_id!r} comes twice: number the lines"
                )
            seen.add(line.line_id)


def _error(field_name: str, rule: str, fix: str) -> dict[str, str]:
    return {"field": field_name, "rule": rule, "fix": fix}

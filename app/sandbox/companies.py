"""What a company is set up with beyond the API: its currency, its tax system and its number series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from app.sandbox.seed import TAXES, stable_id


@dataclass(frozen=True, kw_only=True)
class CompanySpec:
    """One company to emulate.

    `sales_tax`: the company is of North America, taxes are Sales Tax by area and group; else VAT by posting groups.
    `rates`: percent by (tax area, tax group). `default_area`: what the customer template gives a new customer.
    `manual_numbers`: whether customers' numbers may be given. `customer_template`: whether customers that the API
    inserts get posting groups; without them nothing can be posted.
    """

    tenant: str = "marlow"
    environment: str = "production"
    name: str = "Marlow US"
    currency: str = "USD"
    sales_tax: bool = True
    rates: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    default_area: str = ""
    manual_numbers: bool = True
    customer_template: bool = True

    @property
    def id(self) -> str:
        """The company's id, the same in every run."""
        return stable_id("business_central", self.tenant, self.environment, self.name)


def marlow_us(tenant: str = "marlow", environment: str = "production") -> CompanySpec:
    """The demo's company: US dollars, Sales Tax by state."""
    rates: dict[tuple[str, str], Decimal] = {}
    for tax in TAXES:
        area = (tax.state, "TAXABLE")
        rates[area] = rates.get(area, Decimal(0)) + tax.rate * 100
    return CompanySpec(tenant=tenant, environment=environment, rates=rates)


def vat_company(
    name: str = "Marlow EU", *, currency: str = "EUR", standard: str = "19", reduced: str = "7", tenant: str = "marlow"
) -> CompanySpec:
    """A company of the European kind: VAT by posting groups, percentages as given."""
    rates = {
        ("DOMESTIC", "STANDARD"): Decimal(standard),
        ("DOMESTIC", "REDUCED"): Decimal(reduced),
        ("DOMESTIC", "ZERO"): Decimal(0),
        ("EXPORT", "STANDARD"): Decimal(0),
        ("EXPORT", "REDUCED"): Decimal(0),
        ("EXPORT", "ZERO"): Decimal(0),
    }
    return CompanySpec(
        tenant=tenant, name=name, currency=currency, sales_tax=False, rates=rates, default_area="DOMESTIC"
    )

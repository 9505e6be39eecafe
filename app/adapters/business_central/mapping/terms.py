"""How one company wants its orders: the settings that the mapping reads, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from app.adapters.business_central.settings import ANY
from app.domains.orders.canonical import Order, Side
from app.kernel.clock import business_date
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money

EXTERNAL_NUMBER = 35  # Code[35], stored upper case


class Mode(StrEnum):
    """Who computes tax on a document, and on which prices."""

    GROSS = "gross"
    NET = "net"
    TAX_LINES = "tax_lines"
    ERP_TAX = "erp_tax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One company's policy for documents; `accounts` and `tax_payable` are account numbers."""

    prefix: str
    side: Side
    tax_mode: Mode
    prices_include_tax_writable: bool
    local_currency: str
    zero_tax_code: str
    tax_codes: Mapping[str, str]
    accounts: Mapping[str, str]
    tax_payable: Mapping[str, str]
    order_customer: str
    collecting_customers: Mapping[str, str]
    customer_prefix: str
    customer_numbers: str
    tax_areas: Mapping[str, str]
    location: str
    channel_dimension: str
    comment_lines: int
    zone: str
    cut_off_hour: int
    cancel_policy: str
    entity_fields: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Terms:
        """Read loaded settings."""
        alike = (
            "prefix", "prices_include_tax_writable", "local_currency", "zero_tax_code", "order_customer",
            "collecting_customers", "customer_prefix", "customer_numbers", "tax_areas", "location",
            "channel_dimension", "comment_lines", "zone", "cut_off_hour", "cancel_policy",
        )  # fmt: skip
        accounts = settings["accounts"]
        return cls(
            side=Side(settings["document_currency"]),
            tax_mode=Mode(settings["tax_mode"]),
            tax_codes={name: settings[f"{name}_tax_code"] for name in ("shipping", "duty", "fee")},
            accounts=accounts,
            tax_payable=accounts["tax_payable"],
            entity_fields={name: frozenset(known) for name, known in settings["entity_fields"].items()},
            **{name: settings[name] for name in alike},
        )

    def mode_for(self, order: Order) -> Mode:
        """The mode of one order: prices on top of which tax comes are never posted as gross ones."""
        if self.tax_mode is Mode.GROSS and not (order.taxes_included and self.prices_include_tax_writable):
            return Mode.NET
        return self.tax_mode

    def currency_of(self, order: Order) -> str:
        return order.currency_shop if self.side is Side.SHOP else order.currency_presentment

    def zero(self, order: Order) -> Money:
        return Money.zero(self.currency_of(order))

    def ordered_on(self, order: Order) -> date:
        """The business date the order was placed on."""
        return business_date(order.placed_at, self.zone, self.cut_off_hour)

    def account(self, name: str) -> str:
        """The number of an account. Raises NeedsAttention where the connection names none."""
        return self._named(self.accounts.get(name), f"account {name}", f"accounts.{name}")

    def tax_account(self, title: str) -> str:
        """The account a tax of this title is owed on; the one named `*` takes every title that has none of its own."""
        number = self.tax_payable.get(title) or self.tax_payable.get(ANY)
        return self._named(number, f"tax {title}", f'accounts.tax_payable["{title}"]')

    def collecting_customer(self, country: str) -> str:
        """The number of the customer that collects orders of a country."""
        number = self.collecting_customers.get(ANY)
        if self.order_customer == "per_tax_area":
            number = self.collecting_customers.get(country, number)
        if not number:
            raise NeedsAttention(
                "erp.collecting_customer_missing",
                f"no collecting customer for country {country or 'unknown'}; name it in collecting_customers",
                about=f"country {country}",
            )
        return number

    @staticmethod
    def _named(number: str | None, about: str, setting: str) -> str:
        if not number:
            raise NeedsAttention(
                "erp.account_missing",
                f"the order needs an {about}; set {setting} of the connection to an account number",
                about=about,
                setting=setting,
            )
        return number


def external_number(terms: Terms, key: str) -> str:
    """The order's external document number: the hub's key in Business Central, upper case, at most 35 characters."""
    number = f"{terms.prefix}-{key}".upper()
    if len(number) > EXTERNAL_NUMBER:
        raise NeedsAttention(
            "erp.key_too_long",
            f"{number} has {len(number)} characters; externalDocumentNumber takes {EXTERNAL_NUMBER}: shorten prefix",
            about=f"order {key}",
        )
    return number

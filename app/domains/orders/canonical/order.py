"""The order itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domains.orders.canonical.after_sales import Edit, Refund
from app.domains.orders.canonical.amounts import Amount, Tax
from app.domains.orders.canonical.lines import Fee, Line, Shipping
from app.domains.orders.canonical.parties import Address, Channel, Company, Party, PaymentTerms, Property
from app.domains.orders.canonical.payments import Transaction
from app.kernel.identity import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the source states. `None` where it states nothing."""

    total: Amount
    current_total: Amount
    items_gross: Amount | None = None
    discounts: Amount | None = None
    subtotal: Amount | None = None
    shipping: Amount | None = None
    tax: Amount | None = None
    duties: Amount | None = None
    fees: Amount | None = None
    tips: Amount | None = None
    outstanding: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order at one version of its source. `policy.prove` says whether its totals reproduce."""

    ref: Ref  # connection and the source's own numeric id
    gid: str
    name: str  # "#1001": shown to people, never a key
    source_version: datetime  # the source's updated_at
    placed_at: datetime
    created_at: datetime
    currency_shop: str
    currency_presentment: str
    lines: tuple[Line, ...]
    totals: Totals
    number: int | None = None
    channel: Channel = Channel()
    test: bool = False
    cancelled_at: datetime | None = None
    cancel_reason: str = ""
    closed_at: datetime | None = None
    customer: Party | None = None
    company: Company | None = None
    bill_to: Address | None = None
    ship_to: Address | None = None
    email: str = ""
    phone: str = ""
    po_number: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    tax_ids: tuple[Property, ...] = ()
    properties: tuple[Property, ...] = ()
    carts: tuple[str, ...] = ()  # what the source calls the cart and the checkout that the order was made of
    taxes_included: bool = False
    duties_included: bool = False
    taxes_estimated: bool = False
    payment_terms: PaymentTerms | None = None
    financial_status: str = ""
    fulfilled: bool = False  # all that was to be sent has been sent, as the channel says
    gateways: tuple[str, ...] = ()
    shipping: tuple[Shipping, ...] = ()
    fees: tuple[Fee, ...] = ()
    document_taxes: tuple[Tax, ...] = ()  # the order's own tax lines, as stated
    tip_outside_lines: Amount | None = None
    cash_rounding_payment: Amount | None = None
    cash_rounding_refund: Amount | None = None
    transactions: tuple[Transaction, ...] = ()
    refunds: tuple[Refund, ...] = ()
    edits: tuple[Edit, ...] = ()
    edited: bool = False

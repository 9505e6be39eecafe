"""`order.v1`: the order as every other part of the hub sees it. Values only: no rows, no vendors.

Every amount is a pair of shop and presentment money. Taxes are taken from the source and never recomputed; discount
amounts come from allocations only. What is not named here stays in the raw notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from app.kernel.identity import Ref
from app.kernel.money import Money


class Side(StrEnum):
    """Which of the two currencies of an order an equation speaks of."""

    SHOP = "shop"
    PRESENTMENT = "presentment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One amount in the shop's currency and in the one the customer saw."""

    shop: Money
    presentment: Money

    def of(self, side: Side) -> Money:
        return self.shop if side is Side.SHOP else self.presentment


class LineKind(StrEnum):
    PRODUCT = "product"
    CUSTOM = "custom"
    GIFT_CARD = "gift_card"
    TIP = "tip"


class Liable(StrEnum):
    """Who owes a tax to the authority; `channel` is a marketplace facilitator."""

    MERCHANT = "merchant"
    CHANNEL = "channel"
    UNKNOWN = "unknown"


class TransactionKind(StrEnum):
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    SALE = "sale"
    REFUND = "refund"
    VOID = "void"
    CHANGE = "change"


class TransactionStatus(StrEnum):
    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"
    ERROR = "error"


class RestockKind(StrEnum):
    """What happened to refunded goods: `cancel` never left, `return` came back, `no_restock` neither."""

    CANCEL = "cancel"
    RETURN = "return"
    NO_RESTOCK = "no_restock"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    province: str = ""
    province_code: str = ""  # empty where a country has none
    postal_code: str = ""
    country: str = ""
    country_code: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The customer as the source names it. `external_id` is empty for a guest and where personal data is withheld."""

    external_id: str = ""
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    locale: str = ""
    tax_exempt: bool = False
    exemptions: tuple[str, ...] = ()
    withheld: bool = False  # the source may not tell who it is: not the same as a guest


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The B2B buyer and its location."""

    external_id: str
    name: str = ""
    location_id: str = ""
    location_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    name: str
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Why there is a discount: code, automatic, manual or script."""

    kind: str
    label: str = ""  # the code, or the title
    target: str = ""  # line_item or shipping_line
    method: str = ""  # across, each or one
    value: str = ""
    value_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """The part of a discount that fell on one line: the only source of discount amounts."""

    amount: Amount
    application: Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    title: str
    amount: Amount
    rate: Decimal | None = None
    liable: Liable = Liable.UNKNOWN
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    price: Amount
    taxes: tuple[Tax, ...] = ()
    duty_id: str = ""
    hs_code: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    line_id: str
    kind: LineKind
    title: str
    qty_ordered: int  # includes units that were removed or refunded later
    qty_current: int
    unit_price: Amount
    sku: str = ""
    gid: str = ""
    product_ref: str = ""
    variant_ref: str = ""
    variant_title: str = ""
    vendor: str = ""
    properties: tuple[Property, ...] = ()
    bundle_group: str = ""
    allocations: tuple[Allocation, ...] = ()
    taxes: tuple[Tax, ...] = ()
    duties: tuple[Duty, ...] = ()
    taxable: bool = True
    requires_shipping: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    line_id: str
    price: Amount
    code: str = ""
    title: str = ""
    carrier: str = ""
    allocations: tuple[Allocation, ...] = ()
    taxes: tuple[Tax, ...] = ()
    is_removed: bool = False  # a removed one counts zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    name: str
    price: Amount
    fee_id: str = ""
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A movement of money. Only `success` moves any; a gift card or store credit is a payment, not a discount."""

    transaction_id: str
    kind: TransactionKind
    status: TransactionStatus
    gateway: str
    amount: Amount
    parent_id: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    payment_ref: str = ""
    gift_card_ref: str = ""
    settlement_currency: str = ""
    settlement_rate: Decimal | None = None
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    line_id: str
    quantity: int
    subtotal: Amount
    tax: Amount
    restock: RestockKind
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundShipping:
    amount: Amount
    tax: Amount
    shipping_line_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A difference between the refund's lines and its money."""

    amount: Amount
    tax: Amount
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    refund_id: str
    created_at: datetime
    lines: tuple[RefundLine, ...] = ()
    shipping: tuple[RefundShipping, ...] = ()
    duties: tuple[Duty, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One row of an agreement: what an edit, or the first sale, changed."""

    kind: str  # PRODUCT, SHIPPING, TIP, DUTY, FEE, ADJUSTMENT …
    amount: Amount
    quantity: int = 0
    line_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    agreement_id: str
    happened_at: datetime
    reason: str = ""
    sales: tuple[Sale, ...] = ()


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
    tips: Amount | None = None
    outstanding: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where in the source the order was placed."""

    source_name: str = ""
    location: str = ""
    app: str = ""
    source_identifier: str = ""


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
    properties: tuple[Property, ...] = ()
    taxes_included: bool = False
    duties_included: bool = False
    taxes_estimated: bool = False
    payment_terms: PaymentTerms | None = None
    financial_status: str = ""
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

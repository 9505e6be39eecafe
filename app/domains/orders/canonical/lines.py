"""What an order is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domains.orders.canonical.amounts import Allocation, Amount, Duty, Tax
from app.domains.orders.canonical.parties import Property


class LineKind(StrEnum):
    PRODUCT = "product"
    CUSTOM = "custom"
    GIFT_CARD = "gift_card"
    TIP = "tip"


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

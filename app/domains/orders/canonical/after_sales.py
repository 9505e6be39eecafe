"""What happened to an order after it was placed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domains.orders.canonical.amounts import Amount, Duty
from app.domains.orders.canonical.payments import Transaction


class RestockKind(StrEnum):
    """What happened to refunded goods: `cancel` never left, `return` came back, `no_restock` neither."""

    CANCEL = "cancel"
    RETURN = "return"
    NO_RESTOCK = "no_restock"
    LEGACY = "legacy"


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

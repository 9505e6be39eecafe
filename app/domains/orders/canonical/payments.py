"""Movements of money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domains.orders.canonical.amounts import Amount
from app.kernel.money import Money


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFee:
    """What the gateway keeps of one movement, in the gateway's own currency."""

    kind: str
    amount: Money
    tax: Money


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
    fees: tuple[TransactionFee, ...] = ()
    test: bool = False

"""Movements of money, refunds and edits."""

from __future__ import annotations

import json
from typing import Any

from app.adapters.shopify.mapping.amounts import Amounts, currency, money
from app.adapters.shopify.mapping.reading import (
    Row,
    each,
    flag,
    identity,
    inner_identity,
    moment,
    number,
    required_identity,
    required_moment,
    row,
    text,
    unfit,
    units,
    untold,
    word,
)
from app.domains.orders.canonical import (
    Adjustment,
    Amount,
    Duty,
    Edit,
    Refund,
    RefundLine,
    RefundShipping,
    RestockKind,
    Sale,
    Transaction,
    TransactionFee,
    TransactionKind,
    TransactionStatus,
)

_KINDS = {str(kind): kind for kind in TransactionKind} | {"emv_authorization": TransactionKind.AUTHORIZATION}
_STATUSES = {str(status): status for status in TransactionStatus} | {
    "awaiting_response": TransactionStatus.PENDING,
    "unknown": TransactionStatus.PENDING,
}
_RESTOCKS = {str(kind): kind for kind in RestockKind} | {"legacy_restock": RestockKind.LEGACY}
_SHIPPING_REFUND = "shipping_refund"  # how REST says it: an adjustment below zero
_SUGGESTED = "suggested_refund"  # an offer of the admin's, which moves nothing


class AfterSales:
    """Reads what happened to one order, in its currencies."""

    def __init__(self, amounts: Amounts) -> None:
        self._amounts = amounts

    def transactions(self, parent: Row) -> tuple[Transaction, ...]:
        """Movements of money; `amount_set`, or the amount alone in a shop with one currency."""
        read = each(parent, "transactions", lambda one: None if word(one, "kind") == _SUGGESTED else self._one(one))
        return tuple(one for one in read if one is not None)

    def refund(self, given: Row) -> Refund:
        """One refund as given: what its lines say and what was paid may differ."""
        adjustments = each(given, "order_adjustments", self._adjustment)
        own = each(given, "refund_shipping_lines", self._shipping)
        old = [one for one in adjustments if one.kind == _SHIPPING_REFUND]
        return Refund(
            refund_id=required_identity(given, "id"),
            created_at=moment(given, "created_at") or required_moment(given, "processed_at"),
            lines=each(given, "refund_line_items", self._line),
            shipping=own or tuple(RefundShipping(amount=_less(one.amount), tax=_less(one.tax)) for one in old),
            duties=each(given, "duties", self._duty),
            adjustments=tuple(one for one in adjustments if one.kind != _SHIPPING_REFUND),
            transactions=self.transactions(given),
            note=text(given, "note"),
        )

    def edit(self, given: Row) -> Edit:
        """One agreement between shop and buyer: the order itself, an edit, a refund, a return."""
        return Edit(
            agreement_id=required_identity(given, "id"),
            happened_at=required_moment(given, "happened_at"),
            reason=word(given, "reason"),
            sales=each(given, "sales", self._sale),
        )

    def _one(self, given: Row) -> Transaction:
        kind, status = _KINDS.get(word(given, "kind")), _STATUSES.get(word(given, "status"))
        if kind is None:
            raise unfit("kind", f"is {text(given, 'kind')[:40]!r}, an unknown kind of transaction")
        if status is None:
            raise unfit("status", f"is {text(given, 'status')[:40]!r}, an unknown status of a transaction")
        gateway = text(given, "gateway")
        return Transaction(
            transaction_id=required_identity(given, "id"),
            kind=kind,
            status=status,
            gateway=gateway,
            amount=self._moved(given),
            parent_id=identity(given, "parent_id") or inner_identity(given, "parent"),
            created_at=moment(given, "created_at"),
            expires_at=moment(given, "authorization_expires_at"),
            payment_ref=text(given, "payment_id"),
            gift_card_ref=_gift_card(given) if gateway == "gift_card" else "",
            settlement_currency=currency(given, "settlement_currency"),
            settlement_rate=number(given, "settlement_currency_rate"),
            fees=each(given, "fees", _fee),
            test=flag(given, "test"),
        )

    def _moved(self, given: Row) -> Amount:
        if given.get("amount_set") is None and currency(given, "currency") not in ("", self._amounts.shop):
            raise untold("amount_set")  # the other currency's amount alone
        return self._amounts.of(given, "amount_set", "amount")

    def _line(self, given: Row) -> RefundLine:
        restock = _RESTOCKS.get(word(given, "restock_type"))
        if restock is None:
            raise unfit("restock_type", f"is {text(given, 'restock_type')[:40]!r}, an unknown kind of restocking")
        return RefundLine(
            line_id=identity(given, "line_item_id") or inner_identity(given, "line_item"),
            quantity=units(given, "quantity"),
            subtotal=self._amounts.of(given, "subtotal_set", "subtotal"),
            tax=self._amounts.of(given, "total_tax_set", "total_tax"),
            restock=restock,
            location=identity(given, "location_id") or inner_identity(given, "location"),
        )

    def _shipping(self, given: Row) -> RefundShipping:
        return RefundShipping(
            amount=self._amounts.of(given, "subtotal_amount_set"),
            tax=self._amounts.maybe(given, "tax_amount_set") or self._amounts.zero(),
            shipping_line_id=identity(given, "shipping_line_id") or inner_identity(given, "shipping_line"),
        )

    def _adjustment(self, given: Row) -> Adjustment:
        reason = word(given, "reason").replace(" ", "_")
        return Adjustment(
            amount=self._amounts.of(given, "amount_set", "amount"),
            tax=self._amounts.maybe(given, "tax_amount_set", "tax_amount") or self._amounts.zero(),
            kind=word(given, "kind") or reason,
            reason=reason,
        )

    def _duty(self, given: Row) -> Duty:
        return Duty(
            price=self._amounts.of(given, "amount_set"),
            duty_id=identity(given, "duty_id") or inner_identity(given, "original_duty"),
        )

    def _sale(self, given: Row) -> Sale:
        return Sale(
            kind=text(given, "line_type"),
            amount=self._amounts.of(given, "total_amount_set"),
            quantity=_signed(given, "quantity"),
            line_id=inner_identity(given, "line_item"),
        )


def _less(amount: Amount) -> Amount:
    return Amount(shop=-amount.shop, presentment=-amount.presentment)


def _signed(given: Row, field: str) -> int:
    raw = given.get(field)
    if raw is None:
        return 0
    if type(raw) is int:
        return raw
    raise unfit(field, f"is {str(raw)[:40]!r}, not a number of pieces")


def _fee(given: Row) -> TransactionFee:
    amount, tax = row(given.get("amount"), "amount"), row(given.get("tax_amount"), "tax_amount")
    code = currency(amount, "currency_code")
    return TransactionFee(
        kind=text(given, "type"),
        amount=money(amount.get("amount"), code, "amount.amount"),
        tax=money(tax.get("amount"), code, "tax_amount.amount"),
    )


def _gift_card(given: Row) -> str:
    receipt: Any = given.get("receipt")
    if type(receipt) is str:  # GraphQL's JSON scalar travels as text
        try:
            receipt = json.loads(receipt)
        except (ValueError, RecursionError):
            return ""
    return identity(receipt, "gift_card_id") if type(receipt) is dict else ""

"""Orders on account: how much of an order is owed for, and which open ones count against a limit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from app.domains.orders.canonical import Amount, Order
from app.domains.orders.service.holds import HUB, PAID
from app.infra.uow import UnitOfWork
from app.kernel import codec
from app.kernel.money import Money

# Accepted, and not invoiced whole: what is invoiced stands in the ERP's balance. Documents of others are not read.
OPEN = """
SELECT o.id::text, o.account_id::text, o.name, v.document->'totals'->'current_total',
       v.document->'totals'->'outstanding', i.currency, coalesce(i.minor, 0)
  FROM orders.sales_order o
  LEFT JOIN LATERAL (
       SELECT d.currency, d.total_minor, sum(n.total_minor)::bigint AS minor FROM orders.erp_document d
         JOIN orders.invoice n ON n.order_id = d.order_id AND n.erp = d.erp AND n.currency = d.currency
        WHERE d.order_id = o.id AND d.cancelled_at IS NULL GROUP BY d.erp, d.currency, d.total_minor
        ORDER BY d.erp LIMIT 1) i ON true
  JOIN orders.order_version v ON v.order_id = o.id AND v.n = o.accepted_version
 WHERE o.account_id = ANY(%(accounts)s::uuid[]) AND o.state IN ('accepted', 'posted', 'partly_shipped', 'shipped')
   AND coalesce(i.minor < i.total_minor, true)
   AND v.document->'payment_terms' <> 'null' AND v.document->>'financial_status' <> ALL(%(paid)s::text[])
"""
TIE = """
UPDATE orders.sales_order o SET account_id = g.account_id
  FROM unnest(%(ids)s::uuid[], %(accounts)s::uuid[]) g(id, account_id)
 WHERE o.id = g.id AND o.account_id IS DISTINCT FROM g.account_id
"""
WAITING = """
SELECT h.order_id::text FROM orders.hold h JOIN orders.sales_order o ON o.id = h.order_id
 WHERE h.kind = 'credit' AND h.released_at IS NULL AND h.placed_by = %(hub)s AND o.state = 'held'
   AND (%(accounts)s::uuid[] IS NULL OR o.account_id = ANY(%(accounts)s::uuid[]))
 ORDER BY h.placed_at, h.order_id LIMIT %(most)s
"""
WAIVED = """
SELECT DISTINCT order_id::text FROM orders.hold
 WHERE order_id = ANY(%(ids)s::uuid[]) AND kind = 'credit' AND released_at IS NOT NULL AND released_by <> %(hub)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An open order on account, and what of it is owed for and not invoiced."""

    order_id: str
    account_id: str
    name: str
    owed: Amount
    invoiced: Money | None

    def still_owed(self, currency: str) -> Money | None:
        """What is not invoiced yet in a currency; None where the order is in another one."""
        owed = in_currency(self.owed, currency)
        if owed is None or self.invoiced is None or self.invoiced.currency != currency:
            return owed
        return max(owed - self.invoiced, Money.zero(currency), key=lambda money: money.minor)


def owed_for(order: Order) -> Amount | None:
    """What of an order is owed for; None where it is paid, or not sold on payment terms."""
    if order.payment_terms is None or order.financial_status in PAID:
        return None
    return order.totals.outstanding or order.totals.current_total


def in_currency(amount: Amount, currency: str) -> Money | None:
    """The side of an amount that is in a currency, the shop's own first; None where neither is."""
    return next((side for side in (amount.shop, amount.presentment) if side.currency == currency), None)


def open_on_account(uow: UnitOfWork, account_ids: Collection[str]) -> list[OpenOrder]:
    """Accepted orders of these accounts that are owed for and not invoiced whole."""
    rows = uow.sql(OPEN, {"accounts": list(account_ids), "paid": sorted(PAID)})
    return [
        OpenOrder(
            order_id=row[0], account_id=row[1], name=row[2], owed=codec.load(Amount, row[4] or row[3]),
            invoiced=Money(row[6], row[5]) if row[5] else None,
        )
        for row in rows
    ]  # fmt: skip


def tie_accounts(uow: UnitOfWork, accounts: Mapping[str, str]) -> None:
    """Keep whose orders these are before they are accepted: order id → account id."""
    if accounts:
        uow.sql(TIE, {"ids": list(accounts), "accounts": list(accounts.values())})


def waiting_for_credit(uow: UnitOfWork, account_ids: Collection[str] | None = None, most: int = 500) -> list[str]:
    """Orders that the hub holds for want of credit, of these accounts or of all, the one that waits longest first."""
    accounts = None if account_ids is None else list(account_ids)
    return [row[0] for row in uow.sql(WAITING, {"hub": HUB, "accounts": accounts, "most": most})]


def credit_waived(uow: UnitOfWork, order_ids: Collection[str]) -> set[str]:
    """Those of these orders that a person let go on in spite of their customer's credit."""
    return {row[0] for row in uow.sql(WAIVED, {"ids": list(order_ids), "hub": HUB})}

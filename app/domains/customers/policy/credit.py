"""Whether an order on account may go on: what its customer owes and is about to owe, against the limit. Pure.

Exposure = balance in the ERP's books + open orders on account, as far as they are not invoiced + this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The sum that a limit is held against, part by part, all in the limit's currency."""

    limit: Money
    balance: Money
    open_orders: Money
    this_order: Money

    @property
    def total(self) -> Money:
        return self.balance + self.open_orders + self.this_order

    @property
    def beyond(self) -> Money:
        """By how much the limit is exceeded; zero where it is not."""
        return max(self.total - self.limit, Money.zero(self.limit.currency), key=lambda money: money.minor)

    def facts(self) -> Mapping[str, str]:
        """The sum as people read it."""
        names = ("limit", "balance", "open_orders", "this_order", "total", "beyond")
        return {name: str(getattr(self, name)) for name in names}

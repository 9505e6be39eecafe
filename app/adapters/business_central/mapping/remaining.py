"""What an order is worth now: every row after removals and refunds, on the document's side.

Source: equation E7 of the order's totals, and the split of a line over its units: of N, `k` of `q` removed units carry
round(N·k/q), so that parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.domains.orders.canonical import Allocation, Amount, Duty, Liable, Line, Order, RefundLine, Shipping, Side, Tax
from app.kernel.money import Money, spread, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Levy:
    """A tax that is still due on a row."""

    title: str
    rate: Decimal | None
    amount: Money
    by_channel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What is left of a row: `net` = price·quantity − discount, with tax inside where the order's prices have it."""

    quantity: int
    price: Money
    net: Money
    levies: tuple[Levy, ...] = ()
    shared: bool = False  # split by quantity, so that it may be a unit off what the source says

    @property
    def tax(self) -> Money:
        return total((levy.amount for levy in self.levies), self.net.currency)

    @property
    def channel_tax(self) -> Money:
        return total((levy.amount for levy in self.levies if levy.by_channel), self.net.currency)

    @property
    def rate(self) -> Decimal | None:
        """Sum of the rates that the merchant owes; None where the source names none for one of them."""
        rates = [levy.rate for levy in self.levies if not levy.by_channel]
        known = [rate for rate in rates if rate is not None]
        return sum(known, Decimal(0)) if len(known) == len(rates) else None


@dataclass(frozen=True, slots=True)
class Remaining:
    """Reads one order's rows as they stand now."""

    order: Order
    side: Side

    def line(self, line: Line) -> Sold:
        refunded = [row for refund in self.order.refunds for row in refund.lines if row.line_id == line.line_id]
        price = line.unit_price.of(self.side)
        whole = self._whole(price * line.qty_ordered, line.allocations)
        removed = line.qty_ordered - line.qty_current
        if not removed and not refunded:
            return Sold(quantity=line.qty_current, price=price, net=whole, levies=self._levies(line.taxes))
        return self._reduced(line, refunded, price, whole)

    def shipping(self, row: Shipping) -> Sold:
        price = row.price.of(self.side)
        back = self._refunded_shipping(row)
        net = self._whole(price, row.allocations) - self._sum(amount for amount, _ in back)
        taken = self._sum(tax for _, tax in back)
        return Sold(quantity=1, price=price, net=net, levies=self._less(self._levies(row.taxes), taken))

    def duty(self, duty: Duty) -> Sold:
        price = duty.price.of(self.side)
        back = [each for refund in self.order.refunds for each in refund.duties if each.duty_id == duty.duty_id]
        net = price - self._sum(each.price for each in back)
        taken = self._sum(tax.amount for each in back for tax in each.taxes)
        return Sold(quantity=1, price=price, net=net, levies=self._less(self._levies(duty.taxes), taken))

    def plain(self, price: Amount, taxes: tuple[Tax, ...] = ()) -> Sold:
        amount = price.of(self.side)
        return Sold(quantity=1, price=amount, net=amount, levies=self._levies(taxes))

    def document_levies(self) -> tuple[Levy, ...]:
        """The order's own taxes, for orders whose rows name none."""
        return self._levies(self.order.document_taxes)

    def _reduced(self, line: Line, refunded: list[RefundLine], price: Money, whole: Money) -> Sold:
        """Less what each refund row says, and less a share for the units that an edit took without one."""
        levies = self._levies(line.taxes)
        due = total((levy.amount for levy in levies), whole.currency)
        net = whole - self._sum(row.subtotal for row in refunded)
        taken = self._sum(row.tax for row in refunded)
        given_back = sum(row.quantity for row in refunded)
        removed = line.qty_ordered - line.qty_current
        edited = removed > given_back
        if edited:
            net -= _part(whole, removed, line.qty_ordered) - _part(whole, given_back, line.qty_ordered)
            taken += _part(due, removed, line.qty_ordered) - _part(due, given_back, line.qty_ordered)
        return Sold(
            quantity=line.qty_current, price=price, net=net, levies=self._less(levies, taken), shared=edited
        )  # fmt: skip

    def _refunded_shipping(self, row: Shipping) -> list[tuple[Amount, Amount]]:
        first = self.order.shipping[0].line_id
        return [
            (back.amount, back.tax)
            for refund in self.order.refunds
            for back in refund.shipping
            if (back.shipping_line_id or first) == row.line_id
        ]

    def _whole(self, gross: Money, allocations: tuple[Allocation, ...]) -> Money:
        for allocation in allocations:
            gross -= allocation.amount.of(self.side)
        return gross

    def _levies(self, taxes: Iterable[Tax]) -> tuple[Levy, ...]:
        side = self.side
        return tuple(
            Levy(
                title=tax.title, rate=tax.rate, amount=tax.amount.of(side), by_channel=tax.liable is Liable.CHANNEL
            )
            for tax in taxes
        )  # fmt: skip

    def _less(self, levies: tuple[Levy, ...], taken: Money) -> tuple[Levy, ...]:
        """The levies after `taken` of their sum went back, spread by their size."""
        weights = [abs(levy.amount.minor) for levy in levies]
        if not taken or not sum(weights):
            return levies
        shares = spread(taken, weights)
        return tuple(
            Levy(title=levy.title, rate=levy.rate, amount=levy.amount - share, by_channel=levy.by_channel)
            for levy, share in zip(levies, shares, strict=True)
        )

    def _sum(self, amounts: Iterable[Amount]) -> Money:
        currency = self.order.currency_shop if self.side is Side.SHOP else self.order.currency_presentment
        return total((amount.of(self.side) for amount in amounts), currency)


def _part(amount: Money, units: int, of: int) -> Money:
    return Money.rounded(Fraction(amount.amount) * units / of, amount.currency)

"""The proof of an order's totals: what the source states, computed again from its parts.

Per currency side and exact to the minor unit. T is 0 where prices include tax, else 1; a removed shipping line is 0.

E1   total = lines (price x ordered - discounts) + shipping (price - discounts) + duties (unless included) + fees
     + tips outside lines + T x all taxes
E2   gross of the items         E3   all discounts         E4   all taxes         E6   each tax row of the order
E7   current total = total - refunds (lines and shipping with T x tax, duties)
E8   money paid back = refunds as in E7 - adjustments with their tax
E9   current total = sales of all agreements: for an edited order whose agreements are known
E11  outstanding = current total - received + paid back, up to cash rounding: where the movements are known
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from app.domains.orders.canonical import (
    Allocation,
    Amount,
    Duty,
    Order,
    RefundLine,
    RefundShipping,
    Shipping,
    Side,
    Tax,
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money, total

CURRENCY_CONVERSION = "currency_conversion"
_FINDINGS = frozenset({"E2", "E3", "E4", "E6"})
_RECEIVED = (TransactionKind.SALE, TransactionKind.CAPTURE)
_PAID_BACK = (TransactionKind.REFUND,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """One equation on one side: what is stated, what the parts make, and stated less computed."""

    equation: str
    side: Side
    stated: Money
    computed: Money
    difference: Money
    holds: bool
    about: str = ""  # the tax row, where the equation speaks of several


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """A difference with a name, small enough to be posted under it."""

    kind: str
    amount: Money
    bound: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether an order's totals reproduce; `decides` says whether it may be posted at all.

    `residual` is the conversion difference on the shop side of an order in two currencies whose presentment side
    holds. `tax_by_document` says that the source states taxes on the order and on none of its rows.
    """

    rows: tuple[ProofRow, ...]
    decides: bool
    decided_by: str  # E1, or E9 for an edited order whose agreements are known
    residual: Residual | None = None
    tax_by_document: bool = False
    edited: bool = False

    @property
    def findings(self) -> tuple[ProofRow, ...]:
        """What does not hold and yet stops nothing: remarks on the order. What conversion explains is none."""
        failing = [row for row in self.rows if row.equation in _FINDINGS and not row.holds]
        shown = {(row.equation, row.about) for row in failing if row.side is Side.PRESENTMENT}
        residual = self.residual
        return tuple(
            row
            for row in failing
            if residual is None or (row.equation, row.about) in shown or residual.bound < abs(row.difference)
        )

    @property
    def failure(self) -> ProofRow | None:
        """The row that stops the order; presentment first, which has no excuse."""
        failing = [row for row in self.rows if row.equation == self.decided_by and not row.holds]
        return max(failing, key=lambda row: row.side is Side.PRESENTMENT) if failing and not self.decides else None


def prove(order: Order) -> Proof:
    """Compute every equation that the order states enough for."""
    by_document = bool(order.document_taxes) and next(_taxes(order), None) is None
    counted = order.document_taxes if by_document else tuple(_taxes(order))
    rows = tuple(row for side in Side for row in _Equations(order, side, counted).rows())
    decided_by = "E9" if order.edited and order.edits else "E1"
    failing = [row for row in rows if row.equation == decided_by and not row.holds]
    residual = _conversion(order, failing, counted)
    return Proof(
        rows=rows,
        decides=not failing or residual is not None,
        decided_by=decided_by,
        residual=residual,
        tax_by_document=by_document,
        edited=order.edited,
    )


def require_proof(order: Order) -> Proof:
    """The proof; NeedsAttention `orders.totals_do_not_add_up` with equation, side, stated, computed and difference."""
    proof = prove(order)
    failure = proof.failure
    if failure is None:
        return proof
    raise NeedsAttention(
        "orders.totals_do_not_add_up",
        f"{failure.equation}, {failure.side} side: {order.name} states {failure.stated}, its parts make "
        f"{failure.computed}; the difference is {failure.difference}",
        about=str(order.ref),
        equation=failure.equation,
        side=str(failure.side),
        stated=str(failure.stated),
        computed=str(failure.computed),
        difference=str(failure.difference),
        edited=order.edited,
    )


class _Equations:
    """The equations of one order on one side; `counted` are the taxes that enter its total."""

    def __init__(self, order: Order, side: Side, counted: tuple[Tax, ...]) -> None:
        self.order, self.side, self.counted = order, side, counted
        self.of: Callable[[Amount], Money] = attrgetter(side)  # a side is named as its field is
        self.currency = order.currency_shop if side is Side.SHOP else order.currency_presentment

    def rows(self) -> Iterator[ProofRow]:
        order, totals = self.order, self.order.totals
        yield self.row("E1", totals.total, self.total())
        if totals.items_gross is not None:
            yield self.row("E2", totals.items_gross, self.gross())
        if totals.discounts is not None:
            yield self.row("E3", totals.discounts, self.sum(one.amount for one in _allocations(order)))
        if totals.tax is not None:
            yield self.row("E4", totals.tax, self.sum(one.amount for one in _taxes(order)))
        if totals.tax is not None or order.document_taxes:
            yield from self.tax_rows()
        given_back = self.given_back()
        yield self.row("E7", totals.current_total, totals.total.of(self.side) - given_back)
        if order.refunds:
            yield self.paid_back(given_back)
        if order.edited and order.edits:
            sales = self.sum(sale.amount for edit in order.edits for sale in edit.sales)
            yield self.row("E9", totals.current_total, sales)
        if order.transactions and totals.outstanding is not None:
            yield self.outstanding(totals.outstanding)

    def total(self) -> Money:
        order = self.order
        made = self.gross() - self.sum(one.amount for one in _allocations(order))
        made += self.sum(row.price for row in _shipping(order)) + self.sum(fee.price for fee in order.fees)
        if not order.duties_included:
            made += self.sum(duty.price for duty in _duties(order))
        if order.tip_outside_lines is not None:
            made += order.tip_outside_lines.of(self.side)
        return made + self.on_top(self.counted)

    def gross(self) -> Money:
        return total((line.unit_price.of(self.side) * line.qty_ordered for line in self.order.lines), self.currency)

    def tax_rows(self) -> Iterator[ProofRow]:
        on_rows, on_order = self.by_row(_row_taxes(self.order)), self.by_row(self.order.document_taxes)
        for title, rate in sorted(on_rows.keys() | on_order.keys(), key=str):
            stated = on_order.get((title, rate), Money.zero(self.currency))
            computed = on_rows.get((title, rate), Money.zero(self.currency))
            yield self.compared("E6", stated, computed, about=title if rate is None else f"{title} {rate}")

    def by_row(self, taxes: Iterable[Tax]) -> dict[tuple[str, Decimal | None], Money]:
        summed: dict[tuple[str, Decimal | None], Money] = {}
        for tax in taxes:
            key = (tax.title, tax.rate)
            amount = tax.amount.of(self.side)
            summed[key] = summed[key] + amount if key in summed else amount
        return summed

    def given_back(self) -> Money:
        """What all refunds say went back to the customer, before adjustments."""
        made = Money.zero(self.currency)
        for refund in self.order.refunds:
            made += self.refunded(refund.lines) + self.refunded(refund.shipping)
            made += self.sum(duty.price for duty in refund.duties)
            made += self.on_top(tax for duty in refund.duties for tax in duty.taxes)
        return made

    def refunded(self, rows: Iterable[RefundLine | RefundShipping]) -> Money:
        made = Money.zero(self.currency)
        for row in rows:
            made += (row.subtotal if isinstance(row, RefundLine) else row.amount).of(self.side)
            made += Money.zero(self.currency) if self.order.taxes_included else row.tax.of(self.side)
        return made

    def paid_back(self, given_back: Money) -> ProofRow:
        adjusted = [one for refund in self.order.refunds for one in refund.adjustments]
        moved = [one for refund in self.order.refunds for one in refund.transactions]
        computed = given_back - self.sum(one.amount for one in adjusted) - self.sum(one.tax for one in adjusted)
        return self.compared("E8", self.moved(moved, _PAID_BACK), computed)

    def outstanding(self, stated: Amount) -> ProofRow:
        order = self.order
        computed = order.totals.current_total.of(self.side) - self.moved(order.transactions, _RECEIVED)
        computed += self.moved(order.transactions, _PAID_BACK)
        rounded = [one for one in (order.cash_rounding_payment, order.cash_rounding_refund) if one is not None]
        slack = sum(abs(one.of(self.side).minor) for one in rounded)
        return self.compared("E11", stated.of(self.side), computed, slack=slack)

    def moved(self, transactions: Iterable[Transaction], kinds: tuple[TransactionKind, ...]) -> Money:
        successful = (one for one in transactions if one.status is TransactionStatus.SUCCESS and one.kind in kinds)
        return self.sum(one.amount for one in successful)

    def on_top(self, taxes: Iterable[Tax]) -> Money:
        return Money.zero(self.currency) if self.order.taxes_included else self.sum(one.amount for one in taxes)

    def sum(self, amounts: Iterable[Amount]) -> Money:
        return total(map(self.of, amounts), self.currency)

    def row(self, equation: str, stated: Amount, computed: Money) -> ProofRow:
        return self.compared(equation, stated.of(self.side), computed)

    def compared(self, equation: str, stated: Money, computed: Money, *, about: str = "", slack: int = 0) -> ProofRow:
        difference = stated - computed
        return ProofRow(
            equation=equation,
            side=self.side,
            stated=stated,
            computed=computed,
            difference=difference,
            holds=abs(difference.minor) <= slack,
            about=about,
        )


def _shipping(order: Order) -> Iterator[Shipping]:
    return (row for row in order.shipping if not row.is_removed)


def _duties(order: Order) -> Iterator[Duty]:
    return (duty for line in order.lines for duty in line.duties)


def _allocations(order: Order) -> Iterator[Allocation]:
    for line in order.lines:
        yield from line.allocations
    for row in _shipping(order):
        yield from row.allocations


def _row_taxes(order: Order) -> Iterator[Tax]:
    for line in order.lines:
        yield from line.taxes
    for row in _shipping(order):
        yield from row.taxes


def _taxes(order: Order) -> Iterator[Tax]:
    yield from _row_taxes(order)
    for duty in _duties(order):
        yield from duty.taxes
    for fee in order.fees:
        yield from fee.taxes


def _conversion(order: Order, failing: list[ProofRow], counted: tuple[Tax, ...]) -> Residual | None:
    """The shop side's residual: at most one minor unit for every row of money, each converted for itself."""
    if order.currency_shop == order.currency_presentment or [row.side for row in failing] != [Side.SHOP]:
        return None
    bearing = [line.unit_price for line in order.lines if line.qty_ordered]
    bearing += [row.price for row in _shipping(order)] + [fee.price for fee in order.fees]
    bearing += [one.amount for one in _allocations(order)] + [duty.price for duty in _duties(order)]
    bearing += [one.amount for one in counted]
    bearing += [order.tip_outside_lines] if order.tip_outside_lines is not None else []
    bound = Money(sum(1 for amount in bearing if amount.shop or amount.presentment), order.currency_shop)
    difference = failing[0].difference
    if bound < abs(difference):
        return None
    return Residual(kind=CURRENCY_CONVERSION, amount=difference, bound=bound)

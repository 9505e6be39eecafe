"""The lines of a document, band by band: each meaning has its own range of sequences.

A repeat of a line collides by its sequence instead of doubling, and read-back knows what every line stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.adapters.business_central.mapping.pieces import exactly, sequences
from app.adapters.business_central.mapping.plan import ROUNDING, ROUNDING_MEANING, PlannedLine
from app.adapters.business_central.mapping.remaining import Levy, Remaining, Sold
from app.adapters.business_central.mapping.terms import Mode, Terms
from app.adapters.business_central.mapping.text import Cuts, clean
from app.domains.orders.canonical import Line, LineKind, Order
from app.domains.orders.ports import Difference
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money

SHIPPING, TIP, GIFT_CARD, DUTY, FEE = 800000, 820000, 830000, 840000, 850000
TAX, CASH_ROUNDING, COMMENT = 900000, 980000, 999000
COMMENT_LENGTH = 100


MEANINGS = (
    (COMMENT, "comment"), (ROUNDING, ROUNDING_MEANING), (CASH_ROUNDING, "cash_rounding"), (TAX, "tax"), (FEE, "fee"),
    (DUTY, "duty"), (GIFT_CARD, "gift_card"), (TIP, "tip"), (SHIPPING, "shipping"), (0, "line"),
)  # fmt: skip


def meaning_of(sequence: int) -> str:
    """What a line stands for, by its band."""
    return next(meaning for start, meaning in MEANINGS if sequence >= start)


@dataclass(slots=True, kw_only=True)
class Bands:
    """Builds the lines of one order; `levies`, `shared` and `rows` are what it met on the way."""

    order: Order
    terms: Terms
    mode: Mode
    known: Mapping[str, Mapping[str, str]]
    cuts: Cuts
    waits: Mapping[str, Decimal] = field(default_factory=dict)
    levies: list[Levy] = field(default_factory=list)
    shared: int = 0
    rows: int = 0
    remaining: Remaining = field(init=False)
    zero: Money = field(init=False)
    by_document: bool = field(init=False)

    def __post_init__(self) -> None:
        self.remaining = Remaining(self.order, self.terms.side)
        self.zero = self.terms.zero(self.order)
        self.by_document = bool(self.order.document_taxes) and not any(self._taxed())

    def build(self) -> list[PlannedLine]:
        """Every line but rounding and comments."""
        lines = [
            *self._sold_lines(),
            *self._shipping(),
            *self._tips(),
            *self._duties(),
            *self._fees(),
        ]
        if self.by_document:
            self.levies = list(self.remaining.document_levies())
        return [*lines, *self._taxes(), *self._cash_rounding()]

    def comments(self) -> Iterator[PlannedLine]:
        """Order name, purchase order, back-orders and note, which have no field of their own on the head."""
        order = self.order
        waiting = ", ".join(
            f"{self.waits[one.line_id].normalize():f} {one.sku}" for one in order.lines if one.line_id in self.waits
        )
        parts = (
            order.name,
            order.po_number and f"PO {order.po_number}",
            waiting and f"back-order {waiting}",
            order.note,
        )
        text = " · ".join(clean(part) for part in parts if part)
        room = COMMENT_LENGTH * self.terms.comment_lines
        if self.terms.comment_lines and len(text) > room:
            told = Difference(field="comment", planned=f"{len(text)} characters", found=f"cut to {room} characters")
            self.cuts.told.append(told)
        for n in range(self.terms.comment_lines):
            piece = text[n * COMMENT_LENGTH : (n + 1) * COMMENT_LENGTH]
            if piece.strip():
                yield PlannedLine(sequence=COMMENT + n, meaning="comment", line_type="Comment", description=piece)

    def _sold_lines(self) -> Iterator[PlannedLine]:
        places = sequences(self.order, self.known.get("sequence", {}))
        for number, line in enumerate(self.order.lines, start=1):
            if line.kind is LineKind.TIP or not line.qty_current:
                continue
            sold = self._met(self.remaining.line(line))
            if line.kind is LineKind.GIFT_CARD:
                account = self.terms.account("gift_card_liability")
                yield from self._account_lines(
                    GIFT_CARD + number, "gift_card", sold, account, line.title, line_id=line.line_id, untaxed=True
                )
            else:
                yield from self._product(places[line.line_id], line, sold)

    def _product(self, sequence: int, line: Line, sold: Sold) -> Iterator[PlannedLine]:
        named = f"{line.title}, {line.variant_title}" if line.variant_title else line.title
        common: dict[str, Any] = {
            "meaning": "line",
            "line_id": line.line_id,
            "title": line.sku or line.title,
            "description": self.cuts.fit("description", named, where=f"line {sequence} "),
        }
        if line.sku:
            common |= {
                "line_type": "Item", "kind": "item", "key": line.sku,
                "has_variant": line.sku in self.known.get("variant", {}),
                "unit": self.known.get("unit", {}).get(line.sku, ""),
                "location": self._location(),
            }  # fmt: skip
        elif line.kind is LineKind.CUSTOM and self.terms.accounts.get("custom"):
            common |= {"line_type": "Account", "kind": "account", "key": self.terms.account("custom")}
        else:
            raise NeedsAttention(
                "orders.sku_unmapped",
                f'line "{line.title}" has no SKU; give it one at the channel, or set accounts.custom',
                about=f"line {line.title}",
                sku="",
                title=line.title,
            )
        title = next((levy.title for levy in sold.levies if not levy.by_channel), "")
        yield from self._pieces(sequence, sold, untaxed=not line.taxable, code=self._tax_code(title), common=common)

    def _shipping(self) -> Iterator[PlannedLine]:
        for number, row in enumerate(self.order.shipping, start=1):
            if row.is_removed:
                continue
            sold = self._met(self.remaining.shipping(row))
            if sold.price:
                account = self.terms.account("shipping")
                yield from self._account_lines(
                    SHIPPING + number, "shipping", sold, account, row.title or row.code or "Shipping", code="shipping"
                )

    def _tips(self) -> Iterator[PlannedLine]:
        tips = [
            (line.title, line.line_id, self.remaining.line(line))
            for line in self.order.lines
            if line.kind is LineKind.TIP and line.qty_current
        ]
        if outside := self.order.tip_outside_lines:
            tips.append(("Tip", "", self.remaining.plain(outside)))
        for number, (title, line_id, sold) in enumerate(tips):
            if self._met(sold).net:
                account = self.terms.account("tip")
                yield from self._account_lines(TIP + number, "tip", sold, account, title, line_id=line_id, untaxed=True)

    def _duties(self) -> Iterator[PlannedLine]:
        duties = [duty for line in self.order.lines for duty in line.duties]
        for number, duty in enumerate(duties):
            sold = self._met(self.remaining.duty(duty))
            if sold.net and not self.order.duties_included:
                account = self.terms.account("duty")
                yield from self._account_lines(
                    DUTY + number, "duty", sold, account, f"Duty {duty.hs_code}".strip(), code="duty"
                )

    def _fees(self) -> Iterator[PlannedLine]:
        for number, fee in enumerate(self.order.fees):
            sold = self._met(self.remaining.plain(fee.price, fee.taxes))
            if sold.net:
                account = self.terms.account("fee")
                yield from self._account_lines(FEE + number, "fee", sold, account, fee.name, code="fee")

    def _taxes(self) -> Iterator[PlannedLine]:
        """One line per tax title: all of them in `tax_lines`, else only what the channel owes the authority."""
        due: dict[tuple[str, bool], Money] = {}
        for levy in self.levies:
            if levy.by_channel or self.mode is Mode.TAX_LINES:
                key = (levy.title, levy.by_channel)
                due[key] = due.get(key, self.zero) + levy.amount
        for number, ((title, by_channel), amount) in enumerate(due.items(), start=1):
            if amount:
                account = self.terms.account("marketplace_tax") if by_channel else self.terms.tax_account(title)
                yield self._single(TAX + number, "tax", amount, account, title)

    def _cash_rounding(self) -> Iterator[PlannedLine]:
        rounded = self.order.cash_rounding_payment
        if rounded and (amount := rounded.of(self.terms.side)):
            yield self._single(
                CASH_ROUNDING, "cash_rounding", amount, self.terms.account("cash_rounding"), "Cash rounding"
            )

    def _account_lines(
        self, sequence: int, meaning: str, sold: Sold, account: str, title: str, *,
        code: str = "", line_id: str = "", untaxed: bool = False,
    ) -> Iterator[PlannedLine]:  # fmt: skip
        taxed = self.by_document or any(not levy.by_channel for levy in sold.levies)
        common: dict[str, Any] = {
            "meaning": meaning, "line_id": line_id, "line_type": "Account", "kind": "account", "key": account,
            "title": title, "description": self.cuts.fit("description", title, where=f"line {sequence} "),
        }  # fmt: skip
        yield from self._pieces(sequence, sold, untaxed=untaxed or not taxed, code=self._tax_code(code), common=common)

    def _pieces(
        self, sequence: int, sold: Sold, *, untaxed: bool, code: str, common: Mapping[str, Any]
    ) -> Iterator[PlannedLine]:
        rate = self._rate(sold)
        channel_only = bool(sold.levies) and all(levy.by_channel for levy in sold.levies)
        if untaxed or channel_only or self.mode is Mode.TAX_LINES:
            code, rate = self.terms.zero_tax_code, Decimal(0)
        for place, (quantity, price, discount) in enumerate(self._priced(sold, goods=common["meaning"] == "line")):
            yield PlannedLine(
                sequence=sequence + place, quantity=quantity, unit_price=price, discount=discount,
                tax_code=code, rate=rate, **common,
            )  # fmt: skip

    def _priced(self, sold: Sold, *, goods: bool) -> list[tuple[Decimal, Decimal, Decimal]]:
        """Quantity, price and discount; taxes that Business Central may not see inside a price are taken out of it."""
        foreign = self.zero
        if self.order.taxes_included:
            foreign = sold.channel_tax if self.mode is Mode.GROSS else sold.tax
        if foreign:
            return [
                (quantity, price, Decimal(0))
                for quantity, price in exactly(sold.net - foreign, sold.quantity if goods else 1)
            ]
        discount = max(sold.price.minor * sold.quantity - sold.net.minor, 0)
        return [(Decimal(sold.quantity), sold.price.amount, Money(discount, sold.net.currency).amount)]

    def _rate(self, sold: Sold) -> Decimal | None:
        return None if self.mode is Mode.ERP_TAX or self.by_document else sold.rate

    def _single(self, sequence: int, meaning: str, amount: Money, account: str, title: str) -> PlannedLine:
        return PlannedLine(
            sequence=sequence, meaning=meaning, line_type="Account", kind="account", key=account, title=title,
            description=self.cuts.fit("description", title, where=f"line {sequence} "), quantity=Decimal(1),
            unit_price=amount.amount, tax_code=self.terms.zero_tax_code,
        )  # fmt: skip

    def _tax_code(self, word: str) -> str:
        """The tax code of a tax by its title, or of shipping, a duty or a fee: by value map, else by the settings."""
        return self.known.get("tax_code", {}).get(word) or self.terms.tax_codes.get(word, "")

    def _location(self) -> str:
        """The place the order was taken at, where the value map knows it; else the connection's own."""
        place = self.order.channel.location
        return place if place in self.known.get("location", {}) else self.terms.location

    def _met(self, sold: Sold) -> Sold:
        self.levies += sold.levies
        self.shared += sold.shared
        self.rows += 1
        return sold

    def _taxed(self) -> Iterator[bool]:
        order = self.order
        yield from (bool(line.taxes) for line in order.lines)
        yield from (bool(row.taxes) for row in order.shipping)
        yield from (bool(fee.taxes) for fee in order.fees)
        yield from (bool(duty.taxes) for line in order.lines for duty in line.duties)

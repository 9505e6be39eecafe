"""What a sales order in Business Central shall look like, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.domains.orders.ports import Difference
from app.kernel.money import Money

Ids = Mapping[str, Mapping[str, str]]  # kind → our key → Business Central's id

ROUNDING = 990000
ROUNDING_MEANING = "rounding"
SHIPPED_BELOW = 800000  # bands from here on are money without goods


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """One line. `kind` and `key` name its object: item by SKU, account by number; a comment has neither.

    Amounts are in the document's currency; `rate` is the tax Business Central is expected to compute, None where the
    source named none.
    """

    sequence: int
    meaning: str
    line_type: str  # Item, Account or Comment
    description: str
    kind: str = ""
    key: str = ""
    line_id: str = ""
    title: str = ""  # what a person calls it
    quantity: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    tax_code: str = ""
    rate: Decimal | None = Decimal(0)
    has_variant: bool = False
    location: str = ""
    unit: str = ""

    def amount(self, currency: str) -> Money:
        """round(quantity × price) − discount, as Business Central has it."""
        return Money.rounded(self.quantity * self.unit_price, currency) - Money.rounded(self.discount, currency)

    def body(self, ids: Ids) -> dict[str, Any]:
        """The line as JSON. Business Central sets fields in the order they come, and some recompute others."""
        if self.line_type == "Comment":
            return {"sequence": self.sequence, "lineType": "Comment", "description": self.description}
        written: dict[str, Any] = {"sequence": self.sequence, f"{self.kind}Id": ids[self.kind][self.key]}
        if self.has_variant:
            written["itemVariantId"] = ids["variant"][self.key]
        if self.location:
            written["locationId"] = ids["location"][self.location]
        if self.unit:
            written["unitOfMeasureCode"] = self.unit
        if self.tax_code:
            written["taxCode"] = self.tax_code
        return written | self.figures() | {"description": self.description}

    def figures(self) -> dict[str, Decimal]:
        """What a change sets again, in this order: the discount is recomputed when quantity or price change."""
        return {"quantity": self.quantity, "unitPrice": self.unit_price, "discountAmount": self.discount}


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Whom the document is for: a customer of one's own (created where missing) or a collecting one."""

    key: str = ""  # the hub's account, for one's own
    number: str = ""  # computed, or the collecting customer's
    fields: Mapping[str, Any] = field(default_factory=dict)  # of a customer to create
    payment_method: str = ""  # of a customer to create: the channel's gateway, where the value map knows one

    @property
    def own(self) -> bool:
        return bool(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPlan:
    """A whole document and what its read-back must show.

    `total` is what the source says the order is worth, `tax` what it says of tax that Business Central computes, both
    exact; `tax_rows` bounds how far two ways of rounding may lie apart, in halves of a minor unit.
    """

    external_number: str
    currency: str
    prices_include_tax: bool | None  # None: not ours to say, the customer's own setting decides
    buyer: Buyer
    head: Mapping[str, Any]
    lines: tuple[PlannedLine, ...]
    total: Money
    tax: Money
    tax_rows: int
    total_slack: int
    tax_slack: int
    proves_rates: bool
    shipment_method: str = ""  # the channel's word for it, where the value map knows one
    cuts: tuple[Difference, ...] = ()

    @property
    def wants(self) -> dict[str, set[str]]:
        """The things whose ids the document needs, by kind."""
        wanted: dict[str, set[str]] = {}
        if self.shipment_method:
            wanted["shipment_method"] = {self.shipment_method}
        if self.buyer.payment_method:
            wanted["payment_method"] = {self.buyer.payment_method}
        for line in self.lines:
            if line.kind:
                wanted.setdefault(line.kind, set()).add(line.key)
            if line.location:
                wanted.setdefault("location", set()).add(line.location)
            if line.has_variant:
                wanted.setdefault("variant", set()).add(line.key)
        return wanted

    def line(self, sequence: int) -> PlannedLine | None:
        return next((line for line in self.lines if line.sequence == sequence), None)

    def body(self, ids: Ids, known_fields: Mapping[str, frozenset[str]]) -> dict[str, Any]:
        """The document as JSON for one deep insert. A field that $metadata does not name is left out."""
        buyer = self.buyer
        customer_id = ids.get("customer", {}).get(buyer.key, "") if buyer.own else ""
        whom = {"customerId": customer_id} if customer_id else {"customerNumber": buyer.number}
        terms: dict[str, Any] = {"currencyCode": self.currency}
        if self.prices_include_tax is not None:
            terms["pricesIncludeTax"] = self.prices_include_tax
        if self.shipment_method:
            terms["shipmentMethodId"] = ids["shipment_method"][self.shipment_method]
        head = {"externalDocumentNumber": self.external_number, **whom, **terms, **self.head}
        lines = [only(line.body(ids), known_fields.get("salesOrderLines")) for line in self.lines]
        return only(head, known_fields.get("salesOrders")) | {"salesOrderLines": lines}

    def adopting(self, amount: Decimal | None, account: str, tax_code: str) -> DocumentPlan:
        """The plan with the rounding line that a document already has: only its proof can say whether it is right."""
        if amount is None or not account:
            return self
        if (mine := self.line(ROUNDING)) is not None and mine.unit_price == amount:
            return self
        return self.with_rounding(rounding_line(Money.rounded(amount, self.currency), account, tax_code))

    def with_rounding(self, line: PlannedLine | None) -> DocumentPlan:
        """The plan with another rounding line, or none."""
        others = tuple(each for each in self.lines if each.meaning != ROUNDING_MEANING)
        return replace(self, lines=in_order((*others, line) if line else others))


def rounding_line(amount: Money, account: str, tax_code: str) -> PlannedLine | None:
    """The line that adds `amount` to the document without tax; None where nothing is to add."""
    if not amount:
        return None
    return PlannedLine(
        sequence=ROUNDING,
        meaning=ROUNDING_MEANING,
        line_type="Account",
        description="Rounding",
        title="Rounding",
        kind="account",
        key=account,
        quantity=Decimal(1),
        unit_price=amount.amount,
        tax_code=tax_code,
    )


def in_order(lines: Iterable[PlannedLine]) -> tuple[PlannedLine, ...]:
    return tuple(sorted(lines, key=lambda line: line.sequence))


def only(body: Mapping[str, Any], known: frozenset[str] | None) -> dict[str, Any]:
    return {name: value for name, value in body.items() if known is None or name in known}

"""Whether a document that was read back is the one that was planned, to the minor unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.adapters.business_central.mapping.plan import DocumentPlan, Ids, PlannedLine
from app.adapters.business_central.mapping.rounding import within
from app.domains.orders.ports import Difference
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """`faults` stop the order, `remarks` do not. `missing` is what the document's total lacks of the order's."""

    faults: tuple[Difference, ...]
    remarks: tuple[Difference, ...]
    missing: Decimal
    total: Decimal
    tax: Decimal

    @property
    def holds(self) -> bool:
        return not self.faults and not self.missing


def prove(document: Document, plan: DocumentPlan, ids: Ids) -> Proof:
    """Compare a sales order, read with its lines, with its plan.

    (a) the head: customer, currency, price mode, no discount of its own, the very set of sequences; (b) each line's
    object, quantity, price, discount and tax rate; (c) the total, exactly; (d) the tax, within half a minor unit for
    each tax row and VAT group.
    """
    faults = foreign(document, plan, ids)
    if discount := Decimal(document["discountAmount"]):
        faults.append(Difference(field="discountAmount", planned="0", found=_number(discount)))
    found = {line["sequence"]: line for line in document["salesOrderLines"]}
    planned = {line.sequence: line for line in plan.lines}
    if found.keys() != planned.keys():
        faults.append(Difference(field="lines", planned=_listed(planned), found=_listed(found)))
    for sequence in sorted(planned.keys() & found.keys()):
        faults += _line_faults(found[sequence], planned[sequence], plan, ids)
    total, tax = Decimal(document["totalAmountIncludingTax"]), Decimal(document["totalTaxAmount"])
    remarks = list(plan.cuts)
    if (told := _tax_difference(tax, plan)) is not None:
        exceeded = tax != Money.rounded(tax, plan.currency).amount or not within(
            Money.rounded(tax - plan.tax.amount, plan.currency), plan.tax_slack
        )
        (faults if exceeded else remarks).append(told)
    return Proof(
        faults=tuple(faults), remarks=tuple(remarks), missing=plan.total.amount - total, total=total, tax=tax
    )  # fmt: skip


def foreign(document: Document, plan: DocumentPlan, ids: Ids) -> list[Difference]:
    """What of the head is not as planned and cannot be changed any more: then it is not the hub's document."""
    pairs: list[tuple[str, str, str]] = []
    buyer = plan.buyer
    customer_id = ids.get("customer", {}).get(buyer.key, "") if buyer.own else ""
    if customer_id:
        pairs.append(("customerId", customer_id.lower(), str(document["customerId"]).lower()))
    else:
        pairs.append(("customerNumber", buyer.number, document["customerNumber"]))
    pairs.append(("currencyCode", plan.currency, document["currencyCode"] or plan.currency))
    wanted = bool(plan.prices_include_tax)
    pairs.append(("pricesIncludeTax", str(wanted), str(bool(document["pricesIncludeTax"]))))
    return [Difference(field=name, planned=planned, found=found) for name, planned, found in pairs if planned != found]


def differs(plan: DocumentPlan, proof: Proof, *, number: str, about: str) -> NeedsAttention:
    """The case of a document that is not what was planned."""
    rows = list(proof.faults)
    if proof.missing:
        rows.append(Difference(field="total", planned=str(plan.total.text), found=_number(proof.total)))
    return NeedsAttention(
        "erp.total_differs",
        f"{about}: Business Central's {number} is not the order ({', '.join(row.field for row in rows)}); correct it "
        "there and replay, do not ship or invoice it before",
        about=about,
        number=number,
        differences=[{"field": row.field, "planned": row.planned, "found": row.found} for row in rows],
    )


def _line_faults(line: Document, planned: PlannedLine, plan: DocumentPlan, ids: Ids) -> list[Difference]:
    if planned.line_type == "Comment":
        return []
    told = [
        Difference(field=f"line {planned.sequence} {name}", planned=_number(wanted), found=_number(Decimal(line[name])))
        for name, wanted in planned.figures().items()
        if Decimal(line[name]) != wanted
    ]
    wanted_id, found_id = ids[planned.kind][planned.key].lower(), str(line[f"{planned.kind}Id"]).lower()
    if wanted_id != found_id:
        told.append(Difference(field=f"line {planned.sequence} object", planned=wanted_id, found=found_id))
    percent = Decimal(line["taxPercent"])
    expected = planned.rate * 100 if plan.proves_rates and planned.rate is not None else percent
    if percent != expected and planned.amount(plan.currency):
        name = f"line {planned.sequence} taxPercent"
        told.append(Difference(field=name, planned=_number(expected), found=_number(percent)))
    return told


def _tax_difference(tax: Decimal, plan: DocumentPlan) -> Difference | None:
    if tax == plan.tax.amount:
        return None
    return Difference(field="tax", planned=plan.tax.text, found=_number(tax))


def _listed(sequences: Mapping[int, Any]) -> str:
    return ", ".join(str(sequence) for sequence in sorted(sequences))


def _number(value: Decimal) -> str:
    """A decimal as people write it: 12.50 and 12.5 are one value, so zeros at the end go."""
    return f"{value.normalize():f}" if value else "0"

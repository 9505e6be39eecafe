"""What Business Central's own people do: release orders, ship and invoice them, undo, count goods, edit records.

POST /_business_central/release {"number"} · ship {"number", "lines"?: [{"sequence", "quantity"}], "invoice"?, "undo"?}
· count {"number", "quantity"} · edit {"set", "number" or "code" or "id", "values"}
· companies {"name", "currency", "sales_tax", …} · age {"days"}.
Each takes "company" (name or id), else the first company is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.sandbox.business_central.company import Change, Company, Row
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import Refusal
from app.sandbox.business_central.kinds import ORDER
from app.sandbox.business_central.ledger import adjust_stock
from app.sandbox.business_central.posting import post_invoice, post_shipment, release, undo_shipment
from app.sandbox.business_central.subscriptions import Subscriptions
from app.sandbox.companies import CompanySpec, vat_company
from app.sandbox.web import Answer, Request, Unreadable, json_answer, refusal

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What one shipping made: documents with their lines (None where nothing was), and the place the goods left."""

    shipment: Document | None
    lines: tuple[Document, ...]
    location: str
    invoice: Document | None
    billed: tuple[Document, ...]


class People:
    """The people of all companies."""

    def __init__(
        self,
        companies: Mapping[str, Company],
        add_company: Callable[[CompanySpec], Company],
        subscriptions: Subscriptions,
    ) -> None:
        self._companies, self._add_company, self._subscriptions = companies, add_company, subscriptions

    def release(self, number: str, *, company: str = "") -> Document:
        """Release an order; return it. Raises Refusal."""
        with self._company(company).change() as change:
            return release(change, self._order(change, number)).document

    def ship(
        self,
        number: str,
        quantities: Mapping[int, Decimal] | None = None,
        *,
        invoice_too: bool = False,
        company: str = "",
    ) -> Departure:
        """Ship quantities by sequence, or all that is open, and invoice what is shipped when asked to."""
        with self._company(company).change() as change:
            order = self._order(change, number)
            lines = change.company.tables[ORDER.lines].where("documentId", order["id"])
            if quantities is None:
                quantities = {line["sequence"]: line["quantity"] - line["shippedQuantity"] for line in lines}
            _check_open(lines, quantities)
            location = _location(change.company, lines)
            order, shipment = post_shipment(change, order, quantities)
            invoice = None
            if invoice_too:
                lines = change.company.tables[ORDER.lines].where("documentId", order["id"])
                billed = {line["sequence"]: line["shippedQuantity"] - line["invoicedQuantity"] for line in lines}
                invoice = post_invoice(change, order, billed)
            return Departure(
                shipment=None if shipment is None else shipment.document,
                lines=_lines(change.company, "salesShipmentLines", shipment),
                location=location,
                invoice=None if invoice is None else invoice.document,
                billed=_lines(change.company, "salesInvoiceLines", invoice),
            )

    def open_orders(self) -> list[tuple[str, Document]]:
        """Return the orders that nothing or not all was shipped of, with their company's id."""
        return [
            (company.id, row.document)
            for company in self._companies.values()
            for row in list(company.tables[ORDER.head].rows.values())
            if not row["fullyShipped"]
        ]

    def lines(self, number: str, *, company: str = "") -> tuple[Document, ...]:
        """Return the lines of an order. Raises Unreadable when it is gone."""
        with self._company(company).change() as change:
            return _lines(change.company, ORDER.lines, self._order(change, number))

    def undo(self, shipment: str, *, company: str = "") -> Document:
        """Undo a shipment; return it. Raises Refusal."""
        with self._company(company).change() as change:
            row = change.company.first("salesShipments", "number", shipment)
            if row is None:
                raise Unreadable(f"There is no shipment {shipment}.")
            return undo_shipment(change, row).document

    def edit(self, set_name: str, by: str, value: str, values: Mapping[str, Any], *, company: str = "") -> Document:
        """Set any values of one record, past the rules of the API."""
        if set_name not in ENTITIES:
            raise Unreadable(f"{set_name!r} is no entity set.")
        with self._company(company).change() as change:
            rows = change.company.tables[set_name].rows.values()
            found = [row for row in rows if not by or row[by] == value]
            if not found:
                raise Unreadable(f"There is no record in {set_name} with {by} {value!r}.")
            return change.update(set_name, found[0], values).document

    def count(self, number: str, quantity: Decimal, *, company: str = "") -> Document:
        """Find that so many of an item lie there, and post the difference."""
        with self._company(company).change() as change:
            item = change.company.first("items", "number", number)
            if item is None:
                raise Unreadable(f"There is no item {number}.")
            return adjust_stock(change, item, quantity - item["inventory"]).document

    def answer(self, request: Request) -> Answer:
        """Answer /_business_central/<what>."""
        if request.method != "POST":
            return refusal(405, "Business Central's people take POST.")
        what = request.path.partition("/")[2]
        run = {"release": self._release, "ship": self._ship, "edit": self._edit, "count": self._count,
               "companies": self._companies_added, "age": self._age}.get(what)  # fmt: skip
        written = request.json()
        if run is None or not isinstance(written, dict):
            return refusal(404, f"Business Central's people do not know {what!r}.")
        try:
            return json_answer(run(written))
        except Refusal as refused:
            return refused.answer()
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            return refusal(400, f"What is written cannot be read: {error!r}.")

    def _release(self, written: Document) -> Document:
        return {"order": self.release(_text(written, "number"), company=written.get("company", ""))}

    def _ship(self, written: Document) -> Document:
        company = written.get("company", "")
        if written.get("undo"):
            return {"shipment": self.undo(str(written["undo"]), company=company)}
        lines = written.get("lines")
        quantities = None if lines is None else {int(line["sequence"]): Decimal(line["quantity"]) for line in lines}
        departure = self.ship(
            _text(written, "number"), quantities, invoice_too=bool(written.get("invoice")), company=company
        )
        return {"shipment": departure.shipment, "invoice": departure.invoice}

    def _count(self, written: Mapping[str, Any]) -> Document:
        quantity = Decimal(str(written.get("quantity", "0")))
        return self.count(str(written.get("number", "")), quantity, company=str(written.get("company", "")))

    def _edit(self, written: Document) -> Document:
        by = next((name for name in ("number", "code", "id") if name in written), "")
        return {
            "record": self.edit(
                _text(written, "set"), by, written.get(by, ""), written["values"], company=written.get("company", "")
            )
        }

    def _companies_added(self, written: Document) -> Document:
        spec = vat_company(
            _text(written, "name"),
            currency=str(written.get("currency", "EUR")),
            standard=str(written.get("standard", "19")),
            reduced=str(written.get("reduced", "7")),
            tenant=str(written.get("tenant", "marlow")),
        )
        return {"id": self._add_company(spec).id, "name": spec.name}

    def _age(self, written: Document) -> Document:
        self._subscriptions.age(float(written.get("days", 0)))
        return {}

    def _company(self, named: str) -> Company:
        if not named:
            return next(iter(self._companies.values()))
        for company in self._companies.values():
            if named in {company.id, company.spec.name}:
                return company
        raise Unreadable(f"There is no company {named!r}.")

    def _order(self, change: Change, number: str) -> Row:
        order = change.company.first(ORDER.head, "number", number)
        if order is None:
            raise Unreadable(f"There is no sales order {number}.")
        return order


def _lines(company: Company, set_name: str, head: Row | None) -> tuple[Document, ...]:
    rows = () if head is None else company.tables[set_name].where("documentId", head["id"])
    return tuple(row.document for row in rows)


def _location(company: Company, lines: Iterable[Row]) -> str:
    """Return the code of the place that a line names first, else of the first place there is."""
    places = company.tables["locations"].rows
    named = (places[line["locationId"]] for line in lines if line["locationId"] in places)
    place = next(named, None) or next(iter(places.values()))
    return str(place["code"])


def _check_open(lines: Iterable[Row], quantities: Mapping[int, Decimal]) -> None:
    for line in lines:
        open_quantity = line["quantity"] - line["shippedQuantity"]
        if abs(quantities.get(line["sequence"], Decimal(0))) > abs(open_quantity):
            raise Unreadable(f"Line {line['sequence']} has {open_quantity} to ship.")


def _text(written: Document, name: str) -> str:
    value = written.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is missing.")
    return value

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.erp_client import Erp

pytestmark = pytest.mark.capability("TRY-1")

DIALOG = "Application_DialogException"
FIELD = "Application_FieldValidationException"


def _line(order: Any, sequence: int) -> Any:
    return next(line for line in order["salesOrderLines"] if line["sequence"] == sequence)


def _invoice(erp: Erp, order: Any) -> Any:
    return erp.all(f"salesInvoices?$filter=orderNumber eq '{order['number']}'&$expand=salesInvoiceLines")[-1]


class TestShipping:
    def test_a_shipment_joins_the_order_by_its_number_and_the_lines_by_their_sequence(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(3, 10, sequence=1000), erp.account_line("4100", 5, sequence=800001))
        erp.people("ship", number=order["number"], lines=[{"sequence": 1000, "quantity": 2}])
        [shipment] = erp.all(f"salesShipments?$filter=orderNumber eq '{order['number']}'&$expand=salesShipmentLines")
        [line] = shipment["salesShipmentLines"]
        assert (shipment["number"], line["sequence"], line["quantity"]) == ("S-1001", 1000, 2)
        changed = erp.read(order)
        assert (changed["status"], changed["fullyShipped"]) == ("Open", False)
        assert (_line(changed, 1000)["shippedQuantity"], _line(changed, 1000)["shipQuantity"]) == (2, 1)

    def test_shipping_takes_items_from_stock_and_writes_their_entry(self, erp: Erp) -> None:
        [before] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        order = erp.order(erp.item_line(4, 10, sequence=1000))
        erp.people("ship", number=order["number"])
        [after] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        [entry] = erp.all("itemLedgerEntries?$filter=itemNumber eq 'MO-TEE-M'")
        assert before["inventory"] - after["inventory"] == 4
        assert (entry["quantity"], entry["documentNumber"]) == (-4, "S-1001")
        assert erp.read(order)["fullyShipped"] is True

    def test_an_undone_shipment_shows_a_negative_line_and_gives_the_stock_back(self, erp: Erp) -> None:
        [before] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        order = erp.order(erp.item_line(4, 10, sequence=1000))
        shipment = erp.people("ship", number=order["number"])["shipment"]
        erp.people("ship", number=order["number"], undo=shipment["number"])
        lines = erp.all(f"salesShipments({shipment['id']})/salesShipmentLines")
        assert [(line["sequence"], line["quantity"]) for line in lines] == [(1000, 4), (1500, -4)]
        [after] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        assert after["inventory"] == before["inventory"]
        assert _line(erp.read(order), 1000)["shippedQuantity"] == 0

    def test_shipments_offer_nothing_but_reading(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10))
        shipment = erp.people("ship", number=order["number"])["shipment"]
        path = f"salesShipments({shipment['id']})"
        assert erp.refused("PATCH", path, {}, If_Match="*")[1] == "BadRequest_MethodNotAllowed"
        assert erp.refused("DELETE", path, If_Match="*")[1] == "BadRequest_MethodNotAllowed"


class TestInvoicing:
    def test_a_whole_order_shipped_and_invoiced_is_gone_and_lives_on_as_its_invoice(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(2, 10, sequence=1000), externalDocumentNumber="WEB-1")
        answer = erp.act("salesOrders", order, "shipAndInvoice")
        invoice = erp.get(answer.headers["Location"])
        assert (answer.status, answer.data) == (204, b"")
        assert erp.refused("GET", f"salesOrders({order['id']})")[:2] == (404, "Internal_RecordNotFound")
        assert erp.all("salesOrders?$filter=externalDocumentNumber eq 'WEB-1'") == []
        assert (invoice["orderId"], invoice["orderNumber"]) == (order["id"], order["number"])
        assert (invoice["externalDocumentNumber"], invoice["status"]) == ("WEB-1", "Open")
        assert (invoice["totalAmountIncludingTax"], invoice["remainingAmount"]) == (20, 20)

    def test_the_books_keep_an_order_that_is_gone(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(2, 10, sequence=1000))
        erp.act("salesOrders", order, "shipAndInvoice")
        [kept] = erp.http.request("GET", f"{erp.served.url}/_books/salesOrders").json()
        assert (kept["number"], kept["_deleted"], kept["_because"]) == (order["number"], True, "invoiced")
        assert [line["invoicedQuantity"] for line in kept["salesOrderLines"]] == [2]

    def test_only_what_the_lines_say_is_posted(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(3, 10, sequence=1000), erp.item_line(2, 7, sequence=2000))
        first, second = _line(order, 1000), _line(order, 2000)
        erp.change("salesOrderLines", first, {"shipQuantity": 1})
        erp.change("salesOrderLines", erp.get(f"salesOrderLines({second['id']})"), {"shipQuantity": 0})
        erp.act("salesOrders", order, "shipAndInvoice")
        after = erp.read(order)
        assert [line["invoicedQuantity"] for line in after["salesOrderLines"]] == [1, 0]
        assert (_invoice(erp, order)["totalAmountIncludingTax"], after["status"]) == (10, "Open")
        erp.act("salesOrders", after, "shipAndInvoice")
        assert [each["totalAmountIncludingTax"] for each in erp.all("salesInvoices")] == [10, 34]
        assert erp.all("salesOrders") == []

    def test_parts_of_a_discount_are_rounded_part_by_part(self, vat: Erp) -> None:
        # 3 x 10.00 less 1.00: thirds of 0.33, so three invoices say 9.67 each, 29.01 together, not 29.00.
        order = vat.order(vat.item_line(3, 10, 1, sequence=1000), pricesIncludeTax=True)
        for _ in range(3):
            line = _line(vat.read(order), 1000)
            vat.change("salesOrderLines", line, {"shipQuantity": 1})
            vat.act("salesOrders", order, "shipAndInvoice")
        assert [each["totalAmountIncludingTax"] for each in vat.all("salesInvoices")] == [9.67, 9.67, 9.67]
        assert order["totalAmountIncludingTax"] == 29

    def test_more_than_there_is_cannot_be_shipped_or_invoiced(self, erp: Erp) -> None:
        line = _line(erp.order(erp.item_line(3, 10, sequence=1000)), 1000)
        path, own = f"salesOrderLines({line['id']})", {"If_Match": line["@odata.etag"]}
        assert "cannot ship more than 3" in erp.refused("PATCH", path, {"shipQuantity": 4}, **own)[2]
        assert "cannot invoice more than 1" in erp.refused(
            "PATCH", path, {"shipQuantity": 1, "invoiceQuantity": 2}, **own
        )[2]  # fmt: skip

    def test_an_item_charge_stops_the_posting_of_everything(self, erp: Erp) -> None:
        charge = {"lineType": "Charge", "lineObjectNumber": "FREIGHT", "quantity": 1, "unitPrice": 5}
        order = erp.order(erp.item_line(1, 10, sequence=1000), charge)
        refused = erp.refused("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice", {})
        assert (refused[1], "item charge FREIGHT" in refused[2]) == (DIALOG, True)
        assert (erp.all("salesInvoices"), erp.all("salesShipments")) == ([], [])
        assert _line(erp.read(order), 1000)["shippedQuantity"] == 0

    @pytest.mark.parametrize(
        ("period", "allowed"),
        [
            ({"allowPostingFrom": "2099-01-01"}, False),
            ({"allowPostingTo": "2021-01-31"}, False),
            ({"allowPostingFrom": "2020-01-01", "allowPostingTo": "2099-01-01"}, True),
        ],
    )
    def test_nothing_is_posted_outside_the_allowed_dates(self, erp: Erp, period: dict[str, str], allowed: bool) -> None:
        order = erp.order(erp.item_line(1, 10))
        erp.edit("generalLedgerSetup", period)
        if allowed:
            assert erp.act("salesOrders", order, "shipAndInvoice").status == 204
        else:
            refused = erp.refused("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice", {})
            assert (refused[1], "range of allowed posting dates" in refused[2]) == (FIELD, True)
            assert erp.all("salesInvoices") == []

    @pytest.mark.parametrize("blocked", ["Ship", "Invoice", "All"])
    def test_nothing_is_posted_for_a_blocked_customer(self, erp: Erp, blocked: str) -> None:
        order = erp.order(erp.item_line(1, 10))
        erp.edit("customers", {"blocked": blocked}, number="WEB")
        refused = erp.refused("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice", {})
        assert (refused[1], "is blocked" in refused[2]) == (DIALOG, True)

    def test_a_customer_without_posting_groups_cannot_be_posted(self, erp: Erp) -> None:
        erp.edit("customers", {"_postingGroups": False}, number="WEB")
        order = erp.order(erp.item_line(1, 10))
        refused = erp.refused("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice", {})
        assert (refused[1], "Customer Posting Group" in refused[2]) == (FIELD, True)

    def test_an_order_without_lines_or_quantities_has_nothing_to_post(self, erp: Erp) -> None:
        for order in (erp.order(), erp.order({"itemId": erp.item()})):
            assert erp.act("salesOrders", order, "shipAndInvoice").status == 400

    def test_an_invoice_is_booked_and_owed(self, vat: Erp) -> None:
        order = vat.order(vat.item_line(1, 100), vat.account_line("4100", 10))
        vat.act("salesOrders", order, "shipAndInvoice")
        entries = vat.all("generalLedgerEntries?$filter=documentNumber eq 'PSI-1001'")
        booked = {entry["accountNumber"]: entry["debitAmount"] - entry["creditAmount"] for entry in entries}
        assert booked == {"1200": 130.9, "4000": -100, "4100": -10, "2300": -20.9}
        [owed] = vat.all("customerFinancialDetails?$filter=number eq 'WEB'")
        assert (owed["balance"], owed["totalSalesExcludingTax"]) == (130.9, 110)


class TestDeleting:
    def test_a_deleted_order_is_gone_with_its_number(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10))
        assert erp.ask("DELETE", f"salesOrders({order['id']})", If_Match=order["@odata.etag"]).status == 204
        assert erp.order()["number"] == "SO-1002"
        [kept, _] = erp.http.request("GET", f"{erp.served.url}/_books/salesOrders").json()
        assert (kept["_because"], len(kept["salesOrderLines"])) == ("deleted", 1)

    def test_an_order_with_shipped_goods_cannot_be_deleted(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(2, 10, sequence=1000))
        erp.people("ship", number=order["number"], lines=[{"sequence": 1000, "quantity": 1}])
        refused = erp.refused("DELETE", f"salesOrders({order['id']})", If_Match="*")
        assert (refused[1], "has been shipped" in refused[2]) == (DIALOG, True)

    def test_a_removed_line_lowers_the_total(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10, sequence=1000), erp.item_line(1, 7, sequence=2000))
        line = _line(order, 2000)
        assert erp.ask("DELETE", f"salesOrderLines({line['id']})", If_Match=line["@odata.etag"]).status == 204
        after = erp.read(order)
        assert (after["totalAmountIncludingTax"], len(after["salesOrderLines"])) == (10, 1)

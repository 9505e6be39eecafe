from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.erp_client import NOWHERE, Erp

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


class TestCorrections:
    def _posted(self, erp: Erp) -> Any:
        order = erp.order(erp.item_line(2, 10, sequence=1000))
        return erp.get(erp.act("salesOrders", order, "shipAndInvoice").headers["Location"])

    def test_a_cancelled_invoice_owes_nothing_and_the_goods_are_back(self, erp: Erp) -> None:
        [before] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        invoice = self._posted(erp)
        assert erp.act("salesInvoices", invoice, "cancel").status == 204
        after = erp.get(f"salesInvoices({invoice['id']})")
        assert (after["status"], after["remainingAmount"]) == ("Canceled", 0)
        [memo] = erp.all("salesCreditMemos")
        assert (memo["invoiceNumber"], memo["status"]) == (invoice["number"], "Corrective")
        [item] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        assert item["inventory"] == before["inventory"]
        assert erp.all("customerFinancialDetails?$filter=number eq 'WEB'")[0]["balance"] == 0
        refused = erp.refused("POST", f"salesInvoices({invoice['id']})/Microsoft.NAV.cancel", {})
        assert "already been canceled" in refused[2]

    @pytest.mark.parametrize("paid", [5, 20])
    def test_a_paid_invoice_cannot_be_cancelled(self, erp: Erp, paid: int) -> None:
        invoice = self._posted(erp)
        journal = erp.add("customerPaymentJournals", {"code": "PAY1", "balancingAccountId": erp.account("1100")})
        erp.add(
            f"customerPaymentJournals({journal['id']})/customerPayments",
            {"customerNumber": "WEB", "documentNumber": "P-1", "amount": -paid,
             "appliesToInvoiceNumber": invoice["number"]},
        )  # fmt: skip
        assert erp.ask("POST", f"journals({journal['id']})/Microsoft.NAV.post", {}).status == 204
        after = erp.get(f"salesInvoices({invoice['id']})")
        assert (after["remainingAmount"], after["status"]) == (20 - paid, "Paid" if paid == 20 else "Open")
        refused = erp.refused("POST", f"salesInvoices({invoice['id']})/Microsoft.NAV.cancel", {})
        assert (refused[1], "fully or partially paid" in refused[2]) == (DIALOG, True)
        assert erp.all("salesCreditMemos") == []

    def test_a_corrective_credit_memo_copies_the_price_mode_and_is_a_draft(self, vat: Erp) -> None:
        order = vat.order(vat.item_line(2, 11.90, sequence=1000), pricesIncludeTax=True)
        invoice = vat.get(vat.act("salesOrders", order, "shipAndInvoice").headers["Location"])
        answer = vat.act("salesInvoices", invoice, "makeCorrectiveCreditMemo")
        memo = vat.get(answer.headers["Location"] + "?$expand=salesCreditMemoLines")
        assert (memo["pricesIncludeTax"], memo["status"], memo["totalAmountIncludingTax"]) == (True, "Draft", 23.8)
        [line] = memo["salesCreditMemoLines"]
        vat.change("salesCreditMemoLines", line, {"quantity": 1, "unitPrice": 11.90})
        assert vat.act("salesCreditMemos", memo, "post").status == 204
        posted = vat.get(f"salesCreditMemos({memo['id']})")
        assert (posted["status"], posted["number"], posted["totalAmountIncludingTax"]) == ("Open", "PSCM-1001", 11.9)
        assert vat.get(f"salesInvoices({invoice['id']})")["remainingAmount"] == 11.9

    def test_a_draft_invoice_is_posted_under_its_own_id_and_cannot_be_changed_then(self, erp: Erp) -> None:
        body = {"customerNumber": "WEB", "salesInvoiceLines": [erp.item_line(1, 10)]}
        draft = erp.add("salesInvoices", body)
        assert erp.act("salesInvoices", draft, "post").status == 204
        posted = erp.get(f"salesInvoices({draft['id']})")
        assert (draft["number"], posted["number"], posted["status"]) == ("SI-1001", "PSI-1001", "Open")
        path = f"salesInvoices({draft['id']})"
        assert erp.refused("PATCH", path, {"shipToName": "X"}, If_Match="*")[1] == DIALOG
        assert erp.refused("POST", f"{path}/Microsoft.NAV.post", {})[1] == DIALOG

    def test_a_credit_memo_puts_items_back_and_accounts_not(self, erp: Erp) -> None:
        [before] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        lines = [erp.item_line(3, 10), erp.account_line("4800", 2)]
        memo = erp.add("salesCreditMemos", {"customerNumber": "WEB", "salesCreditMemoLines": lines})
        erp.act("salesCreditMemos", memo, "post")
        [after] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        assert after["inventory"] - before["inventory"] == 3
        assert erp.all("customerFinancialDetails?$filter=number eq 'WEB'")[0]["balance"] == -32


class TestJournals:
    def _journal(self, erp: Erp, *lines: dict[str, Any]) -> Any:
        journal = erp.add("journals", {"code": "hub-1", "displayName": "Settlement"})
        for line in lines:
            erp.add(f"journals({journal['id']})/journalLines", {"documentNumber": "J-1", **line})
        return journal

    def test_a_batch_is_posted_whole_and_its_lines_are_gone(self, erp: Erp) -> None:
        journal = self._journal(
            erp,
            {"accountNumber": "1010", "amount": 97.10},
            {"accountNumber": "4310", "amount": 2.90},
            {"accountType": "Customer", "accountNumber": "WEB", "amount": -100},
        )
        assert journal["code"] == "HUB-1"
        assert erp.act("journals", journal, "post").status == 204
        entries = erp.all("generalLedgerEntries?$filter=documentNumber eq 'J-1'")
        booked = {entry["accountNumber"]: entry["debitAmount"] - entry["creditAmount"] for entry in entries}
        assert booked == {"1010": 97.1, "4310": 2.9, "1200": -100}
        assert erp.all(f"journals({journal['id']})/journalLines") == []
        assert erp.all("customerFinancialDetails?$filter=number eq 'WEB'")[0]["balance"] == -100
        assert "nothing to post" in erp.refused("POST", f"journals({journal['id']})/Microsoft.NAV.post", {})[2]

    @pytest.mark.parametrize(
        ("lines", "code", "word"),
        [
            ([{"accountNumber": "1010", "amount": 5}], DIALOG, "out of balance by 5"),
            ([{"accountNumber": "1010", "amount": 5},
              {"accountNumber": "4000", "amount": -5}], FIELD, "Direct Posting"),
            ([{"accountNumber": "1010", "amount": 5, "postingDate": "2019-12-31"},
              {"accountNumber": "4310", "amount": -5, "postingDate": "2019-12-31"}], FIELD, "allowed posting dates"),
            ([{"accountNumber": "1010", "amount": 5, "documentNumber": ""},
              {"accountNumber": "4310", "amount": -5, "documentNumber": ""}], FIELD, "Document No."),
        ],
    )  # fmt: skip
    def test_one_wrong_line_posts_nothing(self, erp: Erp, lines: list[dict[str, Any]], code: str, word: str) -> None:
        journal = self._journal(erp, *lines)
        refused = erp.refused("POST", f"journals({journal['id']})/Microsoft.NAV.post", {})
        assert (refused[1], word in refused[2]) == (code, True)
        assert erp.all("generalLedgerEntries") == []
        assert len(erp.all(f"journals({journal['id']})/journalLines")) == len(lines)

    def test_a_balancing_account_balances_every_line(self, erp: Erp) -> None:
        journal = erp.add("journals", {"code": "HUB-2", "balancingAccountId": erp.account("1100")})
        line = {"accountNumber": "4310", "amount": 3, "documentNumber": "J-2"}
        erp.add(f"journals({journal['id']})/journalLines", line)
        erp.act("journals", journal, "post")
        entries = erp.all("generalLedgerEntries?$filter=documentNumber eq 'J-2'")
        assert [(each["accountNumber"], each["debitAmount"], each["creditAmount"]) for each in entries] == [
            ("4310", 3, 0), ("1100", 0, 3),
        ]  # fmt: skip

    def test_codes_lines_and_accounts_are_checked_when_they_are_sent(self, erp: Erp) -> None:
        journal = self._journal(erp, {"accountNumber": "1010", "amount": 1})
        lines = f"journals({journal['id']})/journalLines"
        same = "Internal_EntityWithSameKeyExists"
        assert erp.refused("POST", "journals", {"code": "HUB-1"})[1] == same
        assert erp.refused("POST", "journals", {"code": "ELEVEN-CHAR"})[1] == "Application_StringExceededLength"
        assert erp.refused("POST", lines, {"lineNumber": 10000})[1] == same
        assert erp.refused("POST", lines, {"accountNumber": "9999"})[1] == DIALOG
        assert erp.refused("POST", lines, {"currencyCode": "USD"})[1] == "BadRequest"
        assert erp.refused("GET", "journalLines")[1] == DIALOG
        assert erp.refused("POST", "journalLines", {"accountNumber": "1010"})[1] == DIALOG

    def test_a_payment_journal_is_found_as_a_journal_by_its_id_only(self, erp: Erp) -> None:
        journal = erp.add("customerPaymentJournals", {"code": "PAY", "balancingAccountId": erp.account("1100")})
        assert "templateDisplayName" not in journal
        assert erp.all("journals") == []
        assert [each["code"] for each in erp.all("customerPaymentJournals")] == ["PAY"]
        assert erp.get(f"journals({journal['id']})")["templateDisplayName"] == "CASHRCPT"
        payments = f"customerPaymentJournals({journal['id']})/customerPayments"
        assert "negative" in erp.refused("POST", payments, {"customerNumber": "WEB", "amount": 5})[2]
        payment = erp.add(payments, {"customerNumber": "WEB", "amount": -5, "documentNumber": "P-1"})
        assert payment["customerId"] != NOWHERE

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.erp_client import NOWHERE, Erp

pytestmark = pytest.mark.capability("TRY-1")

DIALOG = "Application_DialogException"
FIELD = "Application_FieldValidationException"


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

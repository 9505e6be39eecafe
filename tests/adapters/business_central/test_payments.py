"""Payments in the books beyond what every PaymentSink promises: accounts, journals, what is applied to what."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.kernel.errors import Ambiguous, NeedsAttention
from tests.adapters.business_central.erp import PAYMENT_ACCOUNTS, Erp, a_us_company, an_erp
from tests.contracts.payment_sink import a_payment

pytestmark = [pytest.mark.capability("ORD-5"), pytest.mark.capability("SYS-dynamics-bc")]


def entries(erp: Erp) -> dict[str, Decimal]:
    """Debits less credits by account."""
    sums: dict[str, Decimal] = {}
    for entry in erp.held("generalLedgerEntries"):
        moved = Decimal(entry["debitAmount"]) - Decimal(entry["creditAmount"])
        sums[entry["accountNumber"]] = sums.get(entry["accountNumber"], Decimal(0)) + moved
    return {account: amount for account, amount in sums.items() if amount}


def test_where_the_settlement_clears_payments_nothing_is_called() -> None:
    with an_erp(a_us_company()) as erp:
        erp.with_order()
        before = erp.calls()
        assert not erp.payments.book(a_payment()).booked
        assert erp.calls() == before


def test_a_capture_debits_its_gateway_s_clearing_account_and_a_refund_credits_it() -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        erp.payments.book(a_payment("1", amount="84.42"))
        assert entries(erp) == {"1200": Decimal("-84.42"), "1100": Decimal("84.42")}
        erp.payments.book(a_payment("2", amount="-20.00", kind="refund", gateway="paypal"))
        assert entries(erp) == {"1200": Decimal("-64.42"), "1100": Decimal("84.42"), "1110": Decimal("-20.00")}


def test_a_redeemed_gift_card_is_taken_from_the_liability() -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        erp.payments.book(a_payment(amount="20.00", kind="sale", gateway="gift_card"))
        assert entries(erp) == {"1200": Decimal("-20.00"), "2400": Decimal("20.00")}


def test_names_of_journal_and_document_fit_their_fields() -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        number = erp.payments.book(a_payment()).number
        assert len(number) == 20
        assert [len(journal["code"]) for journal in erp.held("journals")] == [10]


def test_a_payment_of_an_invoiced_order_settles_its_invoice() -> None:
    with an_erp(a_us_company(), payment_booking="payment_journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        erp.ship(None, invoice=True)
        erp.payments.book(a_payment(amount="84.42"))
        assert [invoice["status"] for invoice in erp.held("salesInvoices")] == ["Paid"]


@pytest.mark.parametrize("step", ["POST journals$", "POST journalLines", "POST journals.post"])
def test_whatever_answer_is_lost_the_payment_is_booked_once(step: str) -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        erp.fault(kind="drop_after", match=step, times=1)
        with pytest.raises(Ambiguous):
            erp.payments.book(a_payment(amount="84.42"))
        erp.payments.book(a_payment(amount="84.42", again=True))
        assert entries(erp) == {"1200": Decimal("-84.42"), "1100": Decimal("84.42")}
        assert len(erp.held("journals")) == 1


def test_a_payment_in_another_currency_is_a_case() -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        with pytest.raises(NeedsAttention) as caught:
            erp.payments.book(a_payment(currency="EUR"))
    assert (caught.value.code, caught.value.about) == ("erp.payment_currency", "currency EUR")


def test_a_payment_of_an_order_that_is_not_there_is_a_case() -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        with pytest.raises(NeedsAttention) as caught:
            erp.payments.book(a_payment())
        assert (caught.value.code, erp.held("journals")) == ("erp.document_missing", [])


def test_entries_that_are_not_the_payment_are_a_case() -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        erp.payments.book(a_payment(amount="84.42"))
        with pytest.raises(NeedsAttention) as caught:
            erp.payments.book(a_payment(amount="80.00", again=True))
        assert caught.value.code == "erp.payment_differs"


def test_a_closed_period_is_a_case_and_leaves_the_journal_for_the_next_time() -> None:
    with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
        erp.with_order()
        erp.people("edit", set="generalLedgerSetup", values={"allowPostingFrom": "2026-12-01"})
        with pytest.raises(NeedsAttention) as caught:
            erp.payments.book(a_payment(amount="84.42"))
        assert caught.value.code == "business_central.period_closed"
        erp.people("edit", set="generalLedgerSetup", values={"allowPostingFrom": "2020-01-01"})
        assert erp.payments.book(a_payment(amount="84.42")).booked
        assert len(erp.held("journals")) == 1

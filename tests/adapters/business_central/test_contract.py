"""The adapter keeps every promise of its ports, and each promise has something that breaks it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.adapters.business_central.held import Held
from app.adapters.business_central.mapping.plan import DocumentPlan
from app.adapters.business_central.mapping.proof import prove
from app.adapters.business_central.masters import Masters
from app.adapters.business_central.sales_orders import BusinessCentralSalesOrders
from app.domains.orders.canonical import Amount, Order, Totals
from app.domains.orders.ports import PaymentSink, Posting, Receipt, SalesOrderSink, ShipmentSource
from app.kernel.errors import HubError, Refused, Transient, Waits
from app.kernel.money import Money
from tests.adapters.business_central.erp import PAYMENT_ACCOUNTS, Erp, a_us_company, an_erp
from tests.contracts.payment_sink import PaymentSinkContract
from tests.contracts.sales_order_sink import SalesOrderSinkContract
from tests.contracts.shipment_source import ShipmentSourceContract

pytestmark = pytest.mark.capability("SYS-dynamics-bc")


class SalesOrders(Erp):
    @property
    def port(self) -> SalesOrderSink:
        return self.orders


class Payments(Erp):
    @property
    def port(self) -> PaymentSink:
        return self.payments


class Shipments(Erp):
    @property
    def port(self) -> ShipmentSource:
        return self.shipments


def _as(kind: type[Erp], erp: Erp) -> Erp:
    return kind(served=erp.served, spec=erp.spec, settings=erp.settings, sink=erp.sink)


class TestSalesOrders(SalesOrderSinkContract):
    @pytest.fixture
    def bench(self) -> Iterator[Erp]:
        with an_erp(a_us_company()) as erp:
            yield _as(SalesOrders, erp)


class TestPaymentsByJournal(PaymentSinkContract):
    @pytest.fixture
    def bench(self) -> Iterator[Erp]:
        with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
            erp.with_order()
            yield _as(Payments, erp)


class TestPaymentsByPaymentJournal(PaymentSinkContract):
    @pytest.fixture
    def bench(self) -> Iterator[Erp]:
        with an_erp(a_us_company(), payment_booking="payment_journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
            erp.with_order()
            yield _as(Payments, erp)


class TestShipments(ShipmentSourceContract):
    @pytest.fixture
    def bench(self) -> Iterator[Erp]:
        with an_erp(a_us_company()) as erp:
            shipments = _as(Shipments, erp)
            shipments.with_order()
            yield shipments


def test_an_invoice_that_is_not_posted_is_no_invoice_yet() -> None:
    with an_erp(a_us_company()) as erp:
        erp.with_order()
        erp.ship({1000: 1}, invoice=True)
        assert len(erp.shipments.progress(erp.number).invoices) == 1
        erp.people("edit", set="salesInvoices", values={"status": "Draft"})
        assert erp.shipments.progress(erp.number).invoices == ()


class PostsBlindly(BusinessCentralSalesOrders):
    """Writes without looking first."""

    def _look(self, plan: DocumentPlan, masters: Masters) -> Held | None:
        super()._look(plan, masters)
        return None

    def post(self, posting: Posting) -> Receipt:
        return super().post(replace(posting, again=False))


class FindsAnything(BusinessCentralSalesOrders):
    """Takes the first document for the one that is looked for."""

    def find(self, posting: Posting) -> Receipt | None:
        return Receipt(
            external_id="1", number="SO-1001", repeated=True, total=Money.zero("USD"), tax=Money.zero("USD"), lines=()
        )


class FreshKeyEveryTime(BusinessCentralSalesOrders):
    """Makes up a new key for every call."""

    def post(self, posting: Posting) -> Receipt:
        return super().post(replace(posting, key=uuid.uuid4().hex[:20]))


class RoundsToUnits(BusinessCentralSalesOrders):
    """Loses the cents of every price."""

    def post(self, posting: Posting) -> Receipt:
        return super().post(replace(posting, order=_without_cents(posting.order)))


class SwallowsThrottling(BusinessCentralSalesOrders):
    """Gives up where it should come back later."""

    def post(self, posting: Posting) -> Receipt:
        try:
            return super().post(posting)
        except Waits as error:
            raise Refused("x", error.message) from None


class CallsEverythingTransient(BusinessCentralSalesOrders):
    """Sees no difference between a lost answer, a dead token and a busy server."""

    def post(self, posting: Posting) -> Receipt:
        try:
            return super().post(posting)
        except HubError as error:
            raise Transient(error.code, error.message, retry_after=getattr(error, "retry_after", None)) from None


class HalfOrder(BusinessCentralSalesOrders):
    """Is content with whatever it finds."""

    def _taken_up(self, found: Held, plan: DocumentPlan, masters: Masters, posting: Posting) -> Receipt:
        proof = replace(prove(found.document, plan, masters.ids), faults=(), missing=0)
        return self._proved(found, proof, plan, masters, posting)


def _without_cents(order: Order) -> Order:
    lines = tuple(
        replace(line, unit_price=_whole(line.unit_price), allocations=()) for line in order.lines
    )  # fmt: skip
    minor = sum(line.unit_price.shop.minor * line.qty_current for line in lines)
    total = Amount(shop=Money(minor, "USD"), presentment=Money(minor, "USD"))
    return replace(order, lines=lines, shipping=(), totals=Totals(total=total, current_total=total))


def _whole(amount: Amount) -> Amount:
    whole = Money(amount.shop.minor // 100 * 100, amount.shop.currency)
    return Amount(shop=whole, presentment=whole)


CAUGHT_BY = {
    PostsBlindly: {
        "test_the_same_key_is_the_same_document",
        "test_an_unanswered_write_is_in_doubt_and_not_repeated",
        "test_a_half_document_is_completed_and_not_doubled",
    },
    FindsAnything: {"test_what_goes_in_can_be_found"},
    FreshKeyEveryTime: {
        "test_what_goes_in_can_be_found",
        "test_the_same_key_is_the_same_document",
        "test_an_unanswered_write_is_in_doubt_and_not_repeated",
        "test_a_half_document_is_completed_and_not_doubled",
    },
    RoundsToUnits: {"test_no_cent_is_lost"},
    SwallowsThrottling: {"test_being_throttled_says_when_to_come_back"},
    CallsEverythingTransient: {
        "test_an_unanswered_write_is_in_doubt_and_not_repeated",
        "test_a_write_that_never_arrived_is_made_the_next_time",
        "test_dead_credentials_pause_the_connection",
        "test_a_thing_the_other_side_does_not_have_is_named",
    },
    HalfOrder: {"test_a_half_document_is_completed_and_not_doubled"},
}


@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type) -> None:
    caught = {name for name in dir(SalesOrderSinkContract) if name.startswith("test_") and _fails(name, twin)}
    assert CAUGHT_BY[twin] <= caught


def _fails(name: str, twin: type) -> bool:
    with an_erp(a_us_company(), sink=twin) as erp:
        try:
            getattr(SalesOrderSinkContract(), name)(_as(SalesOrders, erp))
        except (HubError, AssertionError, pytest.fail.Exception):
            return True
    return False

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.business_central.amounts import Line, tax_lines
from app.sandbox.companies import vat_company
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.sandbox.erp_client import Erp

pytestmark = pytest.mark.capability("TRY-1")

CENT = Decimal("0.01")


def _totals(order: dict[str, float]) -> tuple[float, float, float]:
    return order["totalAmountExcludingTax"], order["totalTaxAmount"], order["totalAmountIncludingTax"]


class TestWorkedExamples:
    def test_gross_prices_of_19_percent_give_the_shops_total_and_a_tax_one_cent_higher(self, vat: Erp) -> None:
        # 2 x 49.90 - 18.98 = 80.82, 25.00 - 2.50 = 22.50, shipping 4.90: together 108.22.
        # 108.22 / 1.19 = 90.9412 -> 90.94 net, 17.28 tax; by row it were 12.90 + 3.59 + 0.78 = 17.27.
        order = vat.order(
            vat.item_line(2, 49.90, 18.98), vat.item_line(1, 25.00, 2.50), vat.account_line("4100", 4.90),
            pricesIncludeTax=True,
        )  # fmt: skip
        assert _totals(order) == (90.94, 17.28, 108.22)
        assert [line["amountIncludingTax"] for line in order["salesOrderLines"]] == [80.82, 22.5, 4.9]
        assert sum(Decimal(str(line["totalTaxAmount"])) for line in order["salesOrderLines"]) == Decimal("17.28")

    def test_net_prices_are_taxed_once_over_the_document_and_not_line_by_line(self, vat: Erp) -> None:
        # 3 x 0.99 = 2.97; 19 % = 0.5643 -> 0.56. Three lines of 0.19 each were 0.57.
        order = vat.order(*(vat.item_line(1, 0.99) for _ in range(3)))
        assert _totals(order) == (2.97, 0.56, 3.53)
        # Shares of 0.18667: 0.19, then 0.18333 with what was carried -> 0.18, then 0.19.
        assert [line["totalTaxAmount"] for line in order["salesOrderLines"]] == [0.19, 0.18, 0.19]

    def test_a_rounding_line_makes_the_net_document_the_shops_total(self, vat: Erp) -> None:
        order = vat.order(*(vat.item_line(1, 0.99) for _ in range(3)), vat.account_line("4910", 0.01, sequence=990000))
        assert _totals(order) == (2.98, 0.56, 3.54)

    def test_taxes_as_account_lines_make_a_sales_tax_document_exact(self, erp: Erp) -> None:
        # Items 129.99 + 2 x 24.98 + 3 x 25.323.. as the shop sold them for 255.92, state 10.20, county 4.25.
        order = erp.order(
            erp.item_line(1, 129.99), erp.item_line(1, 39.98), erp.item_line(1, 85.95),
            erp.account_line("2310", 10.20, sequence=900001), erp.account_line("2320", 4.25, sequence=900002),
        )  # fmt: skip
        assert _totals(order) == (270.37, 0, 270.37)

    def test_a_liable_customer_of_a_sales_tax_company_is_taxed_by_area_and_group(self, erp: Erp) -> None:
        [area] = erp.all("taxAreas?$filter=code eq 'CO'")
        customer = erp.add("customers", {"number": "B2B-1", "taxLiable": True, "taxAreaId": area["id"]})
        # 2.9 % state and 1.185 % county: 100.00 * 4.085 % = 4.085 -> 4.09; the zero group stays untaxed.
        order = erp.order(
            erp.item_line(1, 100.00), erp.item_line(1, 50.00, taxCode="NONTAXABLE"), customerNumber=customer["number"]
        )
        assert _totals(order) == (150, 4.09, 154.09)

    @pytest.mark.parametrize(
        ("currency", "price", "expected"),
        [
            # JPY has no minor unit: 333 * 19 % = 63.27 -> 63.
            ("JPY", 333, (333, 63, 396)),
            # KWD has three: 1.115 * 19 % = 0.21185 -> 0.212.
            ("KWD", 1.115, (1.115, 0.212, 1.327)),
        ],
    )
    def test_amounts_round_to_the_currencys_own_unit(
        self, vat: Erp, currency: str, price: float, expected: tuple[float, float, float]
    ) -> None:
        assert _totals(vat.order(vat.item_line(1, price), currencyCode=currency)) == expected

    def test_a_sold_gift_card_carries_no_tax(self, vat: Erp) -> None:
        # The shirt of 20.00 contains 19 %: 20 - 20/1.19 = 3.19; the card of 50.00 is a liability.
        order = vat.order(vat.item_line(1, 20.00), vat.account_line("2400", 50.00), pricesIncludeTax=True)
        assert _totals(order) == (66.81, 3.19, 70)

    def test_two_rates_are_two_groups(self, vat: Erp) -> None:
        # 10.01 at 19 % = 1.9019 -> 1.90; 10.01 at 7 % = 0.7007 -> 0.70.
        order = vat.order(vat.item_line(1, 10.01), vat.item_line(1, 10.01, taxCode="REDUCED"))
        assert _totals(order) == (20.02, 2.6, 22.62)

    def test_the_bill_to_customers_area_decides_the_tax(self, vat: Erp) -> None:
        assert _totals(vat.order(vat.item_line(1, 100), customerNumber="WEB-EXPORT")) == (100, 0, 100)

    def test_gross_and_net_companies_can_stand_side_by_side(
        self, serve: Callable[..., Served], http: urllib3.PoolManager
    ) -> None:
        served = serve(Settings(companies=(vat_company("Berlin"), vat_company("Wien", standard="20"))))
        berlin, wien = Erp(served, http, "Berlin"), Erp(served, http, "Wien")
        assert berlin.base != wien.base
        assert _totals(berlin.order(berlin.item_line(1, 100)))[2] == 119
        assert _totals(wien.order(wien.item_line(1, 100)))[2] == 120
        assert len(berlin.all("salesOrders")) == 1


class TestComputedValues:
    def test_the_answer_of_a_deep_insert_proves_no_totals(self, erp: Erp) -> None:
        lines = [erp.item_line(1, 10)]
        posted = erp.add("salesOrders?$expand=salesOrderLines", {"customerNumber": "WEB", "salesOrderLines": lines})
        assert (posted["totalAmountIncludingTax"], len(posted["salesOrderLines"])) == (0, 1)
        assert erp.read(posted)["totalAmountIncludingTax"] == 10

    def test_a_line_discount_that_nobody_sent_is_business_centrals_own(self, erp: Erp) -> None:
        erp.edit("items", {"_lineDiscountPercent": 10}, number="MO-TEE-M")
        line = {"itemId": erp.item(), "quantity": 2, "unitPrice": 50}
        order = erp.order(line, {**line, "discountAmount": 0})
        assert [each["discountAmount"] for each in order["salesOrderLines"]] == [10, 0]

    def test_a_changed_quantity_finds_the_price_and_the_discount_again(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(2, 40, 8))
        changed = erp.change("salesOrderLines", order["salesOrderLines"][0], {"quantity": 3})
        # The item's own price 59.95, and 10 % of 179.85.
        assert (changed["unitPrice"], changed["discountAmount"]) == (59.95, 17.99)
        again = erp.change("salesOrderLines", changed, {"unitPrice": 40, "discountAmount": 8})
        assert (again["quantity"], again["amountIncludingTax"]) == (3, 112)

    def test_a_tax_code_after_the_price_moves_a_price_with_tax(self, vat: Erp) -> None:
        first = {"itemId": vat.item(), "taxCode": "REDUCED", "quantity": 1, "unitPrice": 119, "discountAmount": 0}
        last = {"itemId": vat.item(), "quantity": 1, "unitPrice": 119, "discountAmount": 0, "taxCode": "REDUCED"}
        order = vat.order(first, last, pricesIncludeTax=True)
        assert [line["unitPrice"] for line in order["salesOrderLines"]] == [119, 107]

    def test_a_header_discount_goes_to_items_only_and_lowers_the_total(self, vat: Erp) -> None:
        order = vat.order(vat.item_line(1, 60), vat.item_line(1, 40), vat.account_line("4100", 10))
        changed = vat.change("salesOrders", order, {"discountAmount": 10})
        lines = vat.read(changed)["salesOrderLines"]
        assert [line["invoiceDiscountAllocation"] for line in lines] == [6, 4, 0]
        assert vat.read(changed)["totalAmountIncludingTax"] == 119

    def test_prices_are_rescaled_when_they_begin_to_include_tax(self, vat: Erp) -> None:
        order = vat.order(vat.item_line(1, 100))
        vat.change("salesOrders", order, {"pricesIncludeTax": True})
        changed = vat.read(order)
        assert (changed["salesOrderLines"][0]["unitPrice"], _totals(changed)) == (119, (100, 19, 119))


_AMOUNTS = st.integers(-100_000, 100_000).map(lambda minor: Decimal(minor) / 100)


class TestTaxProperties:
    @given(
        rows=st.lists(st.tuples(_AMOUNTS, st.sampled_from([0, 7, 19])), min_size=1, max_size=12),
        includes_tax=st.booleans(),
    )
    def test_lines_always_add_up_to_the_tax_of_their_groups(
        self, rows: list[tuple[Decimal, int]], includes_tax: bool
    ) -> None:
        lines = [Line(amount=a, group=str(p), percent=Decimal(p), discountable=True) for a, p in rows]
        taxed = tax_lines(lines, includes_tax=includes_tax, invoice_discount=Decimal(0), precision=CENT)
        assert all(each.net + each.tax == each.gross for each in taxed)
        if includes_tax:
            assert sum(each.gross for each in taxed) == sum(line.amount for line in lines)
        for percent in (7, 19):
            for positive in (True, False):
                places = [n for n, (a, p) in enumerate(rows) if p == percent and (a >= 0) == positive]
                net = sum((taxed[n].net for n in places), Decimal(0))
                tax = sum((taxed[n].tax for n in places), Decimal(0))
                assert abs(tax - net * percent / 100) <= CENT

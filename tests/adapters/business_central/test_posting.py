"""How an order gets into Business Central once: requests, look-ups, customers, doubt and half orders."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest

from app.adapters.business_central.client import Company as ErpCompany
from app.adapters.business_central.probe import fields_of
from app.domains.orders.canonical import Channel, Company
from app.domains.orders.ports import Posting, Receipt
from app.kernel.errors import Ambiguous, NeedsAttention, Transient
from tests.adapters.business_central.erp import Erp, a_us_company, a_vat_company, an_erp
from tests.contracts.sales_order_sink import posting_of, two_lines
from tests.factories import a_customer, a_line, a_shipping, a_tax, an_address, an_order

pytestmark = [pytest.mark.capability("ORD-5"), pytest.mark.capability("SYS-dynamics-bc")]


@pytest.fixture
def erp() -> Iterator[Erp]:
    with an_erp(a_us_company()) as erp:
        yield erp


def knowing(posting: Posting, receipt: Receipt) -> Posting:
    """The posting with everything that an earlier one learned."""
    known: dict[str, dict[str, str]] = {}
    for learned in receipt.learned:
        known.setdefault(learned.kind, {})[learned.key] = learned.external_id
    return replace(posting, known=known)


def test_a_known_customer_with_known_items_costs_three_requests(erp: Erp) -> None:
    order = two_lines(erp)
    receipt = erp.orders.post(posting_of(order, key="1"))
    before = erp.calls()
    second = erp.orders.post(knowing(posting_of(order, key="2"), receipt))
    made = {name: count - before.get(name, 0) for name, count in erp.calls().items() if count != before.get(name, 0)}
    looked_up = {"GET salesOrders": 2, "GET salesInvoices": 1}  # two of these inside the batch, one read-back
    assert made == {"POST $batch": 1, "POST salesOrders": 1, **looked_up}
    assert [learned.kind for learned in second.learned] == ["sales_order"]


def test_what_was_looked_up_is_learned_for_the_next_order(erp: Erp) -> None:
    receipt = erp.orders.post(posting_of(two_lines(erp)))
    learned = {(each.kind, each.key): each.number for each in receipt.learned}
    assert learned == {
        ("item", "MO-TENT-2P"): "MO-TENT-2P",
        ("item", "MO-CAP-ONE"): "MO-CAP-ONE",
        ("account", "4100"): "4100",
        ("customer", "account-1"): "WEB-207119551",
        ("sales_order", "hub-450789469"): receipt.number,
    }


def test_a_value_map_names_another_item(erp: Erp) -> None:
    order = an_order(lines=(a_line(sku="tent-green"),))
    posting = replace(posting_of(order), known={"item": {"tent-green": "MO-TENT-3P"}})
    receipt = erp.orders.post(posting)
    assert erp.lines(receipt.number)[1000]["lineObjectNumber"] == "MO-TENT-3P"


def test_value_maps_name_variants_units_places_and_shipment_methods_by_their_codes(erp: Erp) -> None:
    company = ErpCompany.of(erp.remote, erp.settings)
    items = {row["number"]: row["id"] for row in erp.held("items")}
    for number in ("MO-TENT-2P", "MO-TENT-3P"):
        company.post("itemVariants", {"itemId": items[number], "code": "GREEN", "description": "green"})
    known = {
        "variant": {"MO-TENT-2P": "GREEN", "tent": "GREEN"}, "item": {"tent": items["MO-TENT-3P"]},
        "unit": {"tent": "PCS"}, "location": {"gid://shopify/Location/1": "EAST"},
        "shipment_method": {"STD": "STANDARD"},
    }  # fmt: skip
    lines = (a_line("501", sku="MO-TENT-2P"), a_line("502", sku="tent"))
    order = an_order(lines=lines, shipping=(a_shipping(),), channel=Channel(location="gid://shopify/Location/1"))
    receipt = erp.orders.post(replace(posting_of(order), known=known))
    variants = {row["itemNumber"]: row["id"] for row in erp.held("itemVariants")}
    held = erp.lines(receipt.number)
    assert held[1000]["itemVariantId"] == variants["MO-TENT-2P"]
    assert (held[2000]["itemVariantId"], held[2000]["unitOfMeasureCode"]) == (variants["MO-TENT-3P"], "PCS")
    [east] = [row["id"] for row in company.rows("locations") if row["code"] == "EAST"]
    [standard] = [row["id"] for row in company.rows("shipmentMethods") if row["code"] == "STANDARD"]
    assert {held[1000]["locationId"], held[2000]["locationId"]} == {east}
    assert erp.held()[0]["shipmentMethodId"] == standard


def test_a_place_that_business_central_does_not_have_is_a_case(erp: Erp) -> None:
    erp.settings = erp.settings | {"location": "MOON"}
    with pytest.raises(NeedsAttention) as caught:
        erp.orders.post(posting_of(two_lines(erp)))
    assert (caught.value.code, caught.value.about) == ("erp.location_missing", "location MOON")


def test_the_external_number_is_upper_case_and_short_enough(erp: Erp) -> None:
    erp.orders.post(posting_of(two_lines(erp), key="450789469"))
    assert erp.held()[0]["externalDocumentNumber"] == "WEB-450789469"
    with pytest.raises(NeedsAttention) as caught:
        erp.orders.post(posting_of(two_lines(erp), key="4" * 32))
    assert caught.value.code == "erp.key_too_long"


def test_the_head_says_who_where_and_when(erp: Erp) -> None:
    erp.orders.post(posting_of(two_lines(erp)))
    [head] = erp.held()
    expected = {
        "orderDate": "2026-11-20", "postingDate": "2026-11-21", "shipToName": "June Harper", "shipToCity": "Portland",
        "shipToState": "OR", "email": "june.harper@example.com",
    }  # fmt: skip
    assert {name: head[name] for name in expected} == expected


def test_what_is_cut_is_told(erp: Erp) -> None:
    order = replace(two_lines(erp), ship_to=an_address(name="J" * 120), phone="+1 503 555 0142 ext. 5")
    receipt = erp.orders.post(posting_of(order))
    told = {row.field: (row.planned, row.found) for row in receipt.differences}
    assert told["shipToName"] == ("120 characters", "cut to 100 characters")
    assert told["phoneNumber"] == ("22 characters", "cut to 15 characters")


def test_the_comment_carries_name_purchase_order_and_note(erp: Erp) -> None:
    order = replace(two_lines(erp), po_number="PO-77", note="Happy\nbirthday")
    receipt = erp.orders.post(posting_of(order))
    comment = erp.lines(receipt.number)[999000]
    assert (comment["lineType"], comment["description"]) == ("Comment", "#1001 · PO PO-77 · Happy birthday")


@pytest.mark.capability("CM-5")
def test_value_maps_name_countries_tax_codes_and_the_payment_method_of_a_new_customer(erp: Erp) -> None:
    company = ErpCompany.of(erp.remote, erp.settings)
    [card] = [row["id"] for row in company.rows("paymentMethods") if row["code"] == "CARD"]
    order = replace(two_lines(erp), ship_to=an_address(country_code="GB"), gateways=("bogus",))
    known = {"country": {"GB": "UK"}, "payment_method": {"bogus": "CARD"}}
    receipt = erp.orders.post(replace(posting_of(order), known=known))
    (document,) = erp.held()
    assert document["shipToCountry"] == "UK"
    made = [row for row in company.rows("customers") if row["number"] == document["customerNumber"]]
    assert [row["paymentMethodId"] for row in made] == [card]
    assert receipt.repeated is False


@pytest.mark.capability("INV-2")
def test_the_comment_says_what_the_buyer_waits_for(erp: Erp) -> None:
    order = two_lines(erp)
    receipt = erp.orders.post(replace(posting_of(order), back_ordered={order.lines[1].line_id: Decimal("2.00000")}))
    comment = erp.lines(receipt.number)[999000]
    assert comment["description"] == f"#1001 · back-order 2 {order.lines[1].sku}"


class TestCustomers:
    def test_a_customer_is_created_once_for_two_orders(self, erp: Erp) -> None:
        erp.orders.post(posting_of(two_lines(erp), key="1"))
        erp.orders.post(posting_of(two_lines(erp), key="2"))
        assert [row["number"] for row in erp.held("customers")] == ["WEB", "WEB-207119551"]
        assert erp.held("customers")[1]["taxLiable"] is False

    def test_an_unanswered_creation_finds_the_customer_the_next_time(self, erp: Erp) -> None:
        erp.fault(kind="drop_after", match="POST customers", times=1)
        with pytest.raises(Ambiguous):
            erp.orders.post(posting_of(two_lines(erp)))
        erp.orders.post(posting_of(two_lines(erp), again=True))
        assert len(erp.held("customers")) == 2

    def test_orders_of_a_new_customer_that_come_at_once_make_one_customer(self, erp: Erp) -> None:
        order = two_lines(erp)
        erp.fault(kind="latency", seconds=0.15, match="POST customers")
        with ThreadPoolExecutor(5) as threads:
            made = list(threads.map(lambda key: erp.orders.post(posting_of(order, key=key)), "12345"))
        assert len({receipt.number for receipt in made}) == 5
        assert len(erp.held("customers")) == 2

    def test_a_guest_gets_a_customer_by_the_hub_s_account(self, erp: Erp) -> None:
        order = replace(two_lines(erp), customer=a_customer(external_id=""))
        erp.orders.post(posting_of(order, key="1"))
        erp.orders.post(posting_of(order, key="2"))
        number = erp.held("customers")[1]["number"]
        assert number.startswith("WEB-G")
        assert len(number) <= 20
        assert len(erp.held("customers")) == 2

    def test_a_company_is_the_customer_of_its_people(self, erp: Erp) -> None:
        order = replace(two_lines(erp), company=Company(external_id="555", name="Alder Outfitters"))
        erp.orders.post(posting_of(order))
        [made] = [row for row in erp.held("customers") if row["number"] != "WEB"]
        assert (made["number"], made["displayName"], made["type"]) == ("WEB-C555", "Alder Outfitters", "Company")

    def test_one_collecting_customer_takes_every_order(self) -> None:
        with an_erp(a_us_company(), order_customer="one", collecting_customers={"*": "WEB"}) as erp:
            erp.orders.post(posting_of(two_lines(erp)))
            assert erp.held()[0]["customerNumber"] == "WEB"
            assert len(erp.held("customers")) == 1

    def test_the_country_chooses_the_collecting_customer_of_its_tax_area(self) -> None:
        customers = {"DE": "WEB-DOMESTIC", "CH": "WEB-EXPORT"}
        taxed = (a_tax("4.75", rate="0.19", currency="EUR"),)
        with an_erp(
            a_vat_company(), tax_mode="net", order_customer="per_tax_area", collecting_customers=customers
        ) as erp:
            for country, taxes, number in (("DE", taxed, "WEB-DOMESTIC"), ("CH", (), "WEB-EXPORT")):
                line = a_line(sku="MO-TENT-2P", currency="EUR", taxes=taxes)
                order = an_order(currency="EUR", lines=(line,), ship_to=an_address(country_code=country))
                erp.orders.post(posting_of(order, key=country))
                assert erp.held()[-1]["customerNumber"] == number
            with pytest.raises(NeedsAttention) as caught:
                erp.orders.post(posting_of(replace(order, ship_to=an_address(country_code="NO")), key="3"))
        assert (caught.value.code, caught.value.about) == ("erp.collecting_customer_missing", "country NO")

    def test_numbers_that_may_not_be_given_are_a_case_that_says_so(self) -> None:
        with an_erp(replace(a_us_company(), manual_numbers=False)) as erp:
            with pytest.raises(NeedsAttention) as caught:
                erp.orders.post(posting_of(two_lines(erp)))
            assert caught.value.code == "business_central.manual_numbers_off"
            assert "enter numbers manually" in str(caught.value.facts["said"])

    def test_without_manual_numbers_e_mail_and_name_are_looked_up(self) -> None:
        with an_erp(replace(a_us_company(), manual_numbers=False), customer_numbers="series") as erp:
            erp.orders.post(posting_of(two_lines(erp), key="1"))
            erp.orders.post(posting_of(two_lines(erp), key="2"))
            assert len(erp.held("customers")) == 2

    def test_two_customers_alike_are_a_case(self) -> None:
        with an_erp(a_us_company()) as erp:
            order = two_lines(erp)
            erp.orders.post(posting_of(order, key="1"))
            other = replace(order, customer=a_customer(external_id="2"))
            erp.orders.post(posting_of(other, key="2"))
            erp.settings = erp.settings | {"customer_numbers": "series"}
            with pytest.raises(NeedsAttention) as caught:
                erp.orders.post(posting_of(order, key="3"))
        assert caught.value.code == "customers.ambiguous"
        assert caught.value.facts["numbers"] == ["WEB-207119551", "WEB-2"]


class TestDoubt:
    def test_a_document_that_arrives_late_is_seen_right_before_writing(self, erp: Erp) -> None:
        """`again` looks twice: at first, and once more when the customer is there."""
        before = erp.calls().get("GET salesInvoices", 0)
        erp.orders.post(posting_of(two_lines(erp), again=True))
        assert erp.calls()["GET salesInvoices"] - before == 2

    def test_a_draft_of_an_older_version_is_brought_up_to_date(self, erp: Erp) -> None:
        order = two_lines(erp)
        erp.fault(kind="drop_after", match="POST salesOrders", times=1)
        with pytest.raises(Ambiguous):
            erp.orders.post(posting_of(order))
        only = order.lines[:1]
        newer = replace(order, lines=only, totals=an_order(lines=only).totals, shipping=())
        receipt = erp.orders.post(posting_of(newer, again=True))
        assert receipt.total == newer.totals.total.shop
        assert sorted(erp.lines(receipt.number)) == [1000, 999000]

    def test_a_lost_answer_while_completing_is_completed_the_next_time(self, erp: Erp) -> None:
        order = two_lines(erp)
        number = erp.orders.post(posting_of(order)).number
        for sequence in (2000, 800001):
            erp.remove_line(number, sequence)
        erp.fault(kind="drop_after", match="POST salesOrderLines", times=1)
        with pytest.raises(Ambiguous):
            erp.orders.post(posting_of(order, again=True))
        assert erp.orders.post(posting_of(order, again=True)).total == order.totals.total.shop
        assert sorted(erp.lines(number)) == [1000, 2000, 800001, 999000]

    def test_a_read_back_that_failed_is_made_the_next_time(self, erp: Erp) -> None:
        erp.fault(kind="status", status=503, match="GET salesOrders", times=1)
        with pytest.raises(Transient):
            erp.orders.post(posting_of(two_lines(erp)))
        assert erp.orders.post(posting_of(two_lines(erp))).repeated
        assert len(erp.held()) == 1

    def test_several_documents_with_one_number_are_a_case(self, erp: Erp) -> None:
        order = two_lines(erp)
        for key in ("1", "2"):
            erp.orders.post(posting_of(order, key=key))
        erp.people("edit", set="salesOrders", number="SO-1002", values={"externalDocumentNumber": "WEB-1"})
        with pytest.raises(NeedsAttention) as caught:
            erp.orders.post(posting_of(order, key="1"))
        assert caught.value.code == "erp.several_documents"
        assert caught.value.facts["numbers"] == ["SO-1001", "SO-1002"]

    def test_an_order_that_was_invoiced_and_is_gone_is_found_as_its_invoice(self, erp: Erp) -> None:
        order = two_lines(erp)
        first = erp.with_order()
        erp.ship(None, invoice=True)
        assert erp.held() == []
        second = erp.orders.post(posting_of(order, again=True))
        assert (second.number, second.external_id, second.status) == (first.number, first.external_id, "Invoiced")
        assert (second.repeated, second.total) == (True, first.total)
        assert [line.sequence for line in second.lines] == [line.sequence for line in first.lines]

    def test_somebody_else_s_document_with_our_number_is_left_alone(self, erp: Erp) -> None:
        order = two_lines(erp)
        erp.orders.post(posting_of(order))
        other = replace(order, customer=a_customer(external_id="99"))
        with pytest.raises(NeedsAttention) as caught:
            erp.orders.post(replace(posting_of(other), account_id="account-9"))
        assert caught.value.code == "erp.total_differs"
        assert "customer" in str(caught.value.facts["differences"])
        assert len(erp.held()) == 1


def test_a_field_that_the_company_does_not_have_is_not_sent() -> None:
    with an_erp(a_us_company(), channel_dimension="SHOP") as erp:
        fields = fields_of(erp.remote, erp.settings)
        assert "shortcutDimension1Code" in fields["salesOrders"]
        fields["salesOrders"].remove("shortcutDimension1Code")
        order = an_order(lines=(a_line(sku="MO-TENT-2P"),), shipping=(a_shipping(),))
        erp.orders.post(posting_of(order, key="1"))
        erp.settings = erp.settings | {"entity_fields": fields}
        erp.orders.post(posting_of(order, key="2"))
        assert [held["shortcutDimension1Code"] for held in erp.held()] == ["SHOP", ""]

"""The proof of a document: each thing it looks at is seen when it is not as planned."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.adapters.business_central.mapping.changes import changes_to
from app.adapters.business_central.mapping.plan import DocumentPlan
from app.adapters.business_central.mapping.proof import prove
from tests.adapters.business_central.test_bands import planned
from tests.factories import a_line, a_shipping, a_tax, an_allocation, an_order

pytestmark = [pytest.mark.capability("ORD-5"), pytest.mark.capability("SYS-dynamics-bc")]

IDS = {
    "item": {"TENT": "11111111-0000-0000-0000-000000000001"},
    "account": {"4100": "11111111-0000-0000-0000-000000000002"},
    "customer": {"account-1": "11111111-0000-0000-0000-000000000003"},
}


@pytest.fixture
def plan() -> DocumentPlan:
    """2 × 25.00 less 5.00 with 19 % = 8.55, shipping 4.90 with 0.93."""
    taxed = a_tax("8.55", rate="0.19")
    line = a_line(sku="TENT", price="25.00", quantity=2, allocations=(an_allocation("5.00"),), taxes=(taxed,))
    shipping = a_shipping(price="4.90", taxes=(a_tax("0.93", rate="0.19"),))
    return planned(an_order(lines=(line,), shipping=(shipping,)), tax_mode="net", comment_lines=0)


def document() -> dict[str, Any]:
    """What Business Central answers for that plan."""
    common = {"taxPercent": Decimal(19), "shippedQuantity": 0, "accountId": "", "itemId": ""}
    tent = {"sequence": 1000, "lineType": "Item", "quantity": 2, "unitPrice": Decimal("25.00"), "discountAmount": 5}
    freight = {
        "sequence": 800001,
        "lineType": "Account",
        "quantity": 1,
        "unitPrice": Decimal("4.9"),
        "discountAmount": 0,
    }
    return {
        "customerId": IDS["customer"]["account-1"].upper(), "customerNumber": "WEB-207119551", "currencyCode": "USD",
        "pricesIncludeTax": False, "discountAmount": 0, "totalAmountIncludingTax": Decimal("59.38"),
        "totalTaxAmount": Decimal("9.48"),
        "salesOrderLines": [
            common | tent | {"itemId": IDS["item"]["TENT"]},
            common | freight | {"accountId": IDS["account"]["4100"]},
        ],
    }  # fmt: skip


def test_the_document_as_planned_holds(plan: DocumentPlan) -> None:
    proof = prove(document(), plan, IDS)
    assert (proof.holds, proof.faults, proof.remarks) == (True, (), ())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"customerId": "11111111-0000-0000-0000-00000000000f"}, "customerId"),
        ({"currencyCode": "EUR"}, "currencyCode"),
        ({"pricesIncludeTax": True}, "pricesIncludeTax"),
        ({"discountAmount": Decimal("1.00")}, "discountAmount"),
        ({"totalTaxAmount": Decimal("9.51")}, "tax"),  # two rows and one group explain 1.5 cents, not 3
    ],
)
def test_what_the_head_has_otherwise_is_a_fault(plan: DocumentPlan, changed: dict[str, Any], field: str) -> None:
    proof = prove(document() | changed, plan, IDS)
    assert not proof.holds
    assert field in [difference.field for difference in proof.faults]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"quantity": 3}, "line 1000 quantity"),
        ({"unitPrice": Decimal("24.99")}, "line 1000 unitPrice"),
        ({"discountAmount": Decimal("5.01")}, "line 1000 discountAmount"),
        ({"itemId": "11111111-0000-0000-0000-00000000000f"}, "line 1000 object"),
        ({"taxPercent": Decimal(7)}, "line 1000 taxPercent"),
    ],
)
def test_what_a_line_has_otherwise_is_a_fault(plan: DocumentPlan, changed: dict[str, Any], field: str) -> None:
    told = document()
    told["salesOrderLines"][0] |= changed
    assert [difference.field for difference in prove(told, plan, IDS).faults] == [field]


def test_a_total_that_is_off_does_not_hold_whatever_the_lines_say(plan: DocumentPlan) -> None:
    proof = prove(document() | {"totalAmountIncludingTax": Decimal("59.39")}, plan, IDS)
    assert (proof.holds, proof.faults, proof.missing) == (False, (), Decimal("-0.01"))


def test_tax_within_rounding_is_a_remark(plan: DocumentPlan) -> None:
    proof = prove(document() | {"totalTaxAmount": Decimal("9.49")}, plan, IDS)
    assert (proof.holds, [difference.field for difference in proof.remarks]) == (True, ["tax"])


def test_a_line_that_people_added_is_seen_and_never_deleted(plan: DocumentPlan) -> None:
    told = document()
    told["salesOrderLines"].append({**told["salesOrderLines"][0], "sequence": 1_010_000})
    assert [difference.field for difference in prove(told, plan, IDS).faults] == ["lines"]
    assert changes_to(told, plan, IDS) == []


def test_a_line_of_our_bands_that_is_not_planned_goes(plan: DocumentPlan) -> None:
    told = document()
    told["salesOrderLines"].append({**told["salesOrderLines"][0], "sequence": 2000})
    assert [change.text for change in changes_to(told, plan, IDS)] == ["line 2000: delete it"]


def test_a_missing_line_comes_back_with_its_sequence(plan: DocumentPlan) -> None:
    told = document()
    del told["salesOrderLines"][1]
    [change] = changes_to(told, plan, IDS)
    assert (change.sequence, change.line) == (800001, None)


def test_an_empty_currency_is_the_local_one(plan: DocumentPlan) -> None:
    assert prove(document() | {"currencyCode": ""}, plan, IDS).holds

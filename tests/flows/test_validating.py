"""Nothing reaches the ERP that fails the gate of its type; the case names the field, the rule and the fix."""

from __future__ import annotations

from typing import Any

import pytest

from app.domains.product import service as catalogue
from app.domains.product.canonical import ProductDraft, VariantDraft
from app.flows import validating
from app.infra.replay.again import resolve_case
from app.infra.validation import GateRule, faults
from app.kernel.errors import Invalid
from tests.factories import a_customer, a_line, an_order
from tests.flows.conftest import Story


def rule(field: str, check: str, value: str = "", **how: Any) -> GateRule:
    return GateRule(kind=how.pop("kind", "sales_order"), field=field, rule=check, value=value, **how)


def set_rule(story: Story, one: GateRule) -> int:
    with story.crank.uow() as uow:
        return validating.set_rule(uow, one, "ann", "the ERP wants it")


@pytest.mark.capability("CM-7")
def test_an_order_that_fails_waits_in_a_case_and_goes_on_when_its_rule_is_changed(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    set_rule(story, rule("po_number", "required", fix="ask the buyer for a purchase order number"))
    set_rule(story, rule("email", "max_length", "5", kind="customer"))
    for n in range(3):
        buyer = a_customer(external_id=f"c{n}", email=f"buyer{n}@example.com")
        number = "PO-1" if n == 2 else ""
        story.post(
            "orders/create",
            an_order(external_id=str(n), name=f"#{n}", customer=buyer, email=buyer.email, po_number=number),
        )
    story.settle()
    assert ([story.state(str(n)) for n in range(3)], story.erp.calls) == (["accepted"] * 3, [])
    cases = story.crank.rows("SELECT about, title, facts FROM hub.exception_case ORDER BY about")
    assert [case[0] for case in cases] == ["order #0", "order #1", "order #2"]
    assert "po_number is missing (required), and 1 more: ask the buyer for a purchase order number" in cases[0][1]
    assert [(one["field"], one["rule"]) for one in cases[0][2]["errors"]] == [
        ("po_number", "required"), ("email", "max_length"),
    ]  # fmt: skip
    assert "buyer0" not in str(cases[0][2])  # what is wrong is said without the person's own words
    story.crank.hub.validations.forget()
    assert set_rule(story, rule("email", "max_length", "80", kind="customer")) == 3
    story.crank.hub.validations.forget()
    story.settle()
    assert [story.state(str(n)) for n in range(3)] == ["accepted", "accepted", "posted"]
    with story.crank.uow() as uow:
        ((number,),) = uow.sql("SELECT id::text FROM hub.gate_rule WHERE field = 'po_number'").fetchall()
        assert validating.unset_rule(uow, number, "ann") == 2
    story.crank.hub.validations.forget()
    story.settle()
    assert ([story.state(str(n)) for n in range(3)], story.cases()) == (["posted"] * 3, {})


@pytest.mark.capability("CM-7")
@pytest.mark.parametrize(
    ("check", "value", "good", "bad"),
    [
        ("required", "", "x", " "),
        ("max_length", "3", "abc", "abcd"),
        ("min_length", "3", "abc", "ab"),
        ("pattern", "[A-Z]{2}-[0-9]+", "PO-17", "PO-17x"),
        ("one_of", "red, blue", "blue", "green"),
        ("none_of", "red, blue", "green", "red"),
    ],
)
def test_each_rule_lets_the_good_pass_and_says_what_is_wrong_with_the_bad(
    check: str, value: str, good: str, bad: str
) -> None:
    one = rule("po_number", check, value)
    validating.check_gate(one, validating.DOCUMENTS["sales_order"])
    assert faults([one], an_order(po_number=good)) == []
    (fault,) = faults([one], an_order(po_number=bad))
    assert (fault.field, fault.rule, "po_number" in fault.said, "correct po_number" in fault.fix) == (
        "po_number", check, True, True,
    )  # fmt: skip


@pytest.mark.capability("CM-7")
def test_a_way_through_a_list_means_each_entry_and_a_fault_is_told_once() -> None:
    order = an_order()
    assert faults([rule("lines.sku", "pattern", "TENT.*")], order) == []
    assert [fault.field for fault in faults([rule("lines.sku", "one_of", "A")], order)] == ["lines.sku"]


@pytest.mark.capability("CM-7")
@pytest.mark.parametrize(
    ("one", "said"),
    [
        (rule("po_number", "required", kind="poem"), "kind 'poem'"),
        (rule("po_number", "rhymes"), "rule 'rhymes'"),
        (rule("colour", "required"), "field 'colour'"),
        (rule("po_number", "max_length", "many"), "whole number"),
        (rule("po_number", "one_of", ""), "words with commas"),
        (rule("po_number", "pattern", "(["), "no pattern"),
        (rule("po_number", "pattern", "(a+)+b"), "repeat of a repeat"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(story: Story, one: GateRule, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        set_rule(story, one)
    assert said in refused.value.message
    assert story.crank.rows("SELECT FROM hub.gate_rule") == []


@pytest.mark.capability("CM-7")
def test_an_item_that_fails_is_one_case_for_all_orders_and_mending_it_lets_them_go_on(story: Story) -> None:
    story.stock(TENT_2P_GRN=9, LAMP=9)

    def told(**said: Any) -> None:
        tent = ProductDraft(code="TENT", variants=(VariantDraft(sku="TENT-2P-GRN", **said),))
        with story.crank.uow() as uow:
            assert catalogue.upsert_many(uow, [tent], source="pim").problems == ()

    told(title="Tent")
    set_rule(story, rule("tax_code", "required", kind="item", fix="name its tax code in the PIM"))
    story.post("orders/create", an_order(external_id="0", name="#0", lines=(a_line(sku="LAMP"),)))
    for n in range(1, 4):
        story.post("orders/create", an_order(external_id=str(n), name=f"#{n}"))
    story.settle()
    assert [story.state(str(n)) for n in range(4)] == ["posted", "accepted", "accepted", "accepted"]
    ((about, title, waiting, case_id),) = story.crank.rows(
        "SELECT c.about, c.title, (SELECT count(*) FROM hub.case_item i WHERE i.case_id = c.id), c.id::text "
        "FROM hub.exception_case c"
    )
    assert (about, waiting) == ("sku TENT-2P-GRN", 3)
    assert "tax_code is missing (required): name its tax code in the PIM" in title
    told(tax_code="FULL")
    with story.crank.uow() as uow:
        assert resolve_case(uow, case_id, "june", "the PIM has it now") == 3
    story.settle()
    assert ([story.state(str(n)) for n in range(4)], story.cases()) == (["posted"] * 4, {})


@pytest.mark.capability("CM-7")
def test_a_value_is_tried_on_a_rule_before_it_is_set() -> None:
    words = rule("gtin", "pattern", "[0-9]{13}", kind="item")
    assert validating.try_value(words, "4006381333931") is None
    fault = validating.try_value(words, "40063")
    assert fault is not None
    assert (fault.field, fault.said) == ("gtin", "gtin is not like [0-9]{13}")
    with pytest.raises(Invalid, match="an item has|a item has"):
        validating.try_value(rule("colour", "required", kind="item"), "")

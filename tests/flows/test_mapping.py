"""A word that nobody mapped is one case; once it is mapped, everything that waited goes on by itself."""

from __future__ import annotations

import pytest

from app.domains.orders.canonical import Order
from app.flows import mapping
from app.infra.value_maps import Word
from app.kernel.errors import Invalid
from tests.factories import a_customer, a_line, a_shipping, an_address, an_order
from tests.flows.conftest import Story

SKU = "TENT-2P-GRN"


def orders_wait(story: Story, count: int) -> None:
    story.stock(TENT_2P_GRN=count)
    story.erp.unmapped.add(SKU)
    for n in range(count):
        buyer = a_customer(external_id=f"c{n}", email=f"buyer{n}@example.com")
        story.post("orders/create", an_order(external_id=str(n), name=f"#{n}", customer=buyer, email=buyer.email))
    story.settle()


@pytest.mark.capability("CM-5", "PRD-3")
def test_a_missing_word_is_one_case_however_many_orders_wait_and_mapping_it_lets_all_go_on(story: Story) -> None:
    orders_wait(story, 7)
    assert story.crank.rows("SELECT code, about FROM hub.exception_case") == [("orders.sku_unmapped", f"sku {SKU}")]
    with story.crank.uow() as uow:
        (gap,) = mapping.gaps(uow)
    assert (gap.connection, gap.kind, gap.word, gap.waiting) == ("erp", "item", SKU, 7)
    story.erp.unmapped.clear()
    with story.crank.uow() as uow:
        done = mapping.map_values(uow, "erp", [Word(kind="item", source=SKU, target="1896-S")], "ann")
    assert (done.changed, done.gaps, done.released) == (1, 1, 7)
    story.settle()
    assert {story.state(str(n)) for n in range(7)} == {"posted"}
    assert len(story.erp.documents) == 7
    assert {posting.known["item"][SKU] for posting in story.erp.postings[-7:]} == {"1896-S"}
    assert story.cases() == {}


@pytest.mark.capability("CM-5", "ORD-5")
@pytest.mark.parametrize(("kind", "word"), [("country", "US"), ("payment_method", "bogus"), ("shipment_method", "STD")])
def test_a_kind_that_is_mapped_is_mapped_whole_and_its_gap_is_one_case_for_all_orders(
    story: Story, kind: str, word: str
) -> None:
    story.stock(TENT_2P_GRN=9)

    def order(n: int) -> Order:
        buyer = a_customer(external_id=f"c{n}", email=f"buyer{n}@example.com")
        return an_order(
            external_id=str(n), name=f"#{n}", customer=buyer, email=buyer.email, gateways=("bogus",),
            ship_to=an_address(country_code="US"), shipping=(a_shipping(code="STD"),),
        )  # fmt: skip

    story.post("orders/create", order(0))
    story.settle()
    assert (story.state("0"), story.erp.postings[0].known[kind]) == ("posted", {})  # nobody maps it: it is no gap
    with story.crank.uow() as uow:
        mapping.map_values(uow, "erp", [Word(kind=kind, source="elsewhere", target="X")], "ann")
    for n in range(1, 4):
        story.post("orders/create", order(n))
    story.settle()
    assert story.cases() == {f"erp.{kind}_missing": f"{kind} {word}"}
    assert len(story.erp.postings) == 1
    with story.crank.uow() as uow:
        (gap,) = mapping.gaps(uow)
        assert (gap.kind, gap.word, gap.waiting) == (kind, word, 3)
        done = mapping.map_values(uow, "erp", [Word(kind=kind, source=word, target="THEIRS")], "ann")
    assert (done.gaps, done.released) == (1, 3)
    story.settle()
    assert {story.state(str(n)) for n in range(4)} == {"posted"}
    assert {posting.known[kind][word] for posting in story.erp.postings[1:]} == {"THEIRS"}
    with story.crank.uow() as uow:
        mapping.unmap(uow, "erp", kind, word, "ann")
        mapping.map_values(uow, "erp", [Word(kind=kind, source="*", target="OTHERS")], "ann")
    story.post("orders/create", order(5))
    story.settle()
    assert (story.state("5"), story.erp.postings[-1].known[kind][word]) == ("posted", "OTHERS")


@pytest.mark.capability("CM-5")
def test_another_word_or_another_system_s_word_closes_nothing(story: Story) -> None:
    orders_wait(story, 1)
    with story.crank.uow() as uow:
        other = mapping.map_values(uow, "erp", [Word(kind="item", source="TENT-3P", target="1")], "ann")
        elsewhere = mapping.map_values(uow, "shop", [Word(kind="item", source=SKU, target="1")], "ann")
        not_an_item = mapping.map_values(uow, "erp", [Word(kind="unit", source=SKU, target="PCS")], "ann")
    assert [done.gaps for done in (other, elsewhere, not_an_item)] == [0, 0, 0]
    assert story.cases() == {"orders.sku_unmapped": f"sku {SKU}"}


@pytest.mark.capability("CM-5")
def test_a_place_that_was_mapped_to_a_wrong_code_is_mended_by_mapping_it_again(story: Story) -> None:
    with story.crank.uow() as uow:
        mapping.map_values(uow, "erp", [Word(kind="location", source="EAST", target="MIAN")], "ann")
        uow.sql(
            "INSERT INTO hub.exception_case (id, code, connection, about, title) "
            "VALUES (gen_random_uuid(), 'erp.location_missing', 'erp', 'location MIAN', 'no location MIAN')"
        )
        done = mapping.map_values(uow, "erp", [Word(kind="location", source="EAST", target="MAIN")], "ann")
    assert (done.gaps, story.cases()) == (1, {})


@pytest.mark.capability("CM-5", "PRD-3")
def test_words_that_look_alike_are_offered_the_likest_first(story: Story) -> None:
    words = ["TENT-2P-GREEN", "TENT-3P-GREEN", "TE-STOVE", "MUG-500"]
    with story.crank.uow() as uow:
        rows = [Word(kind="item", source=f"OLD-{n}", target=word) for n, word in enumerate(words)]
        mapping.map_values(uow, "erp", rows, "ann")
        assert mapping.suggest(uow, "erp", "item", "Tent 2P grn") == ["TENT-2P-GREEN", "TENT-3P-GREEN"]
        assert mapping.suggest(uow, "erp", "item", "ZZ-9") == []
        assert mapping.suggest(uow, "erp", "location", "TENT-2P-GRN") == []


@pytest.mark.capability("CM-5")
def test_a_file_of_words_comes_back_as_it_was_written(story: Story) -> None:
    rows = [Word(kind="item", source=f"SKU-{n:04}", target=f'I,"{n}') for n in range(1203)]
    with story.crank.uow() as uow:
        assert mapping.map_values(uow, "erp", rows, "ann").changed == 1203
        written = "".join(mapping.write_sheet(uow, "erp"))
    sheet = mapping.read_sheet(written)
    assert [(row.source, row.target) for row in sheet.rows] == [(row.source, row.target) for row in rows]
    with story.crank.uow() as uow:
        again = mapping.take_sheet(uow, "erp", sheet, "ann")
        out = mapping.take_sheet(uow, "erp", mapping.read_sheet("source,target\nSKU-0001,\n", "item"), "ann")
        left = uow.sql("SELECT count(*) FROM hub.value_map").fetchall()
    assert (again.changed, out.removed, left) == (0, 1, [(1202,)])


@pytest.mark.capability("CM-5")
def test_a_file_with_a_wrong_line_changes_nothing_and_names_line_and_field() -> None:
    text = "kind,source,target\nitem,A,1\nitem,,2\nitem,A,3\nIt em,B,4\n"
    with pytest.raises(Invalid) as raised:
        mapping.read_sheet(text)
    assert [(one["line"], one["field"]) for one in raised.value.facts["errors"]] == [  # type: ignore[attr-defined]
        (3, "source"), (4, "source"), (5, "kind"),
    ]  # fmt: skip
    with pytest.raises(Invalid, match="lacks target"):
        mapping.read_sheet("kind,source\nitem,A\n")


@pytest.mark.capability("CM-5")
def test_an_order_with_two_missing_words_waits_for_each_in_turn(story: Story) -> None:
    story.stock(TENT_2P_GRN=1, MUG=1)
    story.erp.unmapped |= {SKU, "MUG"}
    lines = (a_line(line_id="1", sku=SKU), a_line(line_id="2", sku="MUG"))
    story.post("orders/create", an_order(lines=lines))
    story.settle()
    for sku in (SKU, "MUG"):
        assert story.cases() == {"orders.sku_unmapped": f"sku {sku}"}
        story.erp.unmapped.discard(sku)
        with story.crank.uow() as uow:
            mapping.map_values(uow, "erp", [Word(kind="item", source=sku, target=f"I-{sku}")], "ann")
        story.settle()
    assert (story.state(), story.cases()) == ("posted", {})

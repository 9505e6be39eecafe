"""Products taken in from sources: what is new, what changes, what stays, what is refused."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domains.product import service
from app.domains.product.canonical import Component, Group, Image, ProductDraft, Unit, VariantDraft
from app.domains.product.service import Tell
from app.infra.ids import new_id
from app.kernel.errors import Invalid, NotFound, Transient
from tests.domains.product.shelves import Shelves, bundle, draft

CHANGED, RETIRED = "product.product_changed.v1", "product.product_retired.v1"


@pytest.mark.capability("PRD-1")
def test_a_product_is_kept_with_all_that_was_told_of_it(shelves: Shelves) -> None:
    tent = ProductDraft(
        code="TENT",
        title="Trail tent",
        description="For two",
        vendor="Ridge",
        product_type="Tents",
        tax_code="P0000000",
        status="active",
        options=("Colour",),
        attributes={"season": "3"},
        images=(Image(url="https://cdn.example/tent.jpg", alt="A tent"),),
        placing=True,
        variants=(
            VariantDraft(
                sku="TENT-GRN", options={"Colour": "Green"}, gtin="4006381333931", weight=Decimal("2.40"),
                weight_unit="kg", uom="piece", units=(Unit(unit="box", numerator=12, gtin="10614141000415"),),
            ),
            VariantDraft(sku="TENT-RED", options={"Colour": "Red"}, gtin="0 36000-29145 2"),
        ),
    )  # fmt: skip
    done = shelves.take_in(tent, source="catalogue.csv")
    kept = shelves.find("TENT-RED")
    assert (done.created, done.changed, done.problems) == (1, 0, ())
    assert done.ids == (kept.product_id,)
    assert (kept.code, kept.title, kept.description, kept.vendor, kept.product_type) == (
        "TENT", "Trail tent", "For two", "Ridge", "Tents",
    )  # fmt: skip
    assert (kept.tax_code, kept.status, kept.options, kept.version) == ("P0000000", "active", ("Colour",), 1)
    assert kept.attributes == {"season": "3"}
    assert kept.images == tent.images
    green, red = kept.variants
    assert (green.sku, green.position, green.options, green.gtin) == (
        "TENT-GRN",
        1,
        {"Colour": "Green"},
        "4006381333931",
    )
    assert (green.weight, green.weight_unit, green.uom, green.status) == (Decimal("2.40"), "kg", "piece", "active")
    assert green.units == (Unit(unit="box", numerator=12, gtin="10614141000415"),)
    assert (red.position, red.gtin) == (2, "036000291452")
    assert {origin.source for origin in kept.origins.values()} == {"catalogue.csv"}
    assert {*kept.origins} == {group.value for group in Group} - {"bundle"}
    (fact,) = shelves.told(CHANGED)
    assert (fact["product_id"], fact["version"], fact["created"]) == (kept.product_id, 1, True)


def test_the_same_again_changes_nothing_and_tells_nothing(shelves: Shelves) -> None:
    said = draft("MUG", title="Mug", status="active", attributes={"colour": "blue"})
    shelves.take_in(said)
    before = shelves.find("MUG")
    done = shelves.take_in(said)
    assert (done.stands, done.ids) == ((), (before.product_id,))
    assert shelves.find("MUG") == before
    assert len(shelves.told(CHANGED)) == 1


@pytest.mark.capability("PRD-1", "CM-6")
def test_what_a_source_does_not_speak_of_stays_as_another_told_it(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG", title="Mug", description="Holds tea", attributes={"colour": "blue"}), source="pim")
    done = shelves.take_in(
        draft("MUG", title="Mug, large", variants=(VariantDraft(sku="MUG", gtin="96385074"),)), source="erp"
    )
    kept = shelves.find("MUG")
    assert (kept.title, kept.description, kept.attributes) == ("Mug, large", "Holds tea", {"colour": "blue"})
    assert kept.variants[0].gtin == "96385074"
    assert (kept.version, done.changed) == (2, 1)
    assert {group: origin.source for group, origin in kept.origins.items()} == {
        "text": "erp", "gtin": "erp", "attributes": "pim",
    }  # fmt: skip
    assert shelves.told(CHANGED)[-1]["changed"] == ["gtin", "text"]


def test_an_attribute_is_set_by_its_key_and_taken_away_by_an_empty_text(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG", attributes={"colour": "blue", "size": "L"}))
    shelves.take_in(draft("MUG", attributes={"colour": "", "glaze": "matt"}))
    assert shelves.find("MUG").attributes == {"size": "L", "glaze": "matt"}


def test_only_the_groups_that_a_source_owns_are_written(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG", title="Mug", tax_code="A"))
    shelves.take_in(draft("MUG", title="Becher", tax_code="B"), source="pim", groups=[Group.TEXT])
    kept = shelves.find("MUG")
    assert (kept.title, kept.tax_code) == ("Becher", "A")


@pytest.mark.capability("PRD-1")
def test_an_erp_of_single_items_leaves_together_what_a_catalogue_put_together(shelves: Shelves) -> None:
    shelves.take_in(draft("TENT", "TENT-GRN", "TENT-RED", title="Tent", placing=True), source="pim")
    done = shelves.take_in(draft("TENT-GRN", title="Tent green 2p", tax_code="T1"), draft("STOVE"), source="erp")
    kept = shelves.find("TENT-GRN")
    assert (kept.code, kept.title, len(kept.variants)) == ("TENT", "Tent", 2)
    assert (kept.variants[0].title, kept.variants[0].tax_code) == ("Tent green 2p", "T1")
    assert done.ids == (kept.product_id, shelves.find("STOVE").product_id)
    assert shelves.count("product") == 2


@pytest.mark.capability("PRD-1")
def test_a_catalogue_gathers_single_items_into_one_product_and_the_empty_ones_retire(shelves: Shelves) -> None:
    shelves.take_in(draft("TENT-GRN", status="active"), draft("TENT-RED", status="active"), source="erp")
    ids = {sku: shelves.find(sku).variants[0].variant_id for sku in ("TENT-GRN", "TENT-RED")}
    shelves.take_in(draft("TENT", "TENT-GRN", "TENT-RED", status="active", placing=True), source="pim")
    kept = shelves.find("TENT-RED")
    assert {variant.sku: variant.variant_id for variant in kept.variants} == ids
    assert sorted(fact["code"] for fact in shelves.told(RETIRED)) == ["TENT-GRN", "TENT-RED"]
    assert all(fact["whole"] and not fact["skus"] for fact in shelves.told(RETIRED))


def test_a_source_that_tells_a_product_whole_retires_the_skus_that_it_leaves_out(shelves: Shelves) -> None:
    shelves.take_in(draft("TENT", "TENT-GRN", "TENT-RED", status="active", placing=True))
    shelves.take_in(draft("TENT", "TENT-GRN", whole=True, placing=True))
    assert {variant.sku: variant.status for variant in shelves.find("TENT-GRN").variants} == {
        "TENT-GRN": "active", "TENT-RED": "retired",
    }  # fmt: skip
    (fact,) = shelves.told(RETIRED)
    assert (fact["skus"], fact["whole"], fact["version"]) == (["TENT-RED"], False, 2)


def test_a_product_of_one_company_is_not_that_of_another(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG", company="de", title="Becher"), draft("MUG", company="us", title="Mug"))
    assert shelves.find("MUG", company="de").title == "Becher"
    assert shelves.find("MUG", company="us").title == "Mug"
    with pytest.raises(NotFound, match="MUG"):
        shelves.find("MUG")


def test_one_product_with_a_problem_does_not_stop_the_others_and_is_left_whole(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG", title="Mug", status="active"))
    done = shelves.take_in(draft("MUG", title="Becher", status="draft"), draft("CUP", title="Cup"))
    (problem,) = done.problems
    assert (problem.n, problem.key, problem.code, problem.field) == (0, "MUG", "product.illegal_move", "status")
    assert "active" in problem.said
    assert (shelves.find("MUG").title, shelves.find("CUP").title) == ("Mug", "Cup")


@pytest.mark.parametrize(
    ("drafts", "code"),
    [
        ([draft("A", title="1"), draft("A", title="2")], "product.told_twice"),
        ([draft("A", "S"), draft("B", "S")], "product.told_twice"),
        ([draft("A", status="sold out")], "product.unknown_status"),
        (
            [draft("A", variants=(VariantDraft(sku="A", uom="pcs", units=(Unit(unit="PCS", numerator=3),)),))],
            "product.unit_twice",
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_contradicts_itself_is_named(shelves: Shelves, drafts: list[ProductDraft], code: str) -> None:
    done = shelves.take_in(*drafts)
    assert [problem.code for problem in done.problems] == [code]
    assert shelves.count("product") == len(drafts) - 1


def test_what_a_person_retired_is_not_brought_back_by_a_source_that_offers_it_still(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG", status="active"), source="erp")
    shelves.take_in(draft("MUG", status="retired"), source="ann", decided=True)
    shelves.take_in(draft("MUG", status="active", title="Mug"), source="erp")
    kept = shelves.find("MUG")
    assert (kept.status, kept.title) == ("retired", "Mug")
    shelves.take_in(draft("MUG", status="active"), source="ann", decided=True)
    assert shelves.find("MUG").status == "active"


def test_the_unit_in_which_stock_is_counted_does_not_change_under_it(shelves: Shelves) -> None:
    def counted_in(unit: str) -> ProductDraft:
        return draft("ROPE", status="active", variants=(VariantDraft(sku="ROPE", uom=unit),))

    shelves.take_in(draft("ROPE", status="active"))
    assert shelves.take_in(counted_in("m")).problems == ()  # nobody had said in what
    (problem,) = shelves.take_in(counted_in("roll")).problems
    assert (problem.code, problem.field) == ("product.base_unit", "uom")
    assert shelves.find("ROPE").variants[0].uom == "m"


def test_units_are_told_whole(shelves: Shelves) -> None:
    def in_units(*units: Unit) -> ProductDraft:
        return draft("MUG", variants=(VariantDraft(sku="MUG", units=units),))

    box, pallet = Unit(unit="box", numerator=12), Unit(unit="pallet", numerator=480)
    shelves.take_in(in_units(box, pallet))
    shelves.take_in(in_units(Unit(unit="box", numerator=10), pallet))
    shelves.take_in(in_units(pallet))
    shelves.take_in(draft("MUG", title="Mug"))
    kept = shelves.find("MUG")
    assert (kept.variants[0].units, kept.version) == ((pallet,), 4)


def test_a_bulk_import_tells_of_a_batch_at_once(shelves: Shelves) -> None:
    done = shelves.take_in(*(draft(f"SKU-{n:04}") for n in range(1200)), tells=Tell.BATCH)
    assert (done.created, shelves.told(CHANGED)) == (1200, [])
    told = shelves.told("product.catalogue_changed.v1")
    assert [len(fact["product_ids"]) for fact in told] == [1000, 200]
    assert {one for fact in told for one in fact["product_ids"]} == {*done.ids}


def test_a_batch_costs_the_same_few_statements_however_many_products_it_has(shelves: Shelves) -> None:
    def named(first: int, many: int, title: str) -> list[ProductDraft]:
        return [draft(f"SKU-{n:03}", title=title, status="active") for n in range(first, first + many)]

    assert shelves.statements(*named(0, 3, "new")) == shelves.statements(*named(3, 300, "new")) == 4
    assert shelves.statements(*named(0, 3, "other")) == shelves.statements(*named(3, 300, "other")) == 8
    assert shelves.statements(*named(0, 300, "other")) == 5


@pytest.mark.capability("PRD-1")
def test_a_bundle_holds_what_is_there_or_comes_with_it(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG"))
    done = shelves.take_in(bundle("SET", MUG="2", SPOON="1.5"), draft("SPOON"))
    assert done.problems == ()
    assert shelves.find("SET").variants[0].components == (
        Component(sku="MUG", quantity=Decimal(2)), Component(sku="SPOON", quantity=Decimal("1.5")),
    )  # fmt: skip
    done = shelves.take_in(bundle("SET", MUG="3"))
    assert shelves.find("SET").variants[0].components == (Component(sku="MUG", quantity=Decimal(3)),)
    assert (done.changed, shelves.find("SET").version) == (1, 2)


def test_a_bundle_of_what_nobody_knows_is_refused_and_so_is_what_is_made_of_it(shelves: Shelves) -> None:
    done = shelves.take_in(bundle("BIG", SET="1"), bundle("SET", GHOST="1"))
    assert {problem.key: problem.code for problem in done.problems} == {
        "SET": "product.component_missing", "BIG": "product.component_missing",
    }  # fmt: skip
    assert "GHOST" in next(problem.said for problem in done.problems if problem.key == "SET")
    assert shelves.count("product") == 0


def test_bundles_that_hold_one_another_are_refused_with_the_way_round(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG"))
    shelves.take_in(bundle("A", MUG="1"))
    shelves.take_in(bundle("B", A="1"))
    (problem,) = shelves.take_in(bundle("A", B="1", MUG="1")).problems
    assert problem.code == "product.bundle_cycle"
    assert "A > B > A" in problem.said
    assert shelves.find("A").variants[0].components == (Component(sku="MUG", quantity=Decimal(1)),)
    both = shelves.take_in(bundle("C", D="1"), bundle("D", C="1"), bundle("E", C="1"))
    assert {problem.code for problem in both.problems} == {"product.bundle_cycle", "product.component_missing"}


def test_bundles_do_not_lie_deeper_in_one_another_than_two(shelves: Shelves) -> None:
    shelves.take_in(draft("MUG"), bundle("PAIR", MUG="2"), bundle("CASE", PAIR="3"))
    (problem,) = shelves.take_in(bundle("PALLET", CASE="9")).problems
    assert (problem.code, problem.key) == ("product.bundle_depth", "PALLET")
    (problem,) = shelves.take_in(bundle("MUG", SPOON="1"), draft("SPOON")).problems  # two lie above it already
    assert (problem.code, problem.key) == ("product.bundle_depth", "MUG")


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: draft(" "), "product.no_sku"),
        (lambda: draft("A", variants=(VariantDraft(sku="x" * 101),)), "product.no_sku"),
        (lambda: ProductDraft(code="A", variants=()), "product.no_variants"),
        (lambda: draft("A", "S", "S"), "product.sku_twice"),
        (lambda: VariantDraft(sku="A", weight=Decimal(0), weight_unit="kg"), "product.weight"),
        (lambda: VariantDraft(sku="A", weight=Decimal("NaN"), weight_unit="kg"), "product.weight"),
        (lambda: VariantDraft(sku="A", weight=Decimal(1), weight_unit="stone"), "product.unknown_weight_unit"),
        (lambda: VariantDraft(sku="A", weight=Decimal(1)), "product.unknown_weight_unit"),
        (lambda: VariantDraft(sku="A", uom=" "), "product.no_unit"),
        (lambda: bundle("A", A="1"), "product.bundle_cycle"),
        (lambda: bundle("A", B="-1"), "product.component_quantity"),
        (lambda: bundle("A", B="0.000001"), "product.component_quantity"),
        (lambda: draft("A", options=("Size",), variants=(VariantDraft(sku="A", options={}),)), "product.option_names"),
        (
            lambda: draft(
                "A", options=("Size",),
                variants=(VariantDraft(sku="A", options={"Size": "L"}), VariantDraft(sku="B", options={"Size": "L"})),
            ),
            "product.same_options",
        ),
    ],
)  # fmt: skip
def test_a_draft_that_cannot_be_right_cannot_be_made(made: object, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        made()  # type: ignore[operator]
    assert refused.value.code == code


def test_two_sources_that_add_the_same_sku_at_once_make_one_product(shelves: Shelves) -> None:
    """Both are in their transaction at the same moment; one waits, finds itself late, and is tried again."""
    both = threading.Barrier(2)
    outcomes: list[str] = []

    def add(source: str) -> None:
        for _ in range(3):
            try:
                with shelves.hub.unit_of_work() as uow:
                    if not outcomes:
                        both.wait(10)
                    drafts = [draft(f"SKU-{n}", title=source) for n in range(50)]
                    service.upsert_many(uow, drafts, source=source)
            except Transient as late:
                outcomes.append(late.code)
            else:
                outcomes.append("done")
                return

    threads = [threading.Thread(target=add, args=(source,)) for source in ("erp", "pim")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) in (["done", "done"], ["done", "done", "product.raced"])
    assert (shelves.count("product"), shelves.count("variant")) == (50, 50)
    versions = {shelves.find(f"SKU-{n}").version for n in range(50)}
    assert versions == {2}  # the second one's title came over the first one's


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_told_in_whatever_batches_the_last_word_of_each_field_stands(
    shelves: Shelves, data: st.DataObject
) -> None:
    run = new_id()[-8:]
    texts = st.one_of(st.none(), st.sampled_from(["red", "blue", "green"]))
    told: dict[str, dict[str, str]] = {}
    for _ in range(data.draw(st.integers(1, 4))):
        codes = data.draw(st.lists(st.sampled_from("ABCD"), unique=True, min_size=1))
        batch = []
        for code in codes:
            fields = {name: data.draw(texts) for name in ("title", "vendor", "tax_code")}
            batch.append(draft(f"{run}-{code}", **fields))
            known = told.setdefault(f"{run}-{code}", {"title": "", "vendor": "", "tax_code": ""})
            known.update({name: text for name, text in fields.items() if text is not None})
        shelves.take_in(*batch)
    for code, fields in told.items():
        kept = shelves.find(code)
        assert {name: getattr(kept, name) for name in fields} == fields

"""Stock learns from the catalogue what bundles are made of and in which units goods are counted."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domains.inventory import queries, service
from app.domains.product import service as products
from app.domains.product.canonical import Component, ProductDraft, Unit, VariantDraft
from app.domains.product.service import Tell, upsert_many
from app.kernel.errors import Invalid
from tests.flows.conftest import Story

pytestmark = pytest.mark.capability("INV-2")


def bundle(sku: str, **parts: int) -> ProductDraft:
    components = tuple(Component(sku=name, quantity=Decimal(quantity)) for name, quantity in parts.items())
    return ProductDraft(code=sku, variants=(VariantDraft(sku=sku, components=components),))


def goods(sku: str, *units: Unit) -> ProductDraft:
    return ProductDraft(code=sku, variants=(VariantDraft(sku=sku, uom="piece", units=units),))


def offered(story: Story, sku: str) -> Decimal:
    with story.crank.uow() as uow:
        return service.offered(uow, "shop", [sku])[sku].quantity


def test_a_bundle_of_the_catalogue_is_sold_from_its_components_and_changes_with_it(story: Story) -> None:
    story.stock(TENT=5, PEG=40)
    with story.crank.uow() as uow:
        for draft in (goods("TENT"), goods("PEG"), bundle("CAMP", TENT=1, PEG=10)):
            products.keep(uow, draft, "ann")
    story.settle()
    assert offered(story, "CAMP") == 4
    with story.crank.uow() as uow:
        products.keep(uow, bundle("CAMP", TENT=1, PEG=8), "ann")
    story.settle()
    assert offered(story, "CAMP") == 5


def test_an_import_in_bulk_is_learned_at_once(story: Story) -> None:
    story.stock(TENT=5, PEG=40)
    with story.crank.uow() as uow:
        for draft in (goods("TENT"), goods("PEG")):
            products.keep(uow, draft, "ann")
        upsert_many(uow, [bundle("CAMP", TENT=1, PEG=10)], source="erp", tells=Tell.BATCH)
    story.settle()
    assert offered(story, "CAMP") == 4


def test_a_report_may_be_in_any_unit_of_the_catalogue_that_is_exact(story: Story) -> None:
    units = (Unit(unit="box", numerator=12), Unit(unit="third", numerator=1, denominator=3))
    with story.crank.uow() as uow:
        products.keep(uow, goods("PEG", *units), "ann")
    story.settle()
    with story.crank.uow() as uow:
        given = [("PEG", "box", Decimal(2)), ("PEG", "piece", Decimal(3)), ("PEG", "", Decimal(1))]
        assert service.in_stock_units(uow, given) == [24, 3, 1]
        with pytest.raises(Invalid, match="it has box, piece"):
            service.in_stock_units(uow, [("PEG", "third", Decimal(3))])


def test_a_bundle_in_a_bundle_counts_as_what_it_is_made_of(story: Story) -> None:
    with story.crank.uow() as uow:
        learned = service.learn_bundles(
            uow, {"SET": {"PEG": Decimal(4)}, "BIG": {"SET": Decimal(2), "PEG": Decimal(1)}, "PEG": {}}
        )
        assert learned == {"SET", "BIG"}
        assert queries.parts_of(uow, ["BIG"]) == {"BIG": {"PEG": 9}}
        assert service.learn_bundles(uow, {"SET": {"PEG": Decimal(4)}}) == set()
        assert service.learn_bundles(uow, {"SET": {}}) == {"SET"}
        assert queries.parts_of(uow, ["SET"]) == {}

"""What a product says of itself is what promotions and tax go by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine

from app import flows, registry
from app.domains.pricing.canonical.quote import Stage
from app.domains.product import service as catalogue
from app.domains.product.canonical import ProductDraft
from app.settings import Settings
from tests.domains.pricing.shop import GERMANY, Shop, reasons
from tests.domains.product.shelves import draft
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRD-1", "PRC-2")


@pytest.fixture
def crank(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Crank]:
    flows.load()
    crank = Crank(settings, adapter=registry.adapter)
    yield crank
    crank.close()


def take_in(crank: Crank, *drafts: ProductDraft) -> None:
    with crank.uow() as uow:
        catalogue.upsert_many(uow, drafts, source="erp")
    crank.settle()


@pytest.mark.parametrize("others", [0, 60])
def test_a_product_s_type_category_and_tax_code_reach_the_next_quote(crank: Crank, others: int) -> None:
    """One product tells of itself; many are told of together."""
    shop = Shop(crank.hub)
    shop.tax(GERMANY)
    shop.list("retail", {"TENT-RED": "100", "TENT-BLU": "100"})
    shop.promotion("shelters", value="10", product_types=["Shelter"])
    shop.promotion("reds", value="20", categories=["reds"], stacks_with=["shelters"])
    tent = draft("TENT", "TENT-RED", "TENT-BLU", product_type="Shelter", tax_code="standard")
    take_in(crank, tent, *(draft(f"OTHER-{n}") for n in range(others)))

    found = shop.quote({"TENT-RED": 1, "TENT-BLU": 1})
    assert [reasons(found, n, Stage.LINE_PROMOTION) for n in range(2)] == [[("shelters", "-10.00")]] * 2
    assert [part.name for part in found.lines[0].taxes.parts] == ["USt 19 %"]

    take_in(crank, draft("TENT", "TENT-RED", "TENT-BLU", attributes={"category": "reds"}, tax_code="reduced"))
    found = shop.quote({"TENT-RED": 1})
    assert reasons(found, 0, Stage.LINE_PROMOTION) == [("reds", "-20.00"), ("shelters", "-8.00")]
    assert [part.name for part in found.lines[0].taxes.parts] == ["USt 7 %"]


def test_what_a_product_does_not_say_stays_and_so_does_its_cost(crank: Crank) -> None:
    shop = Shop(crank.hub)
    shop.items(TENT="category=tents tax_code=standard cost=80 margin=0.1")
    take_in(crank, draft("TENT", product_type="Shelter"))
    with crank.uow() as uow:
        rows = uow.sql(
            "SELECT i.category, i.product_type, i.tax_code, i.margin::text, c.amount::text "
            "FROM pricing.item i JOIN pricing.cost c USING (sku) WHERE sku = 'TENT'"
        ).fetchall()
    assert rows == [("tents", "Shelter", "standard", "0.100000", "80.000000")]

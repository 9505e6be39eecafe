"""Items of Business Central as products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.adapters.business_central.client import Company
from app.adapters.business_central.items import BusinessCentralItems, draft_of
from app.domains.product.ports import Batch, ProductSource
from tests.adapters.business_central.erp import Erp, a_us_company, an_erp
from tests.contracts.product_source import ProductSourceContract

pytestmark = pytest.mark.capability("SYS-dynamics-bc", "PRD-1")


class Items(Erp):
    """A bench of the contract: what people put into the company's item list."""

    source: type[BusinessCentralItems] | None = None

    @property
    def port(self) -> ProductSource:
        if self.source is not None:
            return self.source.build(self.remote, self.settings)
        return self.products

    @property
    def company(self) -> Company:
        return Company.of(self.remote, self.settings)

    def add(self, number: str, title: str, **fields: Any) -> None:
        self.company.post("items", {"number": number, "displayName": title, **fields})

    def add_variant(self, number: str, code: str) -> None:
        self.company.post("itemVariants", {"itemNumber": number, "code": code, "description": f"{number} {code}"})

    def rename(self, number: str, title: str) -> None:
        self.people("edit", set="items", number=number, values={"displayName": title})

    def spoil(self, number: str) -> None:
        self.people("edit", set="items", number=number, values={"gtin": "4006381333932"})

    def block(self, number: str) -> None:
        self.people("edit", set="items", number=number, values={"blocked": True})


def _bench(source: type[BusinessCentralItems] | None = None) -> Iterator[Items]:
    with an_erp(a_us_company()) as erp:
        items = Items(served=erp.served, spec=erp.spec, settings=erp.settings)
        items.source = source
        yield items


class TestItems(ProductSourceContract):
    @pytest.fixture
    def bench(self) -> Iterator[Items]:
        yield from _bench()


class ForgetsVariants(BusinessCentralItems):
    """Believes that an item's own stamp tells of its variants."""

    def _moved(self, *given: Any) -> list[Any]:
        return []


class CountsOn(BusinessCentralItems):
    """Skips as many as it has read, whatever left its page meanwhile."""

    def page(self, *, since: Any, after: str = "", most: int = 500) -> Batch:
        done = int(after or 0)
        rows = self._read("items", orderby="lastModifiedDateTime", top=str(most), skip=str(done), expand="itemVariants")
        return self._batch(rows, str(done + most) if len(rows) == most else "")


@pytest.mark.parametrize(
    ("twin", "promise"),
    [
        (ForgetsVariants, "test_only_what_changed_since_comes_and_what_its_variants_changed"),
        (CountsOn, "test_only_what_changed_since_comes_and_what_its_variants_changed"),
    ],
)
def test_a_source_that_breaks_its_promise_is_caught(twin: type[BusinessCentralItems], promise: str) -> None:
    for bench in _bench(twin):
        with pytest.raises(AssertionError):
            getattr(ProductSourceContract(), promise)(bench)


ITEM = {
    "number": "1000", "displayName": "Bicycle", "itemCategoryCode": "BIKES", "blocked": False, "gtin": "4006381333931",
    "taxGroupCode": "TAXABLE", "baseUnitOfMeasureCode": "PCS", "itemVariants": [],
}  # fmt: skip


def test_an_item_is_a_product_of_one_sku() -> None:
    draft = draft_of(ITEM, "-")
    (variant,) = draft.variants
    assert (draft.code, draft.title, draft.product_type, draft.tax_code, draft.status) == (
        "1000", "Bicycle", "BIKES", "TAXABLE", "active",
    )  # fmt: skip
    assert (variant.sku, variant.gtin, variant.uom) == ("1000", "4006381333931", "PCS")
    assert (draft.placing, draft.whole) == (False, False)


def test_an_item_with_variants_is_a_product_of_their_skus_and_its_gtin_is_none_of_theirs() -> None:
    variants = [{"code": "RED", "description": "Red bicycle"}, {"code": "BLUE", "description": ""}]
    draft = draft_of(ITEM | {"itemVariants": variants}, "/")
    assert [(one.sku, one.title, one.gtin, one.uom) for one in draft.variants] == [
        ("1000/BLUE", None, None, "PCS"), ("1000/RED", "Red bicycle", None, "PCS"),
    ]  # fmt: skip


def test_what_nobody_filled_in_is_not_spoken_of() -> None:
    draft = draft_of(ITEM | {"itemCategoryCode": "", "taxGroupCode": "", "gtin": "", "baseUnitOfMeasureCode": ""}, "-")
    assert (draft.product_type, draft.tax_code, draft.variants[0].gtin, draft.variants[0].uom) == (None,) * 4
    assert (draft.description, draft.images, draft.attributes, draft.options) == (None,) * 4
    assert (draft.variants[0].weight, draft.variants[0].units, draft.variants[0].components) == (None,) * 3

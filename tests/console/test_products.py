"""Products at the console: found, shown with where each field came from, offered and retired, imported."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from app.domains.product import service
from app.domains.product.canonical import Component, Unit, VariantDraft
from app.infra.hub import Hub
from tests.console.browser import Browser, acts, connect
from tests.domains.product.shelves import bundle, draft

SignIn = Callable[[str], Browser]
pytestmark = pytest.mark.capability("PRD-1", "ADM-2")


def furnish(hub: Hub) -> str:
    mug = VariantDraft(sku="MUG", gtin="96385074", weight=Decimal("0.35"), weight_unit="kg",
                       units=(Unit(unit="box", numerator=12),))  # fmt: skip
    with hub.unit_of_work() as uow:
        mugs = draft("MUG", variants=(mug,), title="Mug <large>", status="active", attributes={"glaze": "matt"})
        ids = service.keep_many(uow, [mugs, bundle("SET", MUG="2")], "pim").ids
        uow.sql(
            "INSERT INTO product.listing (id, connection, product_id, state, reason) "
            "VALUES (gen_random_uuid(), 'shop', %(id)s, 'rejected', 'an image is missing')",
            {"id": ids[0]},
        )
        uow.sql(
            "INSERT INTO product.sku_alias (connection, kind, external, variant_id, chosen_by) "
            "SELECT 'shop', 'sku', 'OLD-MUG', id, 'ann' FROM product.variant WHERE sku = 'MUG'"
        )
    return ids[0]


def test_a_product_is_found_and_shown_with_where_each_field_came_from(signed_in: SignIn, hub: Hub) -> None:
    viewer, mug = signed_in("viewer"), furnish(hub)
    listed = viewer.get("/admin/products/").text
    assert "Mug &lt;large&gt;" in listed
    assert "SET" in listed
    assert "SET" not in viewer.get("/admin/products/?q=96385074").text.split("<tbody>")[1]
    assert "Nothing begins so" in viewer.get("/admin/products/?q=GHOST").text
    assert "MUG" not in viewer.get("/admin/products/?status=draft").text.split("<tbody>")[1].replace("SET", "")
    shown = viewer.get(f"/admin/products/{mug}").text
    for said in ("96385074", "0.35 kg", "1 box = 12 piece", "glaze", "matt", "Title and description", "pim",
                 "Rejected", "an image is missing", "OLD-MUG", "Part of"):  # fmt: skip
        assert said in shown
    assert viewer.get(f"/admin/products/{mug[:-4]}0000").status_code == 404


def test_the_list_goes_on_by_code(operator: Browser, hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        service.keep_many(uow, [draft(f"P-{n:03}") for n in range(60)], "pim")
    first = operator.get("/admin/products/").text
    assert ("P-049" in first, "P-050" in first) == (True, False)
    following = operator.get("/admin/products/?status=&q=&after=P-049&company=").text
    assert ("P-049" in following, "P-059" in following) == (False, True)
    assert "after=P-049" in first


def test_a_product_is_retired_once_the_person_has_seen_what_it_means(
    operator: Browser, signed_in: SignIn, hub: Hub
) -> None:
    viewer, mug = signed_in("viewer"), furnish(hub)
    path = f"/admin/products/{mug}/status"
    viewer.get(f"/admin/products/{mug}")
    assert viewer.post(path, status="retired").status_code == 403
    operator.get(f"/admin/products/{mug}")
    asked = operator.post(path, status="retired").text
    assert "No channel offers it any more" in asked
    assert "Active" in viewer.get(f"/admin/products/{mug}").text
    assert operator.post(path, status="retired", sure="yes", why="out of fashion", follow=False).status_code == 303
    assert "Retired" in viewer.get(f"/admin/products/{mug}").text
    assert "changed a product" in [did for _, did, _ in acts(hub)]


def test_an_import_is_begun_with_a_button(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    page = operator.get("/admin/products/").text
    assert "Import the whole" in page
    assert "Import what changed" not in page
    begun = operator.post("/admin/products/import", connection="erp", whole="yes", follow=False)
    assert begun.status_code == 303
    assert "Products of erp" in operator.get(begun.headers["Location"]).text
    assert operator.post("/admin/products/import", connection="erp", whole="yes").status_code == 409


def test_a_bundle_names_what_it_holds(operator: Browser, hub: Hub) -> None:
    furnish(hub)
    with hub.unit_of_work() as uow:
        parts = (Component(sku="MUG", quantity=Decimal(3)),)
        made = service.keep_many(uow, [draft("CASE", variants=(VariantDraft(sku="CASE", components=parts),))], "pim")
    shown = operator.get(f"/admin/products/{made.ids[0]}").text
    assert "One CASE holds" in shown
    assert "3 ×" in shown

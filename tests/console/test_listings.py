"""Products at channels on the console: what is missing, published again and taken off; a case mended by one click."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.infra.cases import open_case
from app.infra.hub import Hub
from tests.console.browser import Browser, acts, connect
from tests.domains.product.listed import publish_at, states, three_listings

SignIn = Callable[[str], Browser]
pytestmark = pytest.mark.capability("PRD-2", "ADM-2")
PAGE = "/admin/listings/shop"


def test_a_channel_shows_how_its_products_stand_and_what_is_missing(signed_in: SignIn, hub: Hub) -> None:
    connect(hub, "shop")
    viewer = signed_in("viewer")
    assert "No channel lists products" in viewer.get("/admin/listings/").text
    three_listings(hub)
    assert "the products that were chosen" in viewer.get("/admin/listings/").text
    page = viewer.get(PAGE).text
    for said in ("MUG", "CUP", "JUG", "Live", "Rejected", "Waits for what is missing", "the product has no title",
                 "of CUP", "7100"):  # fmt: skip
        assert said in page
    assert "Publish the ticked" not in page
    waiting = viewer.get(f"{PAGE}?state=waiting").text.split("<tbody>")[1]
    assert ("CUP" in waiting, "MUG" in waiting) == (True, False)
    assert "No such product here" in viewer.get(f"{PAGE}?q=GHOST").text
    assert viewer.get("/admin/listings/nowhere").status_code == 404


def test_an_operator_publishes_again_and_takes_off_once_seen(operator: Browser, signed_in: SignIn, hub: Hub) -> None:
    connect(hub, "shop")
    ids = three_listings(hub)
    viewer = signed_in("viewer")
    viewer.get(PAGE)
    assert viewer.post(f"{PAGE}/deed", rowid=ids["JUG"], deed="show").status_code == 403
    operator.get(PAGE)
    assert "On the way to shop: 1 product" in operator.post(f"{PAGE}/deed", rowid=ids["JUG"], deed="show").text
    asked = operator.post(f"{PAGE}/deed", rowid=ids["MUG"], deed="hide").text
    assert "Customers do not see them there any more" in asked
    assert states(hub)["MUG"] == "live"
    operator.post(f"{PAGE}/deed", rowid=ids["MUG"], deed="hide", sure="yes", why="recall")
    operator.post(f"{PAGE}/add", codes="CUP")
    assert set(states(hub).values()) == {"pending"}
    assert "took products off a channel" in [did for _, did, _ in acts(hub)]
    assert operator.post(f"{PAGE}/deed", deed="show").status_code == 422


def test_what_was_rejected_goes_again_and_a_comparison_begins(operator: Browser, hub: Hub) -> None:
    connect(hub, "shop")
    three_listings(hub)
    assert "Send the rejected again" in operator.get(f"{PAGE}?state=rejected").text
    operator.post(f"{PAGE}/again", which="rejected")
    assert states(hub) == {"MUG": "live", "CUP": "waiting", "JUG": "pending"}
    begun = operator.post(f"{PAGE}/align", follow=False)
    assert "Listings of shop compared" in operator.get(begun.headers["Location"]).text
    assert "What lacks something waits" in operator.post(f"{PAGE}/all").text
    listed = operator.post(f"{PAGE}/all", sure="yes", follow=False)
    assert "Catalogue listed at shop" in operator.get(listed.headers["Location"]).text
    publish_at(hub, "")
    assert operator.post(f"{PAGE}/again", which="live").status_code == 409


@pytest.mark.parametrize(
    ("code", "remedy", "was"),
    [
        ("product.listing_refused", "send_refused", "JUG"),
        ("product.listing_incomplete", "look_again", "CUP"),
        ("product.listing_drift", "publish_drifted", "MUG"),
    ],
)
def test_a_case_is_mended_by_one_click(operator: Browser, hub: Hub, code: str, remedy: str, was: str) -> None:
    connect(hub, "shop")
    three_listings(hub)
    with hub.unit_of_work() as uow:
        case = open_case(uow, code=code, connection="shop", about="shop", key="listings:shop", title="Some", facts={})
        uow.sql(
            "INSERT INTO product.drift (connection, sku, kind, field, ours, theirs) "
            "VALUES ('shop', 'MUG', 'differs', 'title', 'Mug', 'Cup')"
        )
    operator.get(f"/admin/cases/{case}")
    operator.post(f"/admin/cases/{case}/mend", remedy=remedy)
    assert {one for one, state in states(hub).items() if state == "pending"} == {was}

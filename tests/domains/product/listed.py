"""Listings as tests want them, without a channel that answers."""

from __future__ import annotations

import json

from app.domains.product import service
from app.flows import listing_wish
from app.infra.hub import Hub
from tests.domains.product.shelves import draft

STAND = """
UPDATE product.listing SET state = %(state)s, code = %(code)s, reason = %(reason)s, problems = %(problems)s::jsonb,
       external_id = %(external)s, sent_at = CASE WHEN %(external)s = '' THEN NULL ELSE now() END
 WHERE product_id = %(id)s::uuid
"""
MISSING = [
    {"field": "title", "sku": "", "said": "the product has no title: give one"},
    {"field": "price", "sku": "CUP", "said": "no price counts for it at this channel"},
]


def publish_at(hub: Hub, which: str = "chosen") -> None:
    """The shop lists products of the hub."""
    with hub.unit_of_work() as uow:
        uow.sql(
            "UPDATE hub.connection SET settings = settings || jsonb_build_object('publish_products', %(w)s::text), "
            "version = version + 1 WHERE name = 'shop'",
            {"w": which},
        )
    hub.connections.forget()


def three_listings(hub: Hub) -> dict[str, str]:
    """A mug that is live, a cup that lacks something, and a jug that was refused; the products by their codes."""
    publish_at(hub)
    codes = ("MUG", "CUP", "JUG")
    with hub.unit_of_work() as uow:
        ids = dict(zip(codes, service.keep_many(uow, [draft(code) for code in codes], "pim").ids, strict=True))
        listing_wish.list_products(uow, "shop", list(ids.values()), "setup", wanted=True)
        refused = [{"field": "image", "sku": "", "said": "Image URL is invalid"}]
        for code, state, cause, problems, external in (
            ("MUG", "live", "", [], "7100"), ("CUP", "waiting", "product.listing_incomplete", MISSING, ""),
            ("JUG", "rejected", "product.listing_refused", refused, ""),
        ):  # fmt: skip
            reason = "; ".join(one["said"] for one in problems)
            given = {"id": ids[code], "state": state, "code": cause, "reason": reason, "external": external}
            uow.sql(STAND, {**given, "problems": json.dumps(problems)})
    return ids


def states(hub: Hub) -> dict[str, str]:
    """Product code → state of its listing."""
    with hub.unit_of_work() as uow:
        rows = uow.sql("SELECT p.code, l.state FROM product.listing l JOIN product.product p ON p.id = l.product_id")
        return dict(rows.fetchall())

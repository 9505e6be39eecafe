"""A product of the hub as Shopify's `ProductSetInput`, and how one stands there as the hub reads it.

Source: Shopify's introspections of 2026-10 and 2026-04. Lists in the input are set whole: what is not in them is
deleted, and a list that is left out stays as it is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from app.adapters.shopify.naming import number
from app.domains.product.canonical import ListedVariant, ListingWish, Missing, Showing, Shown, ShownVariant

SHOWINGS = {Showing.LIVE: "ACTIVE", Showing.HIDDEN: "DRAFT", Showing.ENDED: "ARCHIVED"}
SHOWN_AS = {"ACTIVE": Showing.LIVE, "DRAFT": Showing.HIDDEN, "ARCHIVED": Showing.ENDED, "UNLISTED": Showing.LIVE}
WEIGHTS = {"g": "GRAMS", "kg": "KILOGRAMS", "oz": "OUNCES", "lb": "POUNDS"}
FIELDS = ("handle", "tags", "seo_title", "seo_description", "template_suffix", "category")
DEFAULT_OPTION, DEFAULT_VALUE = "Title", "Default Title"  # of a product that comes in one kind only
OURS: Mapping[str, str] = MappingProxyType(  # Shopify's word for a field → ours
    {
        "descriptionHtml": "description", "productType": "product_type", "barcode": "gtin", "taxCode": "tax_code",
        "files": "image", "productOptions": "options", "optionValues": "options", "weight": "weight",
    }
)  # fmt: skip
_TAG = re.compile(r"<[a-zA-Z/][^>]*>")
Node = Mapping[str, Any]


def product_input(wish: ListingWish, ids: Mapping[str, str], *, sends_images: bool, taxed: bool) -> dict[str, Any]:
    """The input that makes a product stand as wished. `ids` is SKU → the global id of a variant that is there."""
    given: dict[str, Any] = {"status": SHOWINGS[wish.showing]}
    texts = {"title": wish.title, "vendor": wish.vendor, "productType": wish.product_type}
    given |= {name: text for name, text in texts.items() if text}
    if wish.description:
        given["descriptionHtml"] = as_html(wish.description)
    given |= _fields(wish.fields)
    if wish.variants:
        given["productOptions"] = _options(wish)
        given["variants"] = [_variant(wish, one, ids.get(one.sku, ""), taxed=taxed) for one in wish.variants]
    if wish.images and sends_images:
        given["files"] = [{"originalSource": one.url, "alt": one.alt, "contentType": "IMAGE"} for one in wish.images]
    return given


def as_html(text: str) -> str:
    """A description as it is where it has tags; plain text by paragraphs."""
    if _TAG.search(text):
        return text
    return "".join(f"<p>{html.escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def _fields(fields: Mapping[str, str]) -> dict[str, Any]:
    """Further fields that a merchant fills from attributes; tags come in one text with commas."""
    given: dict[str, Any] = {}
    for name, text in fields.items():
        if name == "tags":
            given["tags"] = [tag.strip() for tag in text.split(",") if tag.strip()]
        elif name in ("seo_title", "seo_description"):
            given.setdefault("seo", {})[name.removeprefix("seo_")] = text
        else:
            given[{"template_suffix": "templateSuffix"}.get(name, name)] = text
    return given


def _options(wish: ListingWish) -> list[dict[str, Any]]:
    if not wish.options:
        return [{"name": DEFAULT_OPTION, "values": [{"name": DEFAULT_VALUE}]}]
    return [
        {"name": name, "position": place, "values": [{"name": value} for value in _values(wish, name)]}
        for place, name in enumerate(wish.options, start=1)
    ]


def _values(wish: ListingWish, name: str) -> list[str]:
    return list(dict.fromkeys(one.options.get(name, "") for one in wish.variants))


def _variant(wish: ListingWish, one: ListedVariant, identity: str, *, taxed: bool) -> dict[str, Any]:
    options = one.options if wish.options else {DEFAULT_OPTION: DEFAULT_VALUE}
    given: dict[str, Any] = {
        "sku": one.name, "inventoryItem": _item(one),
        "optionValues": [{"optionName": name, "name": value} for name, value in options.items()],
    }  # fmt: skip
    if identity:
        given["id"] = identity
    elif one.price is not None:  # afterwards prices come by themselves
        given["price"] = one.price.text
        given["compareAtPrice"] = one.compare_at.text if one.compare_at is not None else None
    if one.gtin:
        given["barcode"] = one.gtin
    if one.tax_code and taxed:
        given["taxCode"] = one.tax_code
    return given


def _item(one: ListedVariant) -> dict[str, Any]:
    given: dict[str, Any] = {"tracked": True}
    if one.weight is not None:
        given["measurement"] = {"weight": {"value": float(one.weight), "unit": WEIGHTS[one.weight_unit]}}
    return given


def shown_of(node: Node, variants: Sequence[Node]) -> Shown:
    """A product as it stands there."""
    return Shown(
        external_id=number(node["id"]), title=node["title"], showing=SHOWN_AS[node["status"]],
        variants=tuple(
            ShownVariant(external_id=number(one["id"]), name=one["sku"] or "", gtin=one["barcode"] or "")
            for one in variants
        ),
    )  # fmt: skip


def problem_of(error: Node, wish: ListingWish) -> Missing:
    """A user error as what is wrong with a field of ours, of the SKU that it names by its place."""
    path = [str(part) for part in error.get("field") or ()]
    sku = ""
    if "variants" in path:
        place = next((part for part in path[path.index("variants") :] if part.isdigit()), "")
        sku = wish.variants[int(place)].sku if place and int(place) < len(wish.variants) else ""
    words = [part for part in path if not part.isdigit() and part not in ("input", "variants", "inventoryItem")]
    named = words[-1] if words else ""
    name = next((OURS[word] for word in reversed(words) if word in OURS), named or "product")
    return Missing(field=name, sku=sku, said=str(error.get("message", "")))

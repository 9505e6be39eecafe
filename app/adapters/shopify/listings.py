"""Products published at a shop: found by id, by our own id or by their SKUs, then set whole by `productSet`.

Source: Shopify's introspections of 2026-10 and 2026-04 (`productSet`, which takes no key for repeats and updates the
product that a custom id names, `productByIdentifier`, `metafieldDefinitionCreate`); shopify.dev, "Working with custom
ids". The custom id is a metafield of type `id` in the connection's namespace: it is never searched for, so it is found
the moment it is written, which an index of SKUs does not promise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.adapters.shopify.client import Admin, user_errors
from app.adapters.shopify.documents import listings
from app.adapters.shopify.mapping.product import Node, problem_of, product_input, shown_of
from app.adapters.shopify.naming import number, with_skus
from app.adapters.shopify.refusals import refusal
from app.domains.product.canonical import (
    ListedIds,
    ListedVariant,
    ListingAnswer,
    ListingBecame,
    ListingRules,
    ListingWish,
    Missing,
    Showing,
    Shown,
)
from app.infra.remote.client import Outbound
from app.kernel.errors import NeedsAttention, Transient

PRODUCT, VARIANT = "gid://shopify/Product/", "gid://shopify/ProductVariant/"
KEY = "product_id"  # of the metafield that holds our id
AT_ONCE = 50  # SKUs in one search text
LOOKED = 8  # products of one look with a hundred variants each: 1,000 points are what a query may ask for
MOST_PAGES = 21  # of a hundred variants: 2,048 are the shop's limit
MOST_VARIANTS, MOST_OPTIONS, LONGEST_TITLE = 2048, 3, 255  # shopify.dev, `productSet` and `productOptions`
_BUSY = frozenset({"GENERIC_ERROR", "JOB_ERROR"})
_GONE = frozenset({"PRODUCT_DOES_NOT_EXIST", "PRODUCT_VARIANT_DOES_NOT_EXIST", "NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class ShopifyListings:
    """The ListingSink of a shop. A product's external id is its number, a SKU's that of its variant."""

    admin: Admin
    rules: ListingRules = field(default_factory=ListingRules)
    namespace: str = "roundhouse"
    taxed: bool = False

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifyListings:
        rules = ListingRules(
            required=frozenset(settings.get("listing_requires") or ()), fields=settings.get("listing_fields") or {},
            most_variants=MOST_VARIANTS, most_options=MOST_OPTIONS, longest={"title": LONGEST_TITLE},
        )  # fmt: skip
        namespace = str(settings.get("number_namespace") or "roundhouse")
        return cls(Admin.of(remote, settings), rules, namespace, bool(settings.get("listing_tax_codes")))

    def put(self, wish: ListingWish) -> ListingAnswer:
        found, currency, several = self._find(wish)
        if several:
            said = f"several products of the shop have these SKUs: {', '.join(several)}"
            return _refused(Missing(field="sku", said=said))
        if wrong := _in_other_money(wish, currency):
            return _refused(*wrong)
        if found is None:
            if wish.showing is not Showing.LIVE and not wish.variants:
                return ListingAnswer(became=ListingBecame.ABSENT)
            unpriced = self._unpriced(wish, {})
            return _refused(*unpriced) if unpriced else self._set(wish, None, {})
        ids, foreign = matched(wish, self._variants(found) if wish.variants else ())
        if foreign:
            said = (
                f"product {number(found['id'])} of the shop also has {', '.join(foreign[:5])}, which would be deleted: "
                "add them to the product here, or delete them there"
            )
            return _refused(Missing(field="variants", said=said))
        if unpriced := self._unpriced(wish, ids):
            return _refused(*unpriced)
        return self._set(wish, found, ids)

    def _unpriced(self, wish: ListingWish, ids: Mapping[str, str]) -> list[Missing]:
        """What would be made without the price that is required: a variant without one is sold for nothing."""
        said = "it would be made there without a price: give it one in a price list that the channel shows"
        return [
            Missing(field="price", sku=one.sku, said=said)
            for one in wish.variants
            if one.price is None and one.sku not in ids and "price" in self.rules.required
        ]

    def look(self, external_ids: Sequence[str]) -> dict[str, Shown]:
        found: dict[str, Shown] = {}
        for start in range(0, len(external_ids), LOOKED):
            ids = [f"{PRODUCT}{one}" for one in external_ids[start : start + LOOKED]]
            for node in self.admin.ask(listings.SHOWN, ids=ids)["nodes"]:
                if node:
                    found[number(node["id"])] = shown_of(node, self._variants(node))
        return found

    def _find(self, wish: ListingWish) -> tuple[Node | None, str, list[str]]:
        """The product that is meant, by the id that is known, by our own, by its SKUs; None where there is none.

        Also the shop's currency, and the products among which cannot be chosen.
        """
        if wish.external_id:
            answer = self.admin.ask(listings.LISTED, id=f"{PRODUCT}{wish.external_id}")
            if answer["product"]:
                return answer["product"], answer["shop"]["currencyCode"], []
        self._make_key()
        answer = self.admin.ask(listings.LISTED_BY_KEY, identifier=self._key(wish))
        currency = answer["shop"]["currencyCode"]
        if answer["productByIdentifier"]:
            return answer["productByIdentifier"], currency, []
        products = self._by_sku([one.name for one in wish.variants])
        if len(products) > 1:
            return None, currency, [number(one) for one in products]
        node = self.admin.ask(listings.LISTED, id=products[0])["product"] if products else None
        return node, currency, []

    def _by_sku(self, skus: Sequence[str]) -> list[str]:
        """The products that have variants with these SKUs."""
        found: dict[str, None] = {}
        for start in range(0, len(skus), AT_ONCE):
            some = skus[start : start + AT_ONCE]
            for node in self.admin.ask(listings.LISTED_BY_SKU, query=with_skus(some))["productVariants"]["nodes"]:
                if node["sku"] in some:  # a search finds more than what is equal
                    found[node["product"]["id"]] = None
        return list(found)

    def _variants(self, product: Node) -> list[Node]:
        """Every variant of a product, whose first page is known."""
        page = product["variants"]
        found = list(page["nodes"])
        for _ in range(MOST_PAGES):
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]
            node = self.admin.ask(listings.LISTED_VARIANTS, id=product["id"], after=after)["product"]
            if not node:
                raise Transient("shopify.product_gone", f"product {number(product['id'])} went away while it was read")
            page = node["variants"]
            found += page["nodes"]
        raise NeedsAttention(
            "shopify.pages_without_end", f"product {number(product['id'])} has variants without end"
        )  # fmt: skip

    def _set(self, wish: ListingWish, found: Node | None, ids: Mapping[str, str]) -> ListingAnswer:
        bare = found is None or not found["mediaCount"]["count"]
        known = found is not None and number(found["id"]) == wish.external_id
        sends_images = bare or (wish.sends_images and known)  # whose listing is taken over keeps its pictures
        given = product_input(wish, ids, sends_images=sends_images, taxed=self.taxed)
        identifier = {"id": found["id"]} if found is not None else self._key(wish)
        payload = self.admin.change(listings.SET_PRODUCT, identifier=identifier, input=given)["productSet"]
        if errors := user_errors(payload):
            return self._judged(errors, wish)
        product = payload["product"]
        there = self._variants(product) if wish.variants else []
        now, _ = matched(wish, there)
        items = {one["id"]: number(one["inventoryItem"]["id"]) for one in there}
        variants = tuple(
            ListedIds(sku=sku, external_id=number(variant), item_id=items[variant]) for sku, variant in now.items()
        )
        return ListingAnswer(became=ListingBecame.STANDS, external_id=number(product["id"]), variants=variants)

    def _judged(self, errors: Sequence[Node], wish: ListingWish) -> ListingAnswer:
        """What the shop refuses, field by field; what only calls for another attempt is raised."""
        codes = {str(error.get("code") or "") for error in errors}
        if codes & _GONE:
            raise Transient("shopify.product_gone", "the product went away while it was set")
        if codes <= _BUSY:
            raise Transient("shopify.busy", "; ".join(str(error.get("message", "")) for error in errors))
        return _refused(*(problem_of(error, wish) for error in errors))

    def _key(self, wish: ListingWish) -> dict[str, Any]:
        return {"customId": {"namespace": self.namespace, "key": KEY, "value": wish.product_id}}

    def _make_key(self) -> None:
        """Declare the metafield of our ids where the shop does not know it yet."""
        identifier = {"ownerType": "PRODUCT", "namespace": self.namespace, "key": KEY}
        if self.admin.ask(listings.KEY_KNOWN, identifier=identifier)["metafieldDefinition"]:
            return
        wanted = {
            **identifier, "name": "Product of the hub", "type": "id",
            "capabilities": {"uniqueValues": {"enabled": True}},
        }  # fmt: skip
        payload = self.admin.change(listings.MAKE_KEY, definition=wanted)["metafieldDefinitionCreate"]
        errors = [error for error in user_errors(payload) if error.get("code") != "TAKEN"]  # somebody was faster
        if errors:
            raise refusal(errors, about=f"metafield {self.namespace}.{KEY}")


def _in_other_money(wish: ListingWish, currency: str) -> list[Missing]:
    """A price carries no currency there: one in another would be taken for the shop's."""
    return [
        Missing(
            field="price", sku=one.sku, said=f"the shop's prices are in {currency}, this one is in {one.price.currency}"
        )
        for one in wish.variants
        if one.price is not None and one.price.currency != currency
    ]


def matched(wish: ListingWish, there: Sequence[Node]) -> tuple[dict[str, str], list[str]]:
    """SKU → the variant there that is meant: by its id, its SKU, or where it has none by its options.

    Also the names of variants that nobody here means and that are not gone: they are somebody else's.
    """
    by_id = {number(one["id"]): one for one in there}
    by_name = {one["sku"]: one for one in there if one["sku"]}
    bare = {_options_of(one): one for one in there if not one["sku"]}
    ids: dict[str, str] = {}
    for one in wish.variants:
        node = by_id.get(one.external_id) or by_name.get(one.name) or bare.get(_wished(wish, one))
        if node is not None and node["id"] not in ids.values():
            ids[one.sku] = node["id"]
    meant = {*ids.values()}
    foreign = [
        one["sku"] or " / ".join(_options_of(one)) for one in there
        if one["id"] not in meant and one["sku"] not in wish.gone
    ]  # fmt: skip
    return ids, foreign


def _options_of(node: Node) -> tuple[str, ...]:
    return tuple(one["value"] for one in node["selectedOptions"])


def _wished(wish: ListingWish, one: ListedVariant) -> tuple[str, ...]:
    return tuple(one.options.values()) if wish.options else ("Default Title",)


def _refused(*problems: Missing) -> ListingAnswer:
    return ListingAnswer(became=ListingBecame.REFUSED, problems=problems)

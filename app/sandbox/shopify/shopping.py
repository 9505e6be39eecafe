"""What people put into their carts: drawn at random from the shop's products, or as a test wishes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any
from zlib import crc32

from app.sandbox.books import Document
from app.sandbox.seed import TAXES
from app.sandbox.shopify.buyers import BUYERS, CANADIAN, GERMAN, Buyer
from app.sandbox.shopify.carts import Cart, Delivery, Wanted
from app.sandbox.shopify.pricing import Discount, Tax
from app.sandbox.shopify.store import Store
from app.sandbox.web import Unreadable

_CODES = (("WELCOME10", "10", True), ("TRAIL15", "15", True), ("FIVEOFF", "5.00", False))
_RATES = (("CAD", "1.3725", CANADIAN), ("EUR", "0.9184", GERMAN))
_FREE_SHIPPING_FROM = Decimal(150)
WISHES = frozenset(
    {
        "attributes", "country", "currency", "deliveries", "discounts", "email", "gift_card", "lines", "location",
        "note", "payment", "po_number", "presentment", "rate", "seed", "state", "tags", "taxes", "taxes_included",
        "test", "tip", "cart_token",
    }
)  # fmt: skip


def random_cart(store: Store, random: Random) -> Cart:
    """Draw a cart: mostly plain, sometimes with whatever else an order may carry."""
    variants = store.records.all("variants")
    buyer, presentment, rate = random.choice(BUYERS), "USD", Decimal(1)
    if random.random() < 0.08:
        presentment, written, buyer = random.choice(_RATES)
        rate = Decimal(written)
    lines = [_line(store, random, random.choice(variants)) for _ in range(random.randint(1, 4))]
    discounts = _discounts(random, len(lines))
    if random.random() < 0.04:
        lines.append(Wanted(title="Gift Card", price=Decimal(50), kind="gift_card", requires_shipping=False))
    if random.random() < 0.05:
        lines.append(Wanted(title="Tip", price=Decimal(random.randint(200, 900)) / 100, kind="tip"))
    goods = sum((line.price * line.quantity for line in lines), Decimal(0))
    return Cart(
        lines=tuple(lines),
        buyer=buyer,
        deliveries=(_delivery(random, goods),),
        discounts=discounts,
        taxes=taxes_of(buyer),
        presentment=presentment,
        rate=rate,
        payment=random.choices(("paid", "authorized", "pending"), (80, 17, 3))[0],
        gift_card=Decimal(random.randint(5, 40)) if random.random() < 0.05 else Decimal(0),
        attributes=(("gift wrap", "yes"),) if random.random() < 0.06 else (),
        note="Leave at the porch." if random.random() < 0.05 else None,
    )


def wished_cart(store: Store, random: Random, wishes: Mapping[str, Any]) -> Cart:
    """Build the cart a test asks for; what it does not mention is plain. Raises Unreadable with what is wrong."""
    unknown = sorted(set(wishes) - WISHES)
    if unknown:
        raise Unreadable(f"An order's wishes have no {', '.join(unknown)}; they have {', '.join(sorted(WISHES))}.")
    if "lines" not in wishes:
        return random_cart(store, random)
    try:
        return _wished(store, wishes)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise Unreadable(f"The order's wishes cannot be read: {type(error).__name__} {error}.") from error


def taxes_of(buyer: Buyer) -> tuple[Tax, ...]:
    """Return the sales taxes that the demo shop collects where a buyer lives."""
    if buyer.country_code != "US":
        return ()
    return tuple(Tax(title=each.title, rate=each.rate) for each in TAXES if each.state == buyer.province_code)


def _line(store: Store, random: Random, variant: Document) -> Wanted:
    properties = (("Engraving", "For the summit"),) if random.random() < 0.08 else ()
    return _of_variant(store, variant, random.choices((1, 2, 3), (75, 18, 7))[0], properties=properties)


def _of_variant(
    store: Store,
    variant: Document,
    quantity: int,
    *,
    price: Decimal | None = None,
    properties: tuple[tuple[str, str], ...] = (),
) -> Wanted:
    product = store.records.read("products", variant["product_id"])
    assert product is not None
    plain = variant["title"] == "Default Title"
    return Wanted(
        title=product["title"],
        price=Decimal(variant["price"]) if price is None else price,
        quantity=quantity,
        sku=variant["sku"],
        option=None if plain else variant["title"],
        variant_id=variant["id"],
        product_id=variant["product_id"],
        grams=variant["grams"],
        taxable=variant["taxable"],
        requires_shipping=variant["requires_shipping"],
        properties=properties,
    )


def _discounts(random: Random, lines: int) -> tuple[Discount, ...]:
    found: list[Discount] = []
    if random.random() < 0.25:
        found.append(
            Discount(
                kind="automatic",
                title="Season end",
                value=Decimal(random.choice((5, 10, 20))),
                percentage=True,
                method="each",
                selection="entitled",
                rows=(random.randrange(lines),),
            )
        )
    if random.random() < 0.25:
        code, value, percentage = random.choice(_CODES)
        found.append(Discount(kind="discount_code", title=code, value=Decimal(value), percentage=percentage))
    return tuple(found)


def _delivery(random: Random, goods: Decimal) -> Delivery:
    if goods >= _FREE_SHIPPING_FROM:
        return Delivery(title="Free Shipping", price=Decimal(0), code="Free Shipping")
    title, price = random.choice((("Standard", "5.95"), ("Express", "12.90")))
    return Delivery(title=title, price=Decimal(price), code=title)


def _wished(store: Store, wishes: Mapping[str, Any]) -> Cart:
    lines = [_wished_line(store, each) for each in wishes["lines"]]
    if wishes.get("tip"):
        lines.append(Wanted(title="Tip", price=Decimal(str(wishes["tip"])), kind="tip"))
    buyer = _wished_buyer(wishes)
    taxes = wishes.get("taxes")
    currency = str(wishes.get("currency", "USD"))
    return Cart(
        lines=tuple(lines),
        buyer=buyer,
        deliveries=tuple(_wished_delivery(each) for each in wishes.get("deliveries", ())),
        discounts=tuple(_wished_discount(each) for each in wishes.get("discounts", ())),
        taxes=taxes_of(buyer) if taxes is None else tuple(_wished_tax(each) for each in taxes),
        taxes_included=bool(wishes.get("taxes_included", False)),
        currency=currency,
        presentment=str(wishes.get("presentment", currency)),
        rate=Decimal(str(wishes.get("rate", 1))),
        payment=_one_of(wishes.get("payment", "paid"), ("paid", "authorized", "pending")),
        gift_card=Decimal(str(wishes.get("gift_card", 0))),
        location=wishes.get("location"),
        note=wishes.get("note"),
        attributes=tuple((each["name"], each["value"]) for each in wishes.get("attributes", ())),
        po_number=wishes.get("po_number"),
        token=wishes.get("cart_token"),
        tags=str(wishes.get("tags", "")),
        test=bool(wishes.get("test", False)),
    )


def _wished_line(store: Store, wish: Mapping[str, Any]) -> Wanted:
    price = Decimal(str(wish["price"])) if "price" in wish else None
    properties = tuple((each["name"], each["value"]) for each in wish.get("properties", ()))
    quantity = int(wish.get("quantity", 1))
    for variant in store.records.all("variants"):
        if variant["sku"] == wish.get("sku") and wish.get("kind", "product") == "product":
            return _of_variant(store, variant, quantity, price=price, properties=properties)
    if price is None:
        raise ValueError(f"the shop has no variant {wish.get('sku')!r}; a line of something else needs a price")
    kind = _one_of(wish.get("kind", "custom"), ("product", "custom", "gift_card", "tip"))
    return Wanted(
        title=str(wish.get("title", wish.get("sku", "Custom item"))),
        price=price,
        quantity=quantity,
        kind=kind,
        sku=wish.get("sku"),
        taxable=bool(wish.get("taxable", True)),
        requires_shipping=bool(wish.get("requires_shipping", kind != "gift_card")),
        properties=properties,
    )


def _wished_discount(wish: Mapping[str, Any]) -> Discount:
    return Discount(
        kind=_one_of(wish.get("kind", "discount_code"), ("discount_code", "automatic", "manual", "script")),
        title=str(wish["title"]),
        value=Decimal(str(wish["value"])),
        percentage=bool(wish.get("percentage", False)),
        target=_one_of(wish.get("target", "line_item"), ("line_item", "shipping_line")),
        method=_one_of(wish.get("method", "across"), ("across", "each", "one")),
        selection="entitled" if wish.get("rows") else "all",
        rows=tuple(wish.get("rows", ())),
    )


def _wished_delivery(wish: Mapping[str, Any]) -> Delivery:
    title = str(wish.get("title", "Standard"))
    return Delivery(
        title=title,
        price=Decimal(str(wish["price"])),
        code=str(wish.get("code", title)),
        taxable=bool(wish.get("taxable", False)),
    )


def _wished_tax(wish: Mapping[str, Any]) -> Tax:
    return Tax(title=str(wish["title"]), rate=Decimal(str(wish["rate"])), liable=bool(wish.get("channel_liable")))


def _wished_buyer(wishes: Mapping[str, Any]) -> Buyer:
    country, state, email = wishes.get("country", "US"), wishes.get("state"), wishes.get("email")
    there = [
        buyer
        for buyer in (*BUYERS, CANADIAN, GERMAN)
        if buyer.country_code == country and state in {None, buyer.province_code}
    ]
    if not there:
        raise ValueError(f"nobody in country {country!r} and state {state!r} buys at the demo shop")
    if email is None:
        return replace(there[0], email=None, phone=None) if "email" in wishes else there[0]  # an explicit null: a guest
    known = next((buyer for buyer in there if buyer.email == email), None)
    return known or replace(there[0], email=str(email), number=1000 + crc32(str(email).encode()) % 1_000_000)


def _one_of(value: object, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return str(value)

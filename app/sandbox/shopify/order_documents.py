"""An order as a REST document: the payload of orders/create, and what every view of the order is taken from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from app.sandbox.shopify.buyers import customer_document, order_address
from app.sandbox.shopify.carts import Cart, Delivery, Wanted
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.pricing import Discount, Priced, Side, Tax, price

Numbering = Callable[[], int]

# What every order has and the demo's orders say nothing about.
_UNSAID = (
    "app_id", "browser_ip", "checkout_id", "checkout_token", "client_details", "device_id",
    "landing_site", "landing_site_ref", "location_id", "merchant_business_entity_id", "merchant_of_record_app_id",
    "reference", "referring_site", "source_identifier", "source_url", "user_id",
)  # fmt: skip


class _Prices:
    """A cart's figures on both sides, row by row."""

    def __init__(self, cart: Cart) -> None:
        basket = cart.basket()
        self.cart = cart
        self._shop = price(basket, cart.currency)
        self._shown = price(basket, cart.presentment, cart.rate) if cart.presentment != cart.currency else self._shop
        self.none = Pair.zero(cart.currency, cart.presentment)
        self.lines = self._rows(lambda side: side.lines)
        self.deliveries = self._rows(lambda side: side.shipping)
        self.taxes = [Pair(*both) for both in zip(self._shop.taxes, self._shown.taxes, strict=True)]
        self.tax = together(self.taxes, self.none)
        self.items = self._sum(row.gross for row in self.lines)
        self.discounts = self._sum(row.discount for row in (*self.lines, *self.deliveries))
        self.subtotal = self._sum(row.net for row in self.lines)
        self.shipping = self._sum(row.net for row in self.deliveries)
        self.total = self.subtotal + self.shipping + (self.none if cart.taxes_included else self.tax)

    def discount(self, position: int) -> Pair:
        """Return what one discount took off in all."""
        return self._sum(row.allocations.get(position, self.none) for row in (*self.lines, *self.deliveries))

    def _rows(self, of: Callable[[Side], list[Priced]]) -> list[_Row]:
        quantities = [line.quantity for line in self.cart.lines] if of(self._shop) is self._shop.lines else []
        return [
            _Row(shop, shown, quantities[n] if quantities else 1, self.none)
            for n, (shop, shown) in enumerate(zip(of(self._shop), of(self._shown), strict=True))
        ]

    def _sum(self, pairs: Iterable[Pair]) -> Pair:
        return together(pairs, self.none)


class _Row:
    def __init__(self, shop: Priced, shown: Priced, quantity: int, none: Pair) -> None:
        self.unit = Pair(shop.unit, shown.unit)
        self.gross = self.unit * quantity
        self.net = Pair(shop.net, shown.net)
        self.discount = self.gross - self.net
        self.allocations = _paired(shop.allocations, shown.allocations, none)
        self.taxes = _paired(shop.taxes, shown.taxes, none)


def compose(cart: Cart, number: int, numbering: Numbering, placed_at: str) -> dict[str, Any]:
    """Build the order that a cart becomes, unpaid and unfulfilled; `placed_at` as REST writes instants."""
    prices = _Prices(cart)
    identity = numbering()
    return {
        **_identity(cart, identity, number, placed_at),
        **_purchase(cart, placed_at),
        **_totals(prices),
        "discount_codes": [
            _code(discount, prices.discount(position))
            for position, discount in enumerate(cart.discounts)
            if discount.kind == "discount_code"
        ],
        "discount_applications": [_application(discount) for discount in cart.discounts],
        "tax_lines": [_tax_line(tax, amount) for tax, amount in zip(cart.taxes, prices.taxes, strict=True)],
        "line_items": [
            _line_item(line, row, cart, numbering()) for line, row in zip(cart.lines, prices.lines, strict=True)
        ],
        "shipping_lines": [
            _shipping_line(delivery, row, cart, numbering())
            for delivery, row in zip(cart.deliveries, prices.deliveries, strict=True)
        ],
        "fulfillments": [],
        "refunds": [],
    }


def _identity(cart: Cart, identity: int, number: int, placed_at: str) -> dict[str, Any]:
    """Return what tells an order from others: its names, its instants, its state."""
    token = f"{identity:032x}"
    return {
        "id": identity,
        "admin_graphql_api_id": f"gid://shopify/Order/{identity}",
        "confirmation_number": f"M{identity % 10**8:08d}",
        "name": f"#{number}",
        "number": number - 1000,
        "order_number": number,
        "order_status_url": f"https://demo.myshopify.com/orders/{token}",
        "token": token,
        "created_at": placed_at,
        "processed_at": placed_at,
        "updated_at": placed_at,
        "cancelled_at": None,
        "cancel_reason": None,
        "closed_at": None,
        "confirmed": True,
        "financial_status": "pending",
        "fulfillment_status": None,
        "source_name": "web",
        "tags": cart.tags,
        "test": cart.test,
        **dict.fromkeys(_UNSAID),
    }


def _purchase(cart: Cart, placed_at: str) -> dict[str, Any]:
    """Return who bought, and on which terms."""
    buyer = cart.buyer
    ships = any(line.requires_shipping for line in cart.lines)
    return {
        "buyer_accepts_marketing": False,
        "contact_email": buyer.email,
        "currency": cart.currency,
        "customer": customer_document(buyer, placed_at),
        "customer_locale": buyer.locale,
        "duties_included": False,
        "email": buyer.email or "",
        "estimated_taxes": False,
        "note": cart.note,
        "note_attributes": [{"name": name, "value": value} for name, value in cart.attributes],
        "payment_gateway_names": [],
        "payment_terms": None,
        "phone": buyer.phone,
        "po_number": cart.po_number,
        "cart_token": cart.token,
        "presentment_currency": cart.presentment,
        "tax_exempt": buyer.tax_exempt,
        "taxes_included": cart.taxes_included,
        "total_weight": sum(line.grams * line.quantity for line in cart.lines),
        "billing_address": order_address(buyer),
        "shipping_address": order_address(buyer) if ships else None,
    }


def _totals(prices: _Prices) -> dict[str, Any]:
    tips = together(
        (row.gross for line, row in zip(prices.cart.lines, prices.lines, strict=True) if line.kind == "tip"),
        prices.none,
    )
    document: dict[str, Any] = {
        "current_total_additional_fees_set": None,
        "current_total_duties_set": None,
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "total_cash_rounding_payment_adjustment_set": prices.none.set,
        "total_cash_rounding_refund_adjustment_set": prices.none.set,
        "total_outstanding": prices.total.text,
        "total_shipping_price_set": prices.shipping.set,
        "total_tip_received": tips.text,
    }
    for name, amount in (
        ("subtotal_price", prices.subtotal),
        ("total_discounts", prices.discounts),
        ("total_line_items_price", prices.items),
        ("total_price", prices.total),
        ("total_tax", prices.tax),
        ("current_subtotal_price", prices.subtotal),
        ("current_total_discounts", prices.discounts),
        ("current_total_price", prices.total),
        ("current_total_tax", prices.tax),
    ):
        document[name] = amount.text
        document[f"{name}_set"] = amount.set
    return document


def _line_item(line: Wanted, row: _Row, cart: Cart, identity: int) -> dict[str, Any]:
    fulfillable = 0 if line.kind == "tip" else line.quantity
    document: dict[str, Any] = {
        "id": identity,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{identity}",
        "attributed_staffs": [],
        "current_quantity": line.quantity,
        "fulfillable_quantity": fulfillable,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "gift_card": line.kind == "gift_card",
        "grams": line.grams,
        "name": f"{line.title} - {line.option}" if line.option else line.title,
        "price": row.unit.text,
        "price_set": row.unit.set,
        "product_exists": line.product_id is not None,
        "product_id": line.product_id,
        "properties": [{"name": name, "value": value} for name, value in line.properties],
        "quantity": line.quantity,
        "requires_shipping": line.requires_shipping and line.kind not in {"gift_card", "tip"},
        "sku": line.sku,
        "taxable": line.taxable and line.kind not in {"gift_card", "tip"},
        "title": line.title,
        "total_discount": row.unit.none.text,
        "total_discount_set": row.unit.none.set,
        "variant_id": line.variant_id,
        "variant_inventory_management": "shopify" if line.variant_id is not None else None,
        "variant_title": line.option,
        "vendor": "Marlow Outdoor" if line.product_id is not None else None,
        "tax_lines": _tax_lines(row, cart),
        "duties": [],
        "discount_allocations": _allocations(row),
    }
    if line.kind == "tip":
        document |= {"tip_payment_gateway": "bogus", "tip_payment_method": "credit_card"}
    return document


def _shipping_line(delivery: Delivery, row: _Row, cart: Cart, identity: int) -> dict[str, Any]:
    return {
        "id": identity,
        "carrier_identifier": None,
        "code": delivery.code,
        "discounted_price": row.net.text,
        "discounted_price_set": row.net.set,
        "is_removed": False,
        "phone": None,
        "price": row.unit.text,
        "price_set": row.unit.set,
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": delivery.title,
        "tax_lines": _tax_lines(row, cart),
        "discount_allocations": _allocations(row),
    }


def _tax_lines(row: _Row, cart: Cart) -> list[dict[str, Any]]:
    return [_tax_line(cart.taxes[position], amount) for position, amount in sorted(row.taxes.items())]


def _tax_line(tax: Tax, amount: Pair) -> dict[str, Any]:
    return {
        "channel_liable": tax.liable,
        "price": amount.text,
        "price_set": amount.set,
        "rate": tax.rate,
        "title": tax.title,
    }


def _allocations(row: _Row) -> list[dict[str, Any]]:
    return [
        {"amount": amount.text, "amount_set": amount.set, "discount_application_index": position}
        for position, amount in sorted(row.allocations.items())
    ]


def _application(discount: Discount) -> dict[str, Any]:
    named = {"code": discount.title} if discount.kind == "discount_code" else {"title": discount.title}
    return {
        "target_type": discount.target,
        "type": discount.kind,
        "value": str(discount.value),
        "value_type": "percentage" if discount.percentage else "fixed_amount",
        "allocation_method": discount.method,
        "target_selection": discount.selection,
        **named,
    }


def _code(discount: Discount, amount: Pair) -> dict[str, Any]:
    kind = "percentage" if discount.percentage else "fixed_amount"
    return {
        "code": discount.title,
        "amount": amount.text,
        "type": "shipping" if discount.target == "shipping_line" else kind,
    }


def _paired(shop: dict[int, Any], shown: dict[int, Any], none: Pair) -> dict[int, Pair]:
    return {
        position: Pair(shop.get(position, none.shop), shown.get(position, none.presentment))
        for position in shop.keys() | shown.keys()
    }

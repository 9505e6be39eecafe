"""What a customer puts into the cart and how it is to be paid: everything that an order is made from."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.sandbox.shopify.buyers import Buyer
from app.sandbox.shopify.pricing import Basket, Discount, Row, Tax


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A line of the cart; `price` of one in the shop's currency. `kind` is product, custom, gift_card or tip."""

    title: str
    price: Decimal
    quantity: int = 1
    kind: str = "product"
    sku: str | None = None
    option: str | None = None
    variant_id: int | None = None
    product_id: int | None = None
    grams: int = 0
    taxable: bool = True
    requires_shipping: bool = True
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A shipping rate that was chosen."""

    title: str
    price: Decimal
    code: str
    taxable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A cart at its checkout. `payment` is paid, authorized or pending; `gift_card` what a gift card pays of it.

    `location` is the code of the place that shall ship all of it, None where the shop routes by itself.
    `rate` is what one unit of the shop's currency is in the currency `presentment`. `token` is what a storefront calls
    the cart.
    """

    lines: tuple[Wanted, ...]
    buyer: Buyer
    deliveries: tuple[Delivery, ...] = ()
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    taxes_included: bool = False
    currency: str = "USD"
    presentment: str = "USD"
    rate: Decimal = Decimal(1)
    payment: str = "paid"
    gift_card: Decimal = Decimal(0)
    location: str | None = None
    note: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    po_number: str | None = None
    token: str | None = None
    tags: str = ""
    test: bool = False

    def basket(self) -> Basket:
        """Return what prices depend on. Nobody taxes or discounts a tip or a gift card that is sold."""
        goods = {"product", "custom"}
        return Basket(
            lines=tuple(
                Row(
                    price=line.price,
                    quantity=line.quantity,
                    taxable=line.taxable and line.kind in goods,
                    discountable=line.kind in goods,
                )
                for line in self.lines
            ),
            shipping=tuple(Row(price=each.price, taxable=each.taxable) for each in self.deliveries),
            discounts=self.discounts,
            taxes=self.taxes,
            taxes_included=self.taxes_included,
        )

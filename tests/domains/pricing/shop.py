"""A shop's prices for tests: what a test does not care about has a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.domains.pricing.canonical.basket import Asked, Basket, Destination
from app.domains.pricing.canonical.prices import Price, PriceList, Scope
from app.domains.pricing.canonical.promotions import Kind, Level, Promotion, Stacking, Targets
from app.domains.pricing.canonical.quote import Quote, Stage
from app.domains.pricing.policy.periods import begins, ends, zone_of
from app.domains.pricing.service.items import KeptItem, keep_items
from app.domains.pricing.service.lists import keep_list, keep_prices
from app.domains.pricing.service.promotions import keep_promotion
from app.domains.pricing.service.quoting import quote
from app.domains.pricing.service.tax_rates import put_tax_table
from app.infra.hub import Hub
from app.kernel.money import Money, UnitPrice

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WHO = "dana"
TAX_COLUMNS = (
    "jurisdiction,title,country,region,postal_from,postal_to,zone,shipping,shipping_code,tax_code,position,name,"
    "percent,compound,effective_from,effective_to"
)
GERMANY = """
DE,Germany,DE,,,,Europe/Berlin,,,standard,1,USt 19 %,19,,2021-01-01,
DE,Germany,DE,,,,Europe/Berlin,,,reduced,1,USt 7 %,7,,2021-01-01,
"""
NOWHERE = "\n-,Nowhere,,,,,UTC,,,,1,None,0,,2000-01-01,\n"


@dataclass(frozen=True, slots=True)
class Shop:
    """A hub and short words for what is done with prices."""

    hub: Hub

    def tax(self, rows: str = NOWHERE) -> None:
        with self.hub.unit_of_work() as uow:
            put_tax_table(uow, TAX_COLUMNS + rows, WHO)

    def list(self, code: str = "retail", prices: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """A list with prices: a SKU's amount, or pairs of a least quantity and an amount, from 2026 on."""
        with self.hub.unit_of_work() as uow:
            keep_list(uow, a_list(code, **changes), WHO)
        if prices:
            currency = changes.get("currency", "EUR")
            self.prices(code, *(
                a_price(sku, amount, min_quantity=least, currency=currency)
                for sku, given in prices.items()
                for least, amount in (given if isinstance(given, tuple) else ((1, given),))
            ))  # fmt: skip

    def prices(self, code: str, *prices: Price, without: tuple[str, ...] = ()) -> list[str]:
        with self.hub.unit_of_work() as uow:
            return keep_prices(uow, code, prices, WHO, without=without)

    def items(self, **items: str) -> None:
        """`items(TENT="category=tents tax_code=standard cost=80 margin=0.1")`: what is known of each."""
        with self.hub.unit_of_work() as uow:
            keep_items(uow, [_item(sku, dict(part.split("=") for part in said.split())) for sku, said in items.items()])

    def promotion(self, code: str, kind: Kind = Kind.PERCENTAGE, value: str = "10", **changes: Any) -> None:
        with self.hub.unit_of_work() as uow:
            keep_promotion(uow, a_promotion(code, kind, value, **changes), WHO)

    def quote(self, lines: Mapping[str, str | int], **changes: Any) -> Quote:
        return quote(self.hub, a_basket(lines, **changes))


def a_list(code: str = "retail", **changes: Any) -> PriceList:
    given: dict[str, Any] = {"currency": "EUR", "includes_tax": True, "zone": "Europe/Berlin", **changes}
    parts = ("company", "channel", "customer_group", "customer")
    scope = Scope(**{name: given.pop(name) for name in parts if name in given})
    return PriceList(code=code, scope=scope, **given)


def a_price(
    sku: str, amount: str, since: str = "2026-01-01", until: str = "", *, min_quantity: int | str = 1,
    currency: str = "EUR", zone: str = "Europe/Berlin", unit: str = "",
) -> Price:  # fmt: skip
    clock = zone_of(zone)
    return Price(
        sku=sku, unit=unit, min_quantity=Decimal(min_quantity), amount=UnitPrice(Decimal(amount), currency),
        from_at=begins(since, clock), until_at=ends(until, clock) if until else None,
    )  # fmt: skip


def a_promotion(code: str, kind: Kind = Kind.PERCENTAGE, value: str = "10", **changes: Any) -> Promotion:
    """Targets, stacking and the rest by their own names, flat; it began at the start of 2026."""
    targets = {name: frozenset(changes.pop(name, ())) for name in ("skus", "categories", "product_types")}
    stacking: dict[str, Any] = {
        name: changes.pop(name) for name in ("exclusive", "best_of", "priority") if name in changes
    }
    stacking["stacks_with"] = frozenset(changes.pop("stacks_with", ()))
    given: dict[str, Any] = {"from_at": datetime(2026, 1, 1, tzinfo=UTC), "level": Level.LINE, **changes}
    if kind in (Kind.AMOUNT, Kind.FIXED_PRICE):
        given.setdefault("currency", "EUR")
    return Promotion(
        code=code, kind=kind, value=Decimal(value), targets=Targets(**targets), stacking=Stacking(**stacking), **given
    )


def a_basket(lines: Mapping[str, str | int], **changes: Any) -> Basket:
    """Lines numbered from 1; a SKU may be written `SKU/unit`."""
    given: dict[str, Any] = {"currency": "EUR", "at": NOW, "channel": "shop", **changes}
    given["destination"] = Destination(country=given.pop("country", "DE"), region=given.pop("region", ""))
    if "shipping" in given:
        given["shipping"] = Money.parse(given["shipping"], given["currency"])
    asked = tuple(
        Asked(line_id=str(n), sku=sku.partition("/")[0], unit=sku.partition("/")[2], quantity=Decimal(quantity))
        for n, (sku, quantity) in enumerate(lines.items(), 1)
    )
    return Basket(lines=asked, **given)


def reasons(quote: Quote, place: int, *stages: Stage) -> list[tuple[str, str]]:
    """Rule and amount of a line's reasons at some stages, or at all."""
    found = quote.lines[place].reasons
    return [(one.rule, one.amount.text) for one in found if not stages or one.stage in stages]


def _item(sku: str, given: dict[str, str]) -> KeptItem:
    cost = given.pop("cost", None)
    margin = given.pop("margin", None)
    costs = () if cost is None else (("", UnitPrice(Decimal(cost), given.pop("currency", "EUR"))),)
    return KeptItem(sku=sku, margin=None if margin is None else Decimal(margin), costs=costs, **given)

"""SKU names: what a channel calls a SKU, read as ours wherever an order's line is looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from app.domains.orders.canonical import Order
from app.domains.product import queries as products
from app.infra.uow import UnitOfWork

Names = Mapping[str, str]  # a channel's SKU → ours
BY_SKU = ("item", "variant", "unit")


def names_of(uow: UnitOfWork, wanted: Sequence[tuple[str, Collection[str]]], erp: str = "") -> list[Names]:
    """For each (channel, SKUs) what these are here, where somebody has said so; one statement for all."""
    found = products.meant(uow, {(channel, sku) for channel, skus in wanted for sku in skus}, erp)
    return [{sku: found[channel, sku] for sku in skus if (channel, sku) in found} for channel, skus in wanted]


def names_in(uow: UnitOfWork, told: Sequence[Order]) -> list[Names]:
    """For each order what its channel's SKUs are here; one statement for all."""
    return names_of(uow, [(one.ref.connection, {line.sku for line in one.lines if line.sku}) for one in told])


def read_as_ours(known: dict[str, Mapping[str, str]], names: Names) -> dict[str, Mapping[str, str]]:
    """What an ERP calls a channel's SKUs: as it calls ours. An item that nobody named there has our SKU."""
    for kind in BY_SKU if names else ():
        said = known.get(kind, {})
        own = {word: there for word, there in said.items() if word not in names}
        theirs = {word: said.get(ours, ours if kind == "item" else "") for word, ours in names.items()}
        known[kind] = {**own, **{word: there for word, there in theirs.items() if there}}
    return known

"""SKU names: what a channel calls a SKU, read as ours in an order's lines, and said to the channel in its own word."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

from app.domains.orders.canonical import Order
from app.domains.product import queries as products
from app.domains.product.queries.mapping import called
from app.infra.uow import UnitOfWork

Names = Mapping[str, str]  # a channel's SKU → ours
BY_SKU = ("item", "variant", "unit")


class _Named(Protocol):
    """A value about a SKU: a dataclass, so that the SKU can be said in another word."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def sku(self) -> str: ...


N = TypeVar("N", bound=_Named)


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


def names_at(uow: UnitOfWork, channel: str, skus: Collection[str]) -> Names:
    """Our SKU → what a channel calls it, where somebody has said so; '' where its own word is another of ours there."""
    return called(uow, channel, skus)


def in_their_words(told: Iterable[N], names: Names) -> list[N]:
    """What is said to a channel, each SKU in its word there; what has none there is left out."""
    return [replace(one, sku=word) for one in told if (word := names.get(one.sku, one.sku))]


def in_our_words(answers: Iterable[N], names: Names) -> list[N]:
    """What a channel answered, each SKU in our word."""
    ours = {word: sku for sku, word in names.items() if word}
    return [replace(one, sku=ours.get(one.sku, one.sku)) for one in answers]

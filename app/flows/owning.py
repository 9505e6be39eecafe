"""Owning: an update that was held because another system owns its fields is taken over by a person, or dropped."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.domains.product import queries as products
from app.domains.product import service as catalogue
from app.domains.product.canonical import Component, Image, ProductDraft, Unit, VariantDraft
from app.infra.foreign import ForeignRow, decide
from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused


def take(uow: UnitOfWork, update_id: str, who: str, why: str = "") -> None:
    """Write a held update as its source told it. Raises Refused where it is not held, or does not hold any more."""
    row = decide(uow, update_id, "taken", who, why)
    done = catalogue.upsert_many(uow, [_draft(uow, row)], source=row.source, decided=True)
    for problem in done.problems:
        raise Refused("ownership.cannot_take", f"{row.key}: {problem.said}; drop it instead", about=row.key)


def drop(uow: UnitOfWork, update_id: str, who: str, why: str = "") -> None:
    """Leave things as they are. The same word is not asked about again, another one is."""
    decide(uow, update_id, "dropped", who, why)


def _draft(uow: UnitOfWork, row: ForeignRow) -> ProductDraft:
    """A product draft of what was told of a product or of one SKU."""
    what, _, key = row.key.partition(" ")
    told = {name: _value(name, value) for name, value in row.told.items()}
    if what == "sku":
        place = products.place(uow, key, company=row.company)
        product = products.product(uow, place.product_id)
        return ProductDraft(code=product.code, company=row.company, variants=(VariantDraft(sku=key, **told),))
    (found,) = [one for one in products.page(uow, products.Filter(company=row.company, find=key)) if one.code == key]
    skus = (VariantDraft(sku=found.sku),)
    return ProductDraft(code=key, company=row.company, variants=skus, **told)


def _value(name: str, said: Any) -> Any:
    if name == "images":
        return tuple(Image(url=one["url"], alt=one["alt"]) for one in said)
    if name == "attributes":
        return {key: value or "" for key, value in said.items()}
    if name == "options":
        return dict(said) if isinstance(said, Mapping) else tuple(said)
    if name == "weight":
        return Decimal(said)
    if name == "units":
        return tuple(Unit(unit=one[0], numerator=one[1], denominator=one[2], gtin=one[3]) for one in said)
    if name == "components":
        return tuple(Component(sku=one[0], quantity=Decimal(one[1])) for one in said)
    return said

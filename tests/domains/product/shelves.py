"""A catalogue to write to and look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domains.product import queries, service
from app.domains.product.canonical import Component, Product, ProductDraft, VariantDraft
from app.infra.hub import Hub
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork


def draft(code: str, *skus: str, **fields: Any) -> ProductDraft:
    """A product with these SKUs, or one of its own code."""
    variants = fields.pop("variants", None) or tuple(VariantDraft(sku=sku) for sku in skus or (code,))
    return ProductDraft(code=code, variants=variants, **fields)


def bundle(code: str, **parts: str) -> ProductDraft:
    """A bundle; a SKU's dashes are underscores here."""
    made = tuple(Component(sku=sku.replace("_", "-"), quantity=Decimal(many)) for sku, many in parts.items())
    return ProductDraft(code=code, variants=(VariantDraft(sku=code, components=made),))


class CountedWork(UnitOfWork):
    """A unit of work that remembers what it asked."""

    asked: tuple[str, ...] = ()

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        self.asked += (statement,)
        return super().sql(statement, parameters)


@dataclass
class Shelves:
    """The hub of a test."""

    hub: Hub

    def take_in(self, *drafts: ProductDraft, source: str = "erp", **how: Any) -> service.Upserted:
        with self.hub.unit_of_work() as uow:
            return service.upsert_many(uow, drafts, source=source, **how)

    def statements(self, *drafts: ProductDraft) -> int:
        """How many statements it takes to take these in, facts and commit aside."""
        with CountedWork(self.hub.sessions, Trail(correlation_id=new_id()), self.hub.outbox, self.hub) as uow:
            service.upsert_many(uow, drafts, source="erp")
            return len(uow.asked)

    def find(self, sku: str, *, company: str = "") -> Product:
        """The product that a SKU lies under."""
        with self.hub.unit_of_work() as uow:
            return queries.product(uow, queries.place(uow, sku, company=company).product_id)

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """Every fact of a type, oldest first."""
        with self.hub.unit_of_work() as uow:
            rows = uow.sql("SELECT payload FROM hub.event WHERE type = %(type)s ORDER BY id", {"type": kind})
            return [row[0] for row in rows]

    def count(self, table: str) -> int:
        with self.hub.unit_of_work() as uow:
            row = uow.sql(f"SELECT count(*) FROM product.{table}").fetchone()
            assert row is not None
            return int(row[0])

"""What is sold: products, their variants, units and components. Who changes a product locks its row first, sorted by
code and company.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

SCHEMA = "product"
STATES = "'draft', 'active', 'retired'"
NOW = text("now()")


class ProductRow(Base):
    """What a shop shows as one product. A thing without variants has one, with the product's own code as SKU.

    `options` names what its variants differ in, in order. `images` are objects with `url` and `alt`. `attributes` and
    `origins` are objects; `origins` says of each field group which source told it last, when, and in which version.
    """

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint("code <> ''", "some_code"),
        CheckConstraint(f"status IN ({STATES})", "known_status"),
        UniqueConstraint("code", "company"),
        Index("ix_product_changed_at", "changed_at", "id"),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    company: Mapped[str] = mapped_column(server_default="")
    code: Mapped[str] = mapped_column(Text(collation="C"))  # so that what begins with a text is found by its index
    title: Mapped[str] = mapped_column(server_default="")
    description: Mapped[str] = mapped_column(server_default="")
    vendor: Mapped[str] = mapped_column(server_default="")
    product_type: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="draft")
    tax_code: Mapped[str] = mapped_column(server_default="")
    options: Mapped[list[str]] = mapped_column(server_default="[]")
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    images: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    origins: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Variant(Base):
    """What is ordered, stocked and priced: one SKU, unique within its company, for ever the same id.

    `options` are the values of its product's options, by name. `uom` is the base unit in which stock is counted.
    `weight` is of one base unit. `tax_code` '' means the product's.
    """

    __tablename__ = "variant"
    __table_args__ = (
        CheckConstraint("sku <> ''", "some_sku"),
        CheckConstraint("weight > 0", "some_weight"),
        CheckConstraint("(weight IS NULL) = (weight_unit = '')", "weight_with_unit"),
        CheckConstraint("uom <> ''", "some_unit"),
        CheckConstraint(f"status IN ({STATES})", "known_status"),
        UniqueConstraint("sku", "company"),
        Index("ix_variant_product_id", "product_id", "position"),
        Index("ix_variant_gtin", "gtin", postgresql_where=text("gtin <> ''")),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    product_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("product.product.id"))
    company: Mapped[str] = mapped_column(server_default="")
    sku: Mapped[str] = mapped_column(Text(collation="C"))
    position: Mapped[int] = mapped_column(server_default="1")
    title: Mapped[str] = mapped_column(server_default="")
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    gtin: Mapped[str] = mapped_column(server_default="")
    weight: Mapped[Decimal | None]
    weight_unit: Mapped[str] = mapped_column(server_default="")
    uom: Mapped[str] = mapped_column(server_default="piece")
    tax_code: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="draft")


class UnitConversion(Base):
    """One `unit` holds numerator/denominator base units of its variant, exactly. A unit may have a GTIN of its own."""

    __tablename__ = "unit_conversion"
    __table_args__ = (
        CheckConstraint("unit <> ''", "some_unit"),
        CheckConstraint("numerator > 0 AND denominator > 0", "some_factor"),
        Index("ix_unit_conversion_gtin", "gtin", postgresql_where=text("gtin <> ''")),
        {"schema": SCHEMA},
    )

    variant_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("product.variant.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(primary_key=True)
    numerator: Mapped[int] = mapped_column(BigInteger)
    denominator: Mapped[int] = mapped_column(BigInteger, server_default="1")
    gtin: Mapped[str] = mapped_column(server_default="")


class BundleComponent(Base):
    """One bundle holds `quantity` of its component, in the component's base unit."""

    __tablename__ = "bundle_component"
    __table_args__ = (
        CheckConstraint("quantity > 0", "some_quantity"),
        CheckConstraint("bundle_id <> component_id", "not_itself"),
        Index("ix_bundle_component_component_id", "component_id"),
        {"schema": SCHEMA},
    )

    bundle_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("product.variant.id"), primary_key=True)
    component_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("product.variant.id"), primary_key=True)
    quantity: Mapped[Decimal]
    position: Mapped[int] = mapped_column(server_default="1")


class Drift(Base):
    """One difference that an alignment found between the hub and a connection; it is closed when it is gone.

    `kind` missing_here: the connection has what the hub lacks; missing_there: the other way; differs: `field` is
    `ours` here and `theirs` there.
    """

    __tablename__ = "drift"
    __table_args__ = (
        CheckConstraint("kind IN ('missing_here', 'missing_there', 'differs')", "known_kind"),
        UniqueConstraint("connection", "company", "sku", "field"),
        Index("ix_drift_open", "connection", "sku", postgresql_where=text("gone_at IS NULL")),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    connection: Mapped[str]
    company: Mapped[str] = mapped_column(server_default="")
    sku: Mapped[str]
    kind: Mapped[str]
    field: Mapped[str] = mapped_column(server_default="")
    ours: Mapped[str] = mapped_column(server_default="")
    theirs: Mapped[str] = mapped_column(server_default="")
    found_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    gone_at: Mapped[datetime | None]


class Sighting(Base):
    """When a source last showed a SKU: what it shows no more is older than its last reading of the whole."""

    __tablename__ = "sighting"
    __table_args__ = ({"schema": SCHEMA},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    seen_at: Mapped[datetime]

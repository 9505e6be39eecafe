"""Where products are listed, and under which names channels know them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base

SCHEMA = "product"
LISTING_STATES = "'none', 'waiting', 'pending', 'live', 'rejected', 'paused'"
NOW = text("now()")


class Listing(Base):
    """A product at a channel (no `variant_id`), or one of its variants there.

    `external_id` is the channel's id of it and `external_ids` further ones by name, such as the stock item's.
    `fingerprint` is of the content that was last sent, at `sent_at`, from the product's `version`; `pictures` of its
    images alone. `problems` are objects with `field`, `sku` and `said`: what is missing, or was refused.
    """

    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint("connection <> ''", "some_connection"),
        CheckConstraint(f"state IN ({LISTING_STATES})", "known_state"),
        UniqueConstraint("connection", "product_id", "variant_id", postgresql_nulls_not_distinct=True),
        Index("ix_listing_product_id", "product_id"),
        Index("ix_listing_variant_id", "variant_id", postgresql_where=text("variant_id IS NOT NULL")),
        Index("ix_listing_external_id", "connection", "external_id", postgresql_where=text("external_id <> ''")),
        Index("ix_listing_state", "connection", "state", "changed_at", "id"),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    connection: Mapped[str]
    product_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("product.product.id"))
    variant_id: Mapped[str | None] = mapped_column(UUID(as_uuid=False), ForeignKey("product.variant.id"))
    wanted: Mapped[bool] = mapped_column(server_default="true")
    state: Mapped[str] = mapped_column(server_default="none")
    code: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str] = mapped_column(server_default="")
    external_ids: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    fingerprint: Mapped[str] = mapped_column(server_default="")
    pictures: Mapped[str] = mapped_column(server_default="")
    problems: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    sent_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class SkuAlias(Base):
    """At `connection`, what is called `external` (a SKU, a GTIN or the channel's own id) is this variant of ours.

    `chosen_by` is an operator, or `rule:sku` and `rule:gtin` where the hub matched by itself.
    """

    __tablename__ = "sku_alias"
    __table_args__ = (
        CheckConstraint("kind IN ('sku', 'gtin', 'id')", "known_kind"),
        CheckConstraint("external <> ''", "some_name"),
        Index("ix_sku_alias_variant_id", "variant_id"),
        {"schema": SCHEMA},
    )

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    external: Mapped[str] = mapped_column(primary_key=True)
    variant_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("product.variant.id"))
    chosen_by: Mapped[str]
    chosen_at: Mapped[datetime] = mapped_column(server_default=NOW)

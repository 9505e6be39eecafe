"""Which promotions lowered the price that a channel was sent.

Why: a promotion that ends or changes must find what it has lowered, whatever it is for by now; the page names it.
Safe with the previous release because: it leaves the new column at {}, which says that no promotion took anything off.
Undo: drops the column and its index.
"""

from __future__ import annotations

from alembic import op

revision = "pricing_add_promotions_shown"
down_revision = "product_add_listing_problems"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("ALTER TABLE pricing.channel_price ADD COLUMN IF NOT EXISTS promotions text[] NOT NULL DEFAULT '{}'")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS pricing.ix_channel_price_promoted")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_channel_price_promoted ON pricing.channel_price (channel, sku) "
            "WHERE promotions <> '{}'"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("ALTER TABLE pricing.channel_price DROP COLUMN promotions")

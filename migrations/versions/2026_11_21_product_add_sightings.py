"""Which SKUs a source showed last, and when.

Why: what vanished from a source is found by when it was last shown there, and nothing else tells.
Safe with the previous release because: it adds a table that nothing of that release reads.
Undo: drops the table; the next alignment begins anew.
"""

from __future__ import annotations

from alembic import op

revision = "product_add_sightings"
down_revision = "pricing_add_tax"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("""
        CREATE TABLE product.sighting (
            connection text NOT NULL, company text NOT NULL, sku text COLLATE "C" NOT NULL,
            seen_at timestamptz NOT NULL,
            CONSTRAINT pk_sighting PRIMARY KEY (connection, company, sku)) WITH (fillfactor = 80)""")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE product.sighting")

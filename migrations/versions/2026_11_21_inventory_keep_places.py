"""What is free of a SKU at each location, kept in the SKU's own row.

Why: an answer about 500 SKUs at 20 locations read ten thousand rows from as many pages.
Safe with the previous release because: it leaves the new columns alone and raises `version` when it changes a figure, so
that `kept_version` falls behind and the levels are read. Rows are filled as they change, the others by the nightly
recount, two thousand in a transaction: nothing waits for the migration.
Undo: drops the columns.
"""

from __future__ import annotations

from alembic import op

revision = "inventory_keep_places"
down_revision = "customers_add_forgetting_key"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("""
        ALTER TABLE inventory.availability
          ADD COLUMN places text[] NOT NULL DEFAULT '{}', ADD COLUMN free_at numeric[] NOT NULL DEFAULT '{}',
          ADD COLUMN kept_version bigint""")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("""
        ALTER TABLE inventory.availability DROP COLUMN places, DROP COLUMN free_at, DROP COLUMN kept_version""")

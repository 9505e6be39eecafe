"""Places of companies by what a channel calls them: an index.

Why: every order is asked whether it is for a company's place.
Safe with the previous release because: it adds an index alone, and blocks no write.
Undo: drops the index.
"""

from __future__ import annotations

from alembic import op

revision = "customers_find_places"
down_revision = "inventory_keep_places"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_location_external_id ON customers.location "
            "(connection, external_id) WHERE external_id <> ''"
        )


def downgrade() -> None:
    op.execute("DROP INDEX customers.ix_location_external_id")

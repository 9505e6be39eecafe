"""What keeps a product from standing at a channel, and which of its pictures were sent.

Why: a listing waits for what the channel requires, or was refused, and says which fields; pictures are sent once.
Safe with the previous release because: it writes no listings; columns with a constant default rewrite nothing.
Undo: a listing that waits is not listed; drops both columns.
"""

from __future__ import annotations

from alembic import op

revision = "product_add_listing_problems"
down_revision = "customers_add_credit"
branch_labels = None
depends_on = None

KNOWN = "ALTER TABLE product.listing ADD CONSTRAINT ck_listing_known_state CHECK (state IN ({states})) NOT VALID"
OLD = "'none', 'pending', 'live', 'rejected', 'paused'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(
        "ALTER TABLE product.listing ADD COLUMN problems jsonb NOT NULL DEFAULT '[]', "
        "ADD COLUMN pictures text NOT NULL DEFAULT '', DROP CONSTRAINT ck_listing_known_state"
    )
    op.execute(KNOWN.format(states=f"'waiting', {OLD}"))
    op.execute("ALTER TABLE product.listing VALIDATE CONSTRAINT ck_listing_known_state")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("UPDATE product.listing SET state = 'none' WHERE state = 'waiting'")
    op.execute(
        "ALTER TABLE product.listing DROP COLUMN problems, DROP COLUMN pictures, DROP CONSTRAINT ck_listing_known_state"
    )
    op.execute(KNOWN.format(states=OLD))
    op.execute("ALTER TABLE product.listing VALIDATE CONSTRAINT ck_listing_known_state")

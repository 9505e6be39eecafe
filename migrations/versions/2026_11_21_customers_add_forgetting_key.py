"""The key under which erased customers and orders are remembered, sealed as other secrets are.

Why: what was erased is to be recognised in a later message without keeping who it was, across a rotation of
HUB_SECRET_KEY.
Safe with the previous release because: it does not look at the new table.
Undo: drops it; what was erased may come back with a later message.
"""

from __future__ import annotations

from alembic import op

revision = "customers_add_forgetting_key"
down_revision = "hub_add_turns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE customers.forgetting_key (
            name text CONSTRAINT pk_forgetting_key PRIMARY KEY, sealed bytea NOT NULL);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE customers.forgetting_key")

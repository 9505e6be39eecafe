"""Which delivery went instead of one that was superseded by a newer one of its lane.

Why: of ten changes of a stock level one is sent, and a person asks where the other nine went.
Safe with the previous release because: it never names the new column, which is empty by default.
Undo: drops the column; that a delivery was superseded stays known.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_overtaken"
down_revision = "hub_add_promises"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a column without a default is added at once, on every partition
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("ALTER TABLE hub.delivery ADD COLUMN overtaken_by bigint")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("ALTER TABLE hub.delivery DROP COLUMN overtaken_by")

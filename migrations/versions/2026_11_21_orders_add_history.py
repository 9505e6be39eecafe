"""Let an order be history: taken in for the record, never posted.

Why: a backfill brings orders that were fulfilled before the hub was there.
Safe with the previous release because: it writes no such order; one that a newer process wrote it leaves to it.
Undo: historical orders become captured ones; a release that knows no history would post them at their next message.
"""

from __future__ import annotations

from alembic import op

revision = "orders_add_history"
down_revision = "hub_add_retention"
branch_labels = None
depends_on = None

BEFORE = "'captured', 'held', 'accepted', 'posted', 'partly_shipped', 'shipped', 'cancelling', 'cancelled'"


def _constrain(states: str) -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("ALTER TABLE orders.sales_order DROP CONSTRAINT ck_sales_order_known_state")
    op.execute(
        "ALTER TABLE orders.sales_order ADD CONSTRAINT ck_sales_order_known_state "
        f"CHECK (state IN ({states})) NOT VALID"
    )
    with op.get_context().autocommit_block():  # reads every row, under a lock that hinders nobody
        op.execute("ALTER TABLE orders.sales_order VALIDATE CONSTRAINT ck_sales_order_known_state")


def upgrade() -> None:
    _constrain(f"{BEFORE}, 'historical'")


def downgrade() -> None:
    op.execute("UPDATE orders.sales_order SET state = 'captured' WHERE state = 'historical'")
    _constrain(BEFORE)

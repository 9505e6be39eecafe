"""Plans of claims that no statistics mislead: the planner keeps none of a delivery's state.

Why: what waits comes and goes within seconds. Statistics of a quiet minute say that nothing is due, and the next burst
is then read and sorted whole by every claim, instead of being walked in its order.
Safe with the previous release because: it changes no result.
Undo: statistics are kept again from the next analyze on.
"""

from __future__ import annotations

from alembic import op

revision = "hub_steady_plans"
down_revision = "inventory_add_lapses"
branch_labels = None
depends_on = None

EACH = """
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'hub.delivery'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN state SET STATISTICS {}', part);
    END LOOP;
    ALTER TABLE hub.delivery ALTER COLUMN state SET STATISTICS {};
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(EACH.replace("{}", "0"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(EACH.replace("{}", "-1"))

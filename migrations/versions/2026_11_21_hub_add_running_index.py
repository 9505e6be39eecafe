"""Deliveries that are being called for: an index of their own.

Why: each round counts a connection's calls under way; without it the count reads everything that waits there.
Safe with the previous release because: it adds an index alone, one partition after the other, and blocks no write.
Undo: drops the index.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_running_index"
down_revision = "hub_steady_plans"
branch_labels = None
depends_on = None

LACKING = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'hub.delivery'::regclass AND NOT EXISTS (
       SELECT FROM pg_index x JOIN pg_inherits xi ON xi.inhrelid = x.indexrelid
        WHERE x.indrelid = c.oid AND xi.inhparent = 'hub.ix_delivery_running'::regclass)
 ORDER BY 1
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX ix_delivery_running ON ONLY hub.delivery (queue, connection, holder) WHERE state = 'running'"
        )
        for (part,) in op.get_bind().exec_driver_sql(LACKING).fetchall():
            op.execute(
                f"CREATE INDEX CONCURRENTLY {part}_running ON hub.{part} (queue, connection, holder) WHERE state = 'running'"
            )
            op.execute(f"ALTER INDEX hub.ix_delivery_running ATTACH PARTITION hub.{part}_running")


def downgrade() -> None:
    op.execute("DROP INDEX hub.ix_delivery_running")

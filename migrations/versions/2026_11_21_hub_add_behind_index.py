"""Deliveries that stand behind another: an index of their own.

Why: once a minute the relay looks for lanes that nobody woke; without it that look reads whatever is open.
Safe with the previous release because: it adds an index alone, one partition after the other, and blocks no write.
Undo: drops the index.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_behind_index"
down_revision = "orders_add_overtaken"
branch_labels = None
depends_on = None

LACKING = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'hub.delivery'::regclass AND NOT EXISTS (
       SELECT FROM pg_index x JOIN pg_inherits xi ON xi.inhrelid = x.indexrelid
        WHERE x.indrelid = c.oid AND xi.inhparent = 'hub.ix_delivery_behind'::regclass)
 ORDER BY 1
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX ix_delivery_behind ON ONLY hub.delivery (lane) WHERE state = 'behind'")
        for (part,) in op.get_bind().exec_driver_sql(LACKING).fetchall():
            op.execute(f"CREATE INDEX CONCURRENTLY {part}_behind ON hub.{part} (lane) WHERE state = 'behind'")
            op.execute(f"ALTER INDEX hub.ix_delivery_behind ATTACH PARTITION hub.{part}_behind")


def downgrade() -> None:
    op.execute("DROP INDEX hub.ix_delivery_behind")

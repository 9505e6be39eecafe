"""Intake: an index that nobody asks and a compression that costs more than it saves.

Why: each webhook pays for both. Notices are found by id and by object; by time, their monthly partitions do.
Safe with the previous release because: it reads and writes the same columns.
Undo: makes the index again and compresses what comes from then on.
"""

from __future__ import annotations

from alembic import op

revision = "hub_ease_intake"
down_revision = "orders_add_history"
branch_labels = None
depends_on = None

STORE = """
DO $$ BEGIN  -- where this server was built without lz4, pglz would take a seventh of intake's time
    IF NOT EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
        ALTER TABLE hub.notice ALTER COLUMN body SET STORAGE {storage};
    END IF;
END $$"""


def upgrade() -> None:
    op.execute("DROP INDEX hub.ix_notice_received_at")
    op.execute(STORE.format(storage="EXTERNAL"))


def downgrade() -> None:
    op.execute(STORE.format(storage="EXTENDED"))
    op.execute("CREATE INDEX ix_notice_received_at ON hub.notice (received_at)")

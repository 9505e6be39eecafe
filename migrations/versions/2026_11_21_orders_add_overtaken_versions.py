"""Versions of an order that came after a newer one: kept as a line each, with the version that had overtaken them.

Why: a message that had no effect is asked for, and the timeline says why it had none.
Safe with the previous release because: it never looks at the new table.
Undo: drops the table; the messages themselves are kept notices.
"""

from __future__ import annotations

from alembic import op

revision = "orders_add_overtaken"
down_revision = "hub_add_watch"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE orders.overtaken_version (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_overtaken_version PRIMARY KEY,
    order_id uuid NOT NULL, source_version timestamptz NOT NULL, triggered_at timestamptz, source text NOT NULL,
    notice_id bigint NOT NULL DEFAULT 0, overtaken_by int NOT NULL, newer_version timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_overtaken_version_order_id_source_source_version_notice_id
        UNIQUE (order_id, source, source_version, notice_id));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE orders.overtaken_version")

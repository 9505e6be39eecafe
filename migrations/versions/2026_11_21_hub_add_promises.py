"""Promises kept by the hour, dates on which something runs out, and which queues a worker serves.

Why: a promise is judged by its roll-up, not by a scan; a token that ends is told of before it ends; a queue that
nobody serves is seen.
Safe with the previous release because: it reads neither table, and the new column has a default.
Undo: drops them; the hours are counted anew, the dates are noted again at the next connection test.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_promises"
down_revision = "hub_ease_intake"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.took (
    policy text NOT NULL, hour timestamptz NOT NULL, bound double precision NOT NULL, n bigint NOT NULL,
    CONSTRAINT pk_took PRIMARY KEY (policy, hour, bound)) WITH (fillfactor = 50);

CREATE TABLE hub.expiry (
    connection text NOT NULL, kind text NOT NULL, name text NOT NULL DEFAULT '', ends_at timestamptz NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(), warned int,
    CONSTRAINT pk_expiry PRIMARY KEY (connection, kind, name));

ALTER TABLE hub.worker ADD COLUMN serves text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("ALTER TABLE hub.worker DROP COLUMN serves")
    op.execute("DROP TABLE hub.took, hub.expiry")

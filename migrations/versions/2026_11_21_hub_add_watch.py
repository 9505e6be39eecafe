"""The watch over what remotes tell: their subscriptions, how much is usually heard, and up to when gaps were looked for.

Why: a webhook that never comes is noticed by nobody.
Safe with the previous release because: it reads none of the tables.
Undo: drops them; the next look fills them again, the usual rates take three weeks.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_watch"
down_revision = "hub_add_overtaken"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.subscription (
    connection text NOT NULL, topic text NOT NULL, state text NOT NULL, said text NOT NULL DEFAULT '',
    expires_at timestamptz, looked_at timestamptz NOT NULL DEFAULT now(), well_at timestamptz,
    mended_at timestamptz, mended text NOT NULL DEFAULT '', times int NOT NULL DEFAULT 0,
    CONSTRAINT pk_subscription PRIMARY KEY (connection, topic));

CREATE TABLE hub.heard (
    connection text NOT NULL, hour timestamptz NOT NULL, total bigint NOT NULL,
    CONSTRAINT pk_heard PRIMARY KEY (connection, hour));

CREATE TABLE hub.scan (
    connection text NOT NULL, kind text NOT NULL, read_until timestamptz NOT NULL,
    scanned_at timestamptz NOT NULL DEFAULT now(), listed bigint NOT NULL DEFAULT 0, missing bigint NOT NULL DEFAULT 0,
    missing_at timestamptz, missing_before bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_scan PRIMARY KEY (connection, kind));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE hub.scan, hub.heard, hub.subscription")

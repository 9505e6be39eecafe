"""What each channel was told of each SKU, and how far each source of stock was read.

Why: a change of stock is told to every channel once, with the newest figure, and never over a figure that was not
expected there; a source is asked for what moved since it was read last.
Safe with the previous release because: it reads and writes neither table.
Undo: drops the tables; channels are told everything anew, sources are read as a whole.
"""

from __future__ import annotations

from alembic import op

revision = "inventory_add_levels"
down_revision = "hub_add_sheets"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE inventory.channel_level (
    channel text NOT NULL, sku text NOT NULL,
    wanted bigint NOT NULL DEFAULT 1, done bigint NOT NULL DEFAULT 0, due_since timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'new'
        CONSTRAINT ck_channel_level_known_state CHECK (state IN ('new', 'live', 'paused', 'unlisted', 'refused')),
    said text NOT NULL DEFAULT '',
    sent numeric, sent_at timestamptz, set_at timestamptz, owed numeric NOT NULL DEFAULT 0, owed_since timestamptz,
    trying numeric, tried_at timestamptz, trying_owed numeric NOT NULL DEFAULT 0, trying_over numeric,
    try_key text NOT NULL DEFAULT '',
    found numeric, found_at timestamptz, looked_at timestamptz,
    CONSTRAINT pk_channel_level PRIMARY KEY (channel, sku),
    CONSTRAINT ck_channel_level_counters CHECK (wanted >= done AND owed >= 0)) WITH (fillfactor = 80);
CREATE INDEX ix_channel_level_due ON inventory.channel_level (channel, due_since) WHERE wanted > done;
CREATE INDEX ix_channel_level_sku ON inventory.channel_level (sku);
CREATE INDEX ix_channel_level_try ON inventory.channel_level (channel, try_key) WHERE try_key <> '';
CREATE INDEX ix_channel_level_open ON inventory.channel_level (channel, sku)
 WHERE owed > 0 OR found IS NOT NULL OR state IN ('unlisted', 'refused');

CREATE TABLE inventory.source_mark (
    source text NOT NULL CONSTRAINT pk_source_mark PRIMARY KEY,
    mark text NOT NULL DEFAULT '', asked_at timestamptz, whole_at timestamptz,
    figures bigint NOT NULL DEFAULT 0, refused bigint NOT NULL DEFAULT 0);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE inventory.source_mark")
    op.execute("DROP TABLE inventory.channel_level")

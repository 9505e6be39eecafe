"""Retention: how long each part of the record is kept, what has left it, and how the tables grow.

Why: notices, events, deliveries and attempts leave by partition, by a policy that people set.
Safe with the previous release because: it reads none of these tables; settings of vacuum change no result.
Undo: drops them. Partitions that were detached stay as tables of their own; attach them, or drop them by hand.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_retention"
down_revision = "hub_add_replays"
branch_labels = None
depends_on = None

KINDS = "'notice', 'event', 'delivery', 'attempt'"
TABLES = f"""
CREATE TABLE hub.retention (
    kind text CONSTRAINT pk_retention PRIMARY KEY CONSTRAINT ck_retention_known_kind CHECK (kind IN ({KINDS})),
    keep_days int NOT NULL CONSTRAINT ck_retention_days CHECK (keep_days BETWEEN 1 AND 3650),
    archive boolean NOT NULL DEFAULT false,
    changed_by text NOT NULL DEFAULT '', changed_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE hub.retired_partition (
    name text CONSTRAINT pk_retired_partition PRIMARY KEY,
    kind text NOT NULL CONSTRAINT ck_retired_partition_known_kind CHECK (kind IN ({KINDS})),
    low text NOT NULL, high text NOT NULL, first_id bigint, last_id bigint, rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0, newest_at timestamptz,
    state text NOT NULL DEFAULT 'leaving' CONSTRAINT ck_retired_partition_known_state
        CHECK (state IN ('leaving', 'detached', 'archived', 'dropped')),
    file text NOT NULL DEFAULT '', sha256 text NOT NULL DEFAULT '',
    marked_at timestamptz NOT NULL DEFAULT now(), detached_at timestamptz, archived_at timestamptz,
    dropped_at timestamptz);

CREATE TABLE hub.storage_sample (
    day date NOT NULL, name text NOT NULL, bytes bigint NOT NULL, rows bigint NOT NULL,
    CONSTRAINT pk_storage_sample PRIMARY KEY (day, name));

CREATE TABLE hub.open_from (
    single boolean CONSTRAINT pk_open_from PRIMARY KEY DEFAULT true CONSTRAINT ck_open_from_only_one CHECK (single),
    event_id bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
"""

# Finished deliveries leave dead entries in the partial indexes that every claim reads: vacuum them by the ten thousand.
VACUUM = """
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits
                 WHERE inhparent IN ('hub.delivery'::regclass, 'hub.event'::regclass) LOOP
        EXECUTE format('ALTER TABLE %s {}', part);
    END LOOP;
END $$
"""
SET = (
    "SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000, "
    "autovacuum_analyze_scale_factor = 0.05)"
)
RESET = "RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)
    op.execute(VACUUM.format(SET))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(VACUUM.format(RESET))
    op.execute("DROP TABLE hub.retention, hub.retired_partition, hub.storage_sample, hub.open_from")

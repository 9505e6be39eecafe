"""Runs: long work of an operator, with its progress, checkpoint and what it set aside.

Why: a replay or an import of a hundred thousand things goes on page by page, and survives every process.
Safe with the previous release because: it reads neither table.
Undo: drops both; runs that are under way end with their next turn.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_runs"
down_revision = "orders_create_orders"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.run (
    id uuid CONSTRAINT pk_run PRIMARY KEY, kind text NOT NULL, connection text NOT NULL DEFAULT '',
    title text NOT NULL DEFAULT '', spec jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'waiting'
        CONSTRAINT ck_run_known_state CHECK (state IN ('waiting', 'running', 'stopping', 'stopped', 'done', 'failed')),
    turn int NOT NULL DEFAULT 1, total bigint, done bigint NOT NULL DEFAULT 0, set_aside bigint NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}', checkpoint jsonb NOT NULL DEFAULT '{}', rate double precision
        CONSTRAINT ck_run_rate_above_zero CHECK (rate > 0),
    who text NOT NULL, why text NOT NULL DEFAULT '', said text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz, turned_at timestamptz,
    ended_at timestamptz) WITH (fillfactor = 50);

CREATE TABLE hub.run_item (
    run_id uuid NOT NULL CONSTRAINT fk_run_item_run_id REFERENCES hub.run (id) ON DELETE CASCADE,
    key text NOT NULL, outcome text NOT NULL DEFAULT 'set_aside'
        CONSTRAINT ck_run_item_known_outcome CHECK (outcome IN ('set_aside', 'found')),
    code text NOT NULL DEFAULT '', said text NOT NULL DEFAULT '', facts jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_run_item PRIMARY KEY (run_id, key));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE hub.run_item, hub.run")

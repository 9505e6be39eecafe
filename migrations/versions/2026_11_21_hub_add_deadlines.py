"""Deadlines: what is to happen by a time, and the fact that is told unless it does.

Why: long flows wait for what others do, and somebody must hear when they do not.
Safe with the previous release because: it never looks at the new table.
Undo: drops the table; what is waited for is then watched by nobody.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_deadlines"
down_revision = "hub_add_runs"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE hub.deadline (
    id uuid CONSTRAINT pk_deadline PRIMARY KEY,
    flow text NOT NULL, key text NOT NULL, name text NOT NULL, part text NOT NULL DEFAULT '',
    turn int NOT NULL DEFAULT 1,
    due_at timestamptz NOT NULL, fact_type text NOT NULL, payload jsonb NOT NULL,
    correlation_id text NOT NULL DEFAULT '', causation_id bigint, origin text NOT NULL DEFAULT '',
    traceparent text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'waiting'
        CONSTRAINT ck_deadline_known_state CHECK (state IN ('waiting', 'met', 'missed', 'late', 'called_off')),
    set_at timestamptz NOT NULL DEFAULT now(), moved_by text NOT NULL DEFAULT '',
    ended_at timestamptz, ended_by text NOT NULL DEFAULT '', why text NOT NULL DEFAULT '',
    CONSTRAINT uq_deadline_flow_key_name_part_turn UNIQUE (flow, key, name, part, turn)) WITH (fillfactor = 80);
CREATE INDEX ix_deadline_key ON hub.deadline (key);
CREATE INDEX ix_deadline_state ON hub.deadline (state, due_at);
CREATE INDEX ix_deadline_ended_at ON hub.deadline (ended_at) WHERE state <> 'waiting';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE hub.deadline")

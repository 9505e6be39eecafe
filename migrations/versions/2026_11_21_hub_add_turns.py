"""Who told a field last, and before: for the guard against two systems that change it back and forth.

Why: two systems that never agree make every import a change, and every change goes to every channel.
Safe with the previous release because: it never looks at the new table.
Undo: drops the table; the guard counts from one.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_turns"
down_revision = "hub_add_sheet_kinds"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.turn (
    entity text NOT NULL, company text NOT NULL, key text NOT NULL, field_group text NOT NULL,
    source text NOT NULL, rival text NOT NULL, said text NOT NULL, rival_said text NOT NULL DEFAULT '',
    turns integer NOT NULL DEFAULT 1 CONSTRAINT ck_turn_some_turns CHECK (turns > 0),
    since timestamptz NOT NULL, last_at timestamptz NOT NULL, case_id uuid,
    CONSTRAINT pk_turn PRIMARY KEY (entity, company, key, field_group)) WITH (fillfactor = 80);
CREATE INDEX ix_turn_last_at ON hub.turn (last_at);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE hub.turn")

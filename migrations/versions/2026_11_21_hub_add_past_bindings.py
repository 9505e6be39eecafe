"""Ties between their ids and ours that somebody took apart.

Why: what was unlinked, moved, merged or forgotten by mistake is brought back.
Safe with the previous release because: it never looks at the new table.
Undo: drops the table; what was taken apart cannot be brought back.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_past_bindings"
down_revision = "hub_add_owners"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.binding_past (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_binding_past PRIMARY KEY,
    connection text NOT NULL, kind text NOT NULL, key text NOT NULL, external_id text NOT NULL,
    number text NOT NULL DEFAULT '', did text NOT NULL, who text NOT NULL, why text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ix_binding_past_key ON hub.binding_past (key);
CREATE INDEX ix_binding_past_external_id ON hub.binding_past (external_id);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE hub.binding_past")

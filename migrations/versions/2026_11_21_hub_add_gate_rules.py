"""Rules for documents before they go to an ERP.

Why: nothing reaches an ERP that fails the gate of its type, and operators say what that is.
Safe with the previous release because: it never looks at the new table.
Undo: drops the table and the rules in it.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_gate_rules"
down_revision = "hub_add_past_bindings"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.gate_rule (
    id uuid CONSTRAINT pk_gate_rule PRIMARY KEY,
    kind text NOT NULL, company text NOT NULL DEFAULT '', field text NOT NULL,
    rule text NOT NULL CONSTRAINT ck_gate_rule_known_rule
        CHECK (rule IN ('required', 'max_length', 'min_length', 'pattern', 'one_of', 'none_of')),
    value text NOT NULL DEFAULT '', fix text NOT NULL DEFAULT '', changed_by text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_gate_rule_what UNIQUE (kind, company, field, rule));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE hub.gate_rule")

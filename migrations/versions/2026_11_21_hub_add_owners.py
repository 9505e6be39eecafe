"""Who owns which group of fields, and the updates of others that were refused or held.

Why: one system of record for each group of fields, by company.
Safe with the previous release because: it never looks at the new tables.
Undo: drops both tables; what was refused or held is forgotten.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_owners"
down_revision = "product_add_sightings"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.owner_rule (
    company text NOT NULL, entity text NOT NULL, field_group text NOT NULL, owner text NOT NULL,
    otherwise text NOT NULL DEFAULT 'refuse'
        CONSTRAINT ck_owner_rule_known_otherwise CHECK (otherwise IN ('refuse', 'hold')),
    changed_by text NOT NULL DEFAULT '', why text NOT NULL DEFAULT '', changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_owner_rule PRIMARY KEY (company, entity, field_group));

CREATE TABLE hub.foreign_update (
    id uuid CONSTRAINT pk_foreign_update PRIMARY KEY,
    company text NOT NULL, entity text NOT NULL, field_group text NOT NULL, key text NOT NULL, source text NOT NULL,
    owner text NOT NULL,
    state text NOT NULL CONSTRAINT ck_foreign_update_known_state
        CHECK (state IN ('refused', 'held', 'taken', 'dropped')),
    told jsonb NOT NULL DEFAULT '{}', count bigint NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL DEFAULT now(), last_at timestamptz NOT NULL DEFAULT now(),
    decided_by text NOT NULL DEFAULT '',
    CONSTRAINT uq_foreign_update_what UNIQUE (source, entity, field_group, company, key)) WITH (fillfactor = 80);
CREATE INDEX ix_foreign_update_state ON hub.foreign_update (state, last_at);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE hub.foreign_update, hub.owner_rule")

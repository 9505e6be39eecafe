"""Customer accounts, their addresses and possible duplicates.

Why: an order needs one account, whichever channel it came from.
Safe with the previous release because: there is none.
Undo: drops the tables and everything in them.
"""

from __future__ import annotations

from alembic import op

revision = "customers_create"
down_revision = "hub_create_runtime"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE customers.account (
    id uuid CONSTRAINT pk_account PRIMARY KEY,
    identity text NOT NULL CONSTRAINT uq_account_identity UNIQUE
        CONSTRAINT ck_account_some_identity CHECK (identity <> ''),
    kind text NOT NULL CONSTRAINT ck_account_known_kind CHECK (kind IN ('person', 'company')),
    guest boolean NOT NULL DEFAULT false, withheld boolean NOT NULL DEFAULT false,
    name text NOT NULL DEFAULT '', company text NOT NULL DEFAULT '',
    email text NOT NULL DEFAULT '', phone text NOT NULL DEFAULT '', country text NOT NULL DEFAULT '',
    tax_ids jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(), changed_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ix_account_email ON customers.account (email) WHERE email <> '';

CREATE TABLE customers.address (
    account_id uuid NOT NULL CONSTRAINT fk_address_account_id REFERENCES customers.account (id),
    fingerprint text NOT NULL, purpose text NOT NULL
        CONSTRAINT ck_address_known_purpose CHECK (purpose IN ('billing', 'shipping')),
    name text NOT NULL DEFAULT '', company text NOT NULL DEFAULT '',
    line1 text NOT NULL DEFAULT '', line2 text NOT NULL DEFAULT '', city text NOT NULL DEFAULT '',
    province_code text NOT NULL DEFAULT '', postal_code text NOT NULL DEFAULT '',
    country_code text NOT NULL DEFAULT '', phone text NOT NULL DEFAULT '',
    first_at timestamptz NOT NULL DEFAULT now(), last_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_address PRIMARY KEY (account_id, purpose, fingerprint));

CREATE TABLE customers.duplicate (
    account_id uuid NOT NULL CONSTRAINT fk_duplicate_account_id REFERENCES customers.account (id),
    other_id uuid NOT NULL CONSTRAINT fk_duplicate_other_id REFERENCES customers.account (id),
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'open'
        CONSTRAINT ck_duplicate_known_state CHECK (state IN ('open', 'merged', 'distinct')),
    found_at timestamptz NOT NULL DEFAULT now(), decided_at timestamptz, decided_by text NOT NULL DEFAULT '',
    CONSTRAINT pk_duplicate PRIMARY KEY (account_id, other_id),
    CONSTRAINT ck_duplicate_one_row_for_a_pair CHECK (account_id < other_id));
CREATE INDEX ix_duplicate_open ON customers.duplicate (found_at) WHERE state = 'open';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE customers.duplicate, customers.address, customers.account")

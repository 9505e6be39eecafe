"""Customers in full: terms, consent, tax ids, contact points, B2B places and people, merges, and privacy requests.

Why: an account is more than what one order told of it, two of them may be one, and a person may ask what is held of
them or that it be erased.
Safe with the previous release because: it reads none of the new tables, and the new columns are nullable or have a
default. It does not follow a merge: merge nothing before every process is of this release.
Undo: drops them all. Accounts that were merged are two again; what was erased stays erased.
"""

from __future__ import annotations

from alembic import op

revision = "customers_add_records"
down_revision = "inventory_add_policies"
branch_labels = None
depends_on = None

ACCOUNT = "account_id uuid NOT NULL CONSTRAINT fk_{0}_account_id REFERENCES customers.account (id)"
RECORDS = f"""
ALTER TABLE customers.account
    ADD COLUMN merged_into uuid CONSTRAINT fk_account_merged_into REFERENCES customers.account (id),
    ADD COLUMN groups jsonb NOT NULL DEFAULT '[]', ADD COLUMN erased_at timestamptz;
ALTER TABLE customers.duplicate
    ADD COLUMN score smallint NOT NULL DEFAULT 0, ADD COLUMN signs jsonb NOT NULL DEFAULT '[]';

CREATE TABLE customers.contact_point (
    {ACCOUNT.format("contact_point")},
    kind text NOT NULL CONSTRAINT ck_contact_point_known_kind CHECK (kind IN ('email', 'phone')),
    value text NOT NULL, verified boolean NOT NULL DEFAULT false, source text NOT NULL DEFAULT '',
    first_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_contact_point PRIMARY KEY (account_id, kind, value));
CREATE INDEX ix_contact_point_value ON customers.contact_point (value);

CREATE TABLE customers.tax_id (
    {ACCOUNT.format("tax_id")}, number text NOT NULL, country text NOT NULL DEFAULT '',
    verdict text NOT NULL CONSTRAINT ck_tax_id_known_verdict
        CHECK (verdict IN ('checked', 'formed', 'unknown', 'wrong')),
    source text NOT NULL DEFAULT '', checked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_tax_id PRIMARY KEY (account_id, number));
CREATE INDEX ix_tax_id_number ON customers.tax_id (number);

CREATE TABLE customers.consent (
    id uuid CONSTRAINT pk_consent PRIMARY KEY, {ACCOUNT.format("consent")},
    purpose text NOT NULL CONSTRAINT ck_consent_known_purpose CHECK (purpose IN ('email', 'sms', 'post')),
    state text NOT NULL CONSTRAINT ck_consent_known_state CHECK (state IN ('granted', 'pending', 'withdrawn')),
    source text NOT NULL, given_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_consent_account_id_purpose_source_given_at UNIQUE (account_id, purpose, source, given_at));

CREATE TABLE customers.credit_terms (
    {ACCOUNT.format("credit_terms")} CONSTRAINT pk_credit_terms PRIMARY KEY,
    currency text NOT NULL, limit_minor bigint CONSTRAINT ck_credit_terms_limit CHECK (limit_minor >= 0),
    days int NOT NULL DEFAULT 0 CONSTRAINT ck_credit_terms_days CHECK (days BETWEEN 0 AND 730),
    blocked boolean NOT NULL DEFAULT false, source text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE customers.location (
    id uuid CONSTRAINT pk_location PRIMARY KEY, {ACCOUNT.format("location")}, name text NOT NULL,
    connection text NOT NULL DEFAULT '', external_id text NOT NULL DEFAULT '',
    line1 text NOT NULL DEFAULT '', line2 text NOT NULL DEFAULT '', city text NOT NULL DEFAULT '',
    province_code text NOT NULL DEFAULT '', postal_code text NOT NULL DEFAULT '', country_code text NOT NULL DEFAULT '',
    CONSTRAINT uq_location_account_id_name UNIQUE (account_id, name));

CREATE TABLE customers.member (
    {ACCOUNT.format("member")},
    person_id uuid NOT NULL CONSTRAINT fk_member_person_id REFERENCES customers.account (id),
    location_id uuid CONSTRAINT fk_member_location_id REFERENCES customers.location (id), role text NOT NULL DEFAULT '',
    CONSTRAINT pk_member PRIMARY KEY (account_id, person_id));
CREATE INDEX ix_member_person_id ON customers.member (person_id);

CREATE TABLE customers.merge (
    id uuid CONSTRAINT pk_merge PRIMARY KEY,
    survivor_id uuid NOT NULL CONSTRAINT fk_merge_survivor_id REFERENCES customers.account (id),
    merged_id uuid NOT NULL CONSTRAINT fk_merge_merged_id REFERENCES customers.account (id),
    followed jsonb NOT NULL DEFAULT '[]', orders jsonb NOT NULL DEFAULT '[]', filled jsonb NOT NULL DEFAULT '{{}}',
    at timestamptz NOT NULL DEFAULT now(), who text NOT NULL, why text NOT NULL DEFAULT '',
    undone_at timestamptz, undone_by text NOT NULL DEFAULT '',
    CONSTRAINT ck_merge_two CHECK (survivor_id <> merged_id));
CREATE UNIQUE INDEX uq_merge_standing ON customers.merge (merged_id) WHERE undone_at IS NULL;
CREATE INDEX ix_merge_survivor_id ON customers.merge (survivor_id);

CREATE TABLE customers.privacy_request (
    id uuid CONSTRAINT pk_privacy_request PRIMARY KEY,
    kind text NOT NULL CONSTRAINT ck_privacy_request_known_kind CHECK (kind IN ('export', 'erase', 'erase_shop')),
    state text NOT NULL DEFAULT 'open' CONSTRAINT ck_privacy_request_known_state
        CHECK (state IN ('open', 'waiting', 'ready', 'answered', 'withdrawn')),
    connection text NOT NULL DEFAULT '', source text NOT NULL DEFAULT '', asked_key text NOT NULL,
    subject bytea, asked_by text NOT NULL, why text NOT NULL DEFAULT '', notice_id bigint NOT NULL DEFAULT 0,
    asked_at timestamptz NOT NULL DEFAULT now(), due_at timestamptz NOT NULL, run_id uuid,
    said text NOT NULL DEFAULT '', proof jsonb NOT NULL DEFAULT '{{}}',
    ended_at timestamptz, ended_by text NOT NULL DEFAULT '',
    CONSTRAINT uq_privacy_request_asked_key UNIQUE (asked_key));
CREATE INDEX ix_privacy_request_open ON customers.privacy_request (due_at) WHERE state IN ('open', 'waiting', 'ready');

CREATE TABLE customers.privacy_export (
    request_id uuid CONSTRAINT pk_privacy_export PRIMARY KEY
        CONSTRAINT fk_privacy_export_request_id REFERENCES customers.privacy_request (id),
    sealed bytea NOT NULL, bytes bigint NOT NULL, sha256 text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(), until timestamptz NOT NULL);
"""
INDEXES = (
    "ix_account_merged_into ON customers.account (merged_into) WHERE merged_into IS NOT NULL",
    "ix_account_phone ON customers.account (phone) WHERE phone <> ''",
    "ix_address_fingerprint ON customers.address (fingerprint)",
)
DOWN = """
DROP TABLE customers.privacy_export, customers.privacy_request, customers.merge, customers.member, customers.location,
           customers.credit_terms, customers.consent, customers.tax_id, customers.contact_point;
ALTER TABLE customers.duplicate DROP COLUMN score, DROP COLUMN signs;
ALTER TABLE customers.account DROP COLUMN merged_into, DROP COLUMN groups, DROP COLUMN erased_at;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")  # whatever takes longer is a batched job, not a migration
    op.execute(RECORDS)
    with op.get_context().autocommit_block():
        for index in INDEXES:
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    for index in INDEXES:
        op.execute(f"DROP INDEX customers.{index.split(' ', 1)[0]}")
    op.execute(DOWN)

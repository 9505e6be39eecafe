"""Channel policies, inbound supply, bundles, units, and where other books differ.

Why: each channel is offered what its policy says, and a book that says something else is a finding.
Safe with the previous release because: it reads none of the new tables, and the new column has a default.
Undo: drops the tables and the column with everything in them; a bundle's reservations stay as its components'.
"""

from __future__ import annotations

from alembic import op

revision = "inventory_add_policies"
down_revision = "product_create"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE inventory.channel_policy (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_channel_policy PRIMARY KEY,
    channel text NOT NULL,
    pattern text NOT NULL DEFAULT '*' CONSTRAINT ck_channel_policy_some_pattern CHECK (pattern <> ''),
    locations text[] NOT NULL DEFAULT '{}',
    safety numeric NOT NULL DEFAULT 0, safety_at jsonb NOT NULL DEFAULT '{}', buffer numeric NOT NULL DEFAULT 0,
    cap numeric, share numeric NOT NULL DEFAULT 100, fixed numeric, priority integer NOT NULL DEFAULT 100,
    overcommit boolean NOT NULL DEFAULT false, backorder_limit numeric NOT NULL DEFAULT 0,
    pause_at numeric NOT NULL DEFAULT 0, inbound_days integer NOT NULL DEFAULT 0,
    inbound_confidence numeric NOT NULL DEFAULT 0, scarce_below numeric NOT NULL DEFAULT 0,
    changed_by text NOT NULL DEFAULT '', changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_channel_policy_scope UNIQUE (channel, pattern),
    CONSTRAINT ck_channel_policy_percent CHECK (
        share BETWEEN 0 AND 100 AND inbound_confidence BETWEEN 0 AND 100),
    CONSTRAINT ck_channel_policy_not_negative CHECK (
        safety >= 0 AND buffer >= 0 AND coalesce(cap, 0) >= 0 AND coalesce(fixed, 0) >= 0 AND backorder_limit >= 0
        AND pause_at >= 0 AND inbound_days >= 0 AND scarce_below >= 0),
    CONSTRAINT ck_channel_policy_every_channel_shares CHECK (channel <> '' OR overcommit));

CREATE TABLE inventory.supply (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_supply PRIMARY KEY,
    source text NOT NULL, key text NOT NULL, sku text NOT NULL, location text NOT NULL,
    quantity numeric NOT NULL CONSTRAINT ck_supply_some_quantity CHECK (quantity > 0),
    due_at timestamptz NOT NULL, told_at timestamptz NOT NULL,
    CONSTRAINT uq_supply_source_key UNIQUE (source, key));
CREATE INDEX ix_supply_sku ON inventory.supply (sku, due_at);

CREATE TABLE inventory.bundle_part (
    bundle text NOT NULL, component text NOT NULL,
    quantity numeric NOT NULL CONSTRAINT ck_bundle_part_some_quantity CHECK (quantity > 0),
    CONSTRAINT pk_bundle_part PRIMARY KEY (bundle, component),
    CONSTRAINT ck_bundle_part_not_itself CHECK (bundle <> component));
CREATE INDEX ix_bundle_part_component ON inventory.bundle_part (component);

CREATE TABLE inventory.unit (
    sku text NOT NULL DEFAULT '', unit text NOT NULL, factor numeric NOT NULL DEFAULT 1,
    CONSTRAINT pk_unit PRIMARY KEY (sku, unit),
    CONSTRAINT ck_unit_some_unit CHECK (unit <> '' AND factor > 0));

CREATE TABLE inventory.drift (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_drift PRIMARY KEY,
    kind text NOT NULL CONSTRAINT ck_drift_known_kind CHECK (kind IN ('ledger', 'source', 'channel')),
    other text NOT NULL, sku text NOT NULL, location text NOT NULL, field text NOT NULL DEFAULT '',
    ours numeric NOT NULL, theirs numeric NOT NULL, cause text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'open'
        CONSTRAINT ck_drift_known_state CHECK (state IN ('open', 'corrected', 'accepted', 'gone')),
    seen integer NOT NULL DEFAULT 1, as_of timestamptz, found_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(), closed_at timestamptz, closed_by text NOT NULL DEFAULT '');
CREATE UNIQUE INDEX uq_drift_open ON inventory.drift (kind, other, sku, location) WHERE state = 'open';
CREATE INDEX ix_drift_state ON inventory.drift (state, id);
CREATE INDEX ix_drift_sku ON inventory.drift (sku);

CREATE TABLE inventory.drift_rule (
    other text NOT NULL CONSTRAINT pk_drift_rule PRIMARY KEY,
    tolerance numeric NOT NULL DEFAULT 0, automatic_up_to numeric NOT NULL DEFAULT 0,
    CONSTRAINT ck_drift_rule_not_negative CHECK (tolerance >= 0 AND automatic_up_to >= 0));

ALTER TABLE inventory.reservation ADD COLUMN per numeric NOT NULL DEFAULT 1;
ALTER TABLE inventory.reservation ADD CONSTRAINT ck_reservation_some_per CHECK (per > 0) NOT VALID;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("""
        ALTER TABLE inventory.reservation DROP COLUMN per;
        DROP TABLE inventory.drift_rule, inventory.drift, inventory.unit, inventory.bundle_part, inventory.supply,
                   inventory.channel_policy""")

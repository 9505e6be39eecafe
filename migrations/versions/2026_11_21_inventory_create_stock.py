"""Stock levels, reservations and the movement ledger.

Why: an order reserves all its lines or none, and nothing is sold twice.
Safe with the previous release because: there is none.
Undo: drops the tables and everything in them.
"""

from __future__ import annotations

from alembic import op

revision = "inventory_create"
down_revision = "customers_create"
branch_labels = None
depends_on = None

OPEN = "'quoted', 'held', 'allocated'"
STATES = f"{OPEN}, 'consumed', 'released', 'expired', 'short'"
KINDS = "'receipt', 'sale', 'pick', 'shipment', 'transfer', 'return', 'adjustment', 'count'"

TABLES = f"""
CREATE TABLE inventory.availability (
    sku text CONSTRAINT pk_availability PRIMARY KEY CONSTRAINT ck_availability_some_sku CHECK (sku <> ''),
    available numeric NOT NULL DEFAULT 0 CONSTRAINT ck_availability_not_negative CHECK (available >= 0),
    as_of timestamptz, version bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 40);

CREATE TABLE inventory.stock_level (
    sku text NOT NULL CONSTRAINT fk_stock_level_sku REFERENCES inventory.availability (sku),
    location text NOT NULL CONSTRAINT ck_stock_level_plain_location CHECK (location <> '' AND strpos(location, '|') = 0),
    source text NOT NULL, reports text NOT NULL DEFAULT 'physical'
        CONSTRAINT ck_stock_level_known_report CHECK (reports IN ('physical', 'available')),
    on_hand numeric NOT NULL DEFAULT 0, as_of timestamptz, sequence bigint NOT NULL DEFAULT 0,
    moved numeric NOT NULL DEFAULT 0, damaged numeric NOT NULL DEFAULT 0, quality_hold numeric NOT NULL DEFAULT 0,
    reserved numeric NOT NULL DEFAULT 0, contained numeric NOT NULL DEFAULT 0, oversold numeric NOT NULL DEFAULT 0,
    free numeric NOT NULL
        GENERATED ALWAYS AS (on_hand + moved - damaged - quality_hold - reserved + contained) STORED,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_stock_level PRIMARY KEY (sku, location),
    CONSTRAINT ck_stock_level_never_sold_twice CHECK (free + oversold >= 0),
    CONSTRAINT ck_stock_level_counters CHECK (
        reserved >= 0 AND damaged >= 0 AND quality_hold >= 0 AND oversold >= 0
        AND contained >= 0 AND contained <= reserved)) WITH (fillfactor = 40);

CREATE TABLE inventory.reservation (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_reservation PRIMARY KEY,
    order_id text NOT NULL, order_line text NOT NULL, sku text NOT NULL, location text NOT NULL,
    quantity numeric NOT NULL CONSTRAINT ck_reservation_some_quantity CHECK (quantity > 0),
    state text NOT NULL CONSTRAINT ck_reservation_known_state CHECK (state IN ({STATES})),
    contained boolean NOT NULL DEFAULT false
        CONSTRAINT ck_reservation_contained_when_allocated CHECK (NOT contained OR state = 'allocated'),
    ended_by text NOT NULL DEFAULT '', expires_at timestamptz, accepted_at timestamptz,
    made_at timestamptz NOT NULL DEFAULT now(), changed_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 80);
CREATE INDEX ix_reservation_order_id ON inventory.reservation (order_id);
CREATE INDEX ix_reservation_open ON inventory.reservation (sku, location) WHERE state IN ({OPEN});
CREATE INDEX ix_reservation_expires_at ON inventory.reservation (expires_at)
    WHERE expires_at IS NOT NULL AND state IN ('quoted', 'held');
CREATE UNIQUE INDEX uq_reservation_waiting ON inventory.reservation (order_id, order_line, sku, location)
    WHERE state IN ('quoted', 'held');

CREATE TABLE inventory.movement (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_movement PRIMARY KEY,
    sku text NOT NULL, location text NOT NULL,
    kind text NOT NULL CONSTRAINT ck_movement_known_kind CHECK (kind IN ({KINDS})),
    quantity numeric NOT NULL CONSTRAINT ck_movement_some_quantity CHECK (quantity <> 0),
    effective_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL, key text NOT NULL, reference text NOT NULL DEFAULT '',
    CONSTRAINT uq_movement_source_key UNIQUE (source, key));
CREATE INDEX ix_movement_level ON inventory.movement (sku, location, effective_at);

CREATE FUNCTION inventory.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'inventory.movement is append-only: write a movement that corrects the wrong one';
END $$;
CREATE TRIGGER movement_is_append_only BEFORE UPDATE OR DELETE ON inventory.movement
    FOR EACH ROW EXECUTE FUNCTION inventory.refuse_change();

CREATE TABLE inventory.policy (
    company text CONSTRAINT pk_policy PRIMARY KEY,
    unknown_sku text NOT NULL DEFAULT 'untracked'
        CONSTRAINT ck_policy_known_rule CHECK (unknown_sku IN ('refuse', 'untracked')));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("""
        DROP TABLE inventory.policy, inventory.movement, inventory.reservation, inventory.stock_level,
                   inventory.availability;
        DROP FUNCTION inventory.refuse_change()""")

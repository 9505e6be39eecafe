"""Price lists with their prices, promotions, quote rules, and what pricing keeps about items.

Why: a quote is computed from what the hub holds, in a few milliseconds.
Safe with the previous release because: it never looks at the new tables.
Undo: drops the tables and everything in them.
"""

from __future__ import annotations

from alembic import op

revision = "pricing_create"
down_revision = "customers_add_records"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE pricing.price_list (
    id uuid CONSTRAINT pk_price_list PRIMARY KEY,
    code text NOT NULL CONSTRAINT uq_price_list_code UNIQUE CONSTRAINT ck_price_list_some_code CHECK (code <> ''),
    title text NOT NULL DEFAULT '',
    currency text NOT NULL CONSTRAINT ck_price_list_known_currency CHECK (currency ~ '^[A-Z]{3}$'),
    company text NOT NULL DEFAULT '', channel text NOT NULL DEFAULT '',
    customer_group text NOT NULL DEFAULT '', customer text NOT NULL DEFAULT '',
    rank smallint GENERATED ALWAYS AS (
        CASE WHEN customer <> '' THEN 8 ELSE 0 END + CASE WHEN customer_group <> '' THEN 4 ELSE 0 END
        + CASE WHEN channel <> '' THEN 2 ELSE 0 END + CASE WHEN company <> '' THEN 1 ELSE 0 END) STORED,
    includes_tax boolean NOT NULL, zone text NOT NULL, open boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL DEFAULT '',
    CONSTRAINT uq_price_list_scope UNIQUE (currency, company, channel, customer_group, customer));

CREATE TABLE pricing.price (
    list_id uuid NOT NULL CONSTRAINT fk_price_list_id REFERENCES pricing.price_list (id) ON DELETE CASCADE,
    sku text NOT NULL, unit text NOT NULL DEFAULT '',
    min_quantity numeric(18, 5) NOT NULL CONSTRAINT ck_price_some_quantity CHECK (min_quantity >= 0),
    from_at timestamptz NOT NULL, until_at timestamptz CONSTRAINT ck_price_some_time CHECK (until_at > from_at),
    amount numeric(24, 6) NOT NULL CONSTRAINT ck_price_not_negative CHECK (amount >= 0),
    CONSTRAINT pk_price PRIMARY KEY (list_id, sku, unit, min_quantity, from_at));

CREATE TABLE pricing.item (
    sku text CONSTRAINT pk_item PRIMARY KEY,
    category text NOT NULL DEFAULT '', product_type text NOT NULL DEFAULT '', tax_code text NOT NULL DEFAULT '',
    margin numeric(9, 6) CONSTRAINT ck_item_some_margin CHECK (margin > -1),
    changed_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE pricing.cost (
    sku text NOT NULL, unit text NOT NULL DEFAULT '', currency text NOT NULL,
    amount numeric(24, 6) NOT NULL CONSTRAINT ck_cost_not_negative CHECK (amount >= 0),
    CONSTRAINT pk_cost PRIMARY KEY (sku, unit, currency));

CREATE TABLE pricing.promotion (
    id uuid CONSTRAINT pk_promotion PRIMARY KEY,
    code text NOT NULL CONSTRAINT uq_promotion_code UNIQUE, title text NOT NULL DEFAULT '',
    kind text NOT NULL CONSTRAINT ck_promotion_known_kind
        CHECK (kind IN ('percentage', 'amount', 'fixed_price', 'buy_x_get_y')),
    level text NOT NULL CONSTRAINT ck_promotion_known_level CHECK (level IN ('line', 'order')),
    value numeric(24, 6) NOT NULL, currency text NOT NULL DEFAULT '',
    buy int NOT NULL DEFAULT 0, get int NOT NULL DEFAULT 0, most_times int NOT NULL DEFAULT 0,
    company text NOT NULL DEFAULT '', channel text NOT NULL DEFAULT '', customer_group text NOT NULL DEFAULT '',
    skus jsonb NOT NULL DEFAULT '[]', categories jsonb NOT NULL DEFAULT '[]',
    product_types jsonb NOT NULL DEFAULT '[]',
    min_quantity numeric(18, 5) NOT NULL DEFAULT 0, min_amount numeric(24, 6) NOT NULL DEFAULT 0,
    zone text NOT NULL, from_at timestamptz NOT NULL,
    until_at timestamptz CONSTRAINT ck_promotion_some_time CHECK (until_at > from_at),
    exclusive boolean NOT NULL DEFAULT false, best_of text NOT NULL DEFAULT '',
    stacks_with jsonb NOT NULL DEFAULT '[]', priority int NOT NULL DEFAULT 0,
    open boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL DEFAULT '');
CREATE INDEX ix_promotion_running ON pricing.promotion (until_at) WHERE open;

CREATE TABLE pricing.quote_rule (
    company text NOT NULL, channel text NOT NULL,
    rounding text NOT NULL DEFAULT 'line'
        CONSTRAINT ck_quote_rule_known_rounding CHECK (rounding IN ('line', 'order')),
    half text NOT NULL DEFAULT 'up' CONSTRAINT ck_quote_rule_known_half CHECK (half IN ('up', 'even', 'down')),
    margin numeric(9, 6) CONSTRAINT ck_quote_rule_some_margin CHECK (margin > -1),
    floor text NOT NULL DEFAULT 'cut' CONSTRAINT ck_quote_rule_known_floor CHECK (floor IN ('cut', 'refuse')),
    changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL DEFAULT '',
    CONSTRAINT pk_quote_rule PRIMARY KEY (company, channel));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(
        "DROP TABLE pricing.quote_rule, pricing.promotion, pricing.cost, pricing.item, pricing.price, "
        "pricing.price_list"
    )

"""Tax jurisdictions, rates, certificates and rules; the last answers of tax engines; prices as channels show them.

Why: a quote says its tax from the hub's own table or an engine, and a channel gets only the prices that changed.
Safe with the previous release because: it never looks at the new tables.
Undo: drops the tables and everything in them.
"""

from __future__ import annotations

from alembic import op

revision = "pricing_add_tax"
down_revision = "inventory_add_levels"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE pricing.tax_jurisdiction (
    code text CONSTRAINT pk_tax_jurisdiction PRIMARY KEY
        CONSTRAINT ck_tax_jurisdiction_some_code CHECK (code <> ''),
    title text NOT NULL, zone text NOT NULL, country text NOT NULL DEFAULT '', region text NOT NULL DEFAULT '',
    postal_from text NOT NULL DEFAULT '', postal_to text NOT NULL DEFAULT '',
    shipping text NOT NULL DEFAULT 'as_goods'
        CONSTRAINT ck_tax_jurisdiction_known_shipping CHECK (shipping IN ('as_goods', 'taxed', 'exempt')),
    shipping_code text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL DEFAULT '',
    CONSTRAINT ck_tax_jurisdiction_postal_of_a_country CHECK (postal_from = '' OR country <> ''));
CREATE INDEX ix_tax_jurisdiction_place ON pricing.tax_jurisdiction (country, region);

CREATE TABLE pricing.tax_rate (
    jurisdiction text NOT NULL CONSTRAINT fk_tax_rate_jurisdiction
        REFERENCES pricing.tax_jurisdiction (code) ON DELETE CASCADE,
    tax_code text NOT NULL, position smallint NOT NULL, effective_from date NOT NULL, effective_to date,
    name text NOT NULL, percent numeric(9, 6) NOT NULL CONSTRAINT ck_tax_rate_not_negative CHECK (percent >= 0),
    compound boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_tax_rate PRIMARY KEY (jurisdiction, tax_code, position, effective_from),
    CONSTRAINT ck_tax_rate_some_time CHECK (effective_to >= effective_from));

CREATE TABLE pricing.tax_certificate (
    customer text NOT NULL, certificate_id text NOT NULL, country text NOT NULL, region text NOT NULL,
    tax_code text NOT NULL, effective_from date NOT NULL, effective_to date,
    changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL DEFAULT '',
    CONSTRAINT pk_tax_certificate PRIMARY KEY (customer, certificate_id, country, region, tax_code),
    CONSTRAINT ck_tax_certificate_some_certificate CHECK (certificate_id <> '' AND country <> ''),
    CONSTRAINT ck_tax_certificate_some_time CHECK (effective_to >= effective_from));

CREATE TABLE pricing.tax_rule (
    company text NOT NULL, channel text NOT NULL, system text NOT NULL,
    rounding text NOT NULL DEFAULT 'document'
        CONSTRAINT ck_tax_rule_known_rounding CHECK (rounding IN ('line', 'unit', 'document')),
    half text NOT NULL DEFAULT 'up' CONSTRAINT ck_tax_rule_known_half CHECK (half IN ('up', 'even', 'down')),
    engine text NOT NULL DEFAULT '',
    budget_ms int NOT NULL DEFAULT 300
        CONSTRAINT ck_tax_rule_some_budget CHECK (budget_ms BETWEEN 10 AND 10000),
    keep_hours int NOT NULL DEFAULT 720,
    fallback_percent numeric(9, 6) CONSTRAINT ck_tax_rule_not_negative CHECK (fallback_percent >= 0),
    changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL DEFAULT '',
    CONSTRAINT pk_tax_rule PRIMARY KEY (company, channel));

CREATE TABLE pricing.tax_answer (
    engine text NOT NULL, kind text NOT NULL CONSTRAINT ck_tax_answer_known_kind CHECK (kind IN ('basket', 'rate')),
    key text NOT NULL, answer jsonb NOT NULL, answered_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_tax_answer PRIMARY KEY (engine, kind, key));
CREATE INDEX ix_tax_answer_answered_at ON pricing.tax_answer (answered_at);

CREATE TABLE pricing.channel_rule (
    channel text CONSTRAINT pk_channel_rule PRIMARY KEY, company text NOT NULL DEFAULT '',
    currency text NOT NULL CONSTRAINT ck_channel_rule_known_currency CHECK (currency ~ '^[A-Z]{3}$'),
    includes_tax boolean NOT NULL, country text NOT NULL DEFAULT '', region text NOT NULL DEFAULT '',
    compare_list text NOT NULL DEFAULT '',
    ending numeric(7, 6) CONSTRAINT ck_channel_rule_some_ending CHECK (ending >= 0 AND ending < 1),
    open boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL DEFAULT '');

CREATE TABLE pricing.channel_price (
    channel text NOT NULL, sku text NOT NULL, due boolean NOT NULL DEFAULT true, mark bigint NOT NULL DEFAULT 1,
    marked_at timestamptz NOT NULL DEFAULT now(), currency text NOT NULL DEFAULT '',
    amount numeric(24, 6), compare_at numeric(24, 6), price_list text NOT NULL DEFAULT '',
    external_id text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT '', said text NOT NULL DEFAULT '', strayed_at timestamptz, sent_at timestamptz,
    sent bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_channel_price PRIMARY KEY (channel, sku)) WITH (fillfactor = 80);
CREATE INDEX ix_channel_price_due ON pricing.channel_price (channel, marked_at) WHERE due;
CREATE INDEX ix_channel_price_code ON pricing.channel_price (channel, code) WHERE code <> '';
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(
        "DROP TABLE pricing.channel_price, pricing.channel_rule, pricing.tax_answer, pricing.tax_rule, "
        "pricing.tax_certificate, pricing.tax_rate, pricing.tax_jurisdiction"
    )

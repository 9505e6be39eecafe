"""Products, variants, units, bundles, listings and what channels call a SKU.

Why: channels, prices and stock speak of one catalogue, and an order's SKU means one thing.
Safe with the previous release because: it adds tables that nothing of that release reads.
Undo: drops the tables and everything in them.
"""

from __future__ import annotations

from alembic import op

revision = "product_create"
down_revision = "hub_add_running_index"
branch_labels = None
depends_on = None

STATES = "'draft', 'active', 'retired'"

PRODUCTS = f"""
CREATE TABLE product.product (
    id uuid CONSTRAINT pk_product PRIMARY KEY,
    company text NOT NULL DEFAULT '', code text COLLATE "C" NOT NULL CONSTRAINT ck_product_some_code CHECK (code <> ''),
    title text NOT NULL DEFAULT '', description text NOT NULL DEFAULT '',
    vendor text NOT NULL DEFAULT '', product_type text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'draft' CONSTRAINT ck_product_known_status CHECK (status IN ({STATES})),
    tax_code text NOT NULL DEFAULT '',
    options jsonb NOT NULL DEFAULT '[]', attributes jsonb NOT NULL DEFAULT '{{}}',
    images jsonb NOT NULL DEFAULT '[]', origins jsonb NOT NULL DEFAULT '{{}}',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(), changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_product_code_company UNIQUE (code, company)) WITH (fillfactor = 80);
CREATE INDEX ix_product_changed_at ON product.product (changed_at, id);

CREATE TABLE product.variant (
    id uuid CONSTRAINT pk_variant PRIMARY KEY,
    product_id uuid NOT NULL CONSTRAINT fk_variant_product_id REFERENCES product.product (id),
    company text NOT NULL DEFAULT '', sku text COLLATE "C" NOT NULL CONSTRAINT ck_variant_some_sku CHECK (sku <> ''),
    position integer NOT NULL DEFAULT 1, title text NOT NULL DEFAULT '',
    options jsonb NOT NULL DEFAULT '{{}}', attributes jsonb NOT NULL DEFAULT '{{}}',
    gtin text NOT NULL DEFAULT '',
    weight numeric CONSTRAINT ck_variant_some_weight CHECK (weight > 0), weight_unit text NOT NULL DEFAULT '',
    uom text NOT NULL DEFAULT 'piece' CONSTRAINT ck_variant_some_unit CHECK (uom <> ''),
    tax_code text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'draft' CONSTRAINT ck_variant_known_status CHECK (status IN ({STATES})),
    CONSTRAINT uq_variant_sku_company UNIQUE (sku, company),
    CONSTRAINT ck_variant_weight_with_unit CHECK ((weight IS NULL) = (weight_unit = ''))) WITH (fillfactor = 80);
CREATE INDEX ix_variant_product_id ON product.variant (product_id, position);
CREATE INDEX ix_variant_gtin ON product.variant (gtin) WHERE gtin <> '';

CREATE TABLE product.unit_conversion (
    variant_id uuid NOT NULL CONSTRAINT fk_unit_conversion_variant_id REFERENCES product.variant (id),
    unit text NOT NULL CONSTRAINT ck_unit_conversion_some_unit CHECK (unit <> ''),
    numerator bigint NOT NULL, denominator bigint NOT NULL DEFAULT 1, gtin text NOT NULL DEFAULT '',
    CONSTRAINT pk_unit_conversion PRIMARY KEY (variant_id, unit),
    CONSTRAINT ck_unit_conversion_some_factor CHECK (numerator > 0 AND denominator > 0));
CREATE INDEX ix_unit_conversion_gtin ON product.unit_conversion (gtin) WHERE gtin <> '';

CREATE TABLE product.bundle_component (
    bundle_id uuid NOT NULL CONSTRAINT fk_bundle_component_bundle_id REFERENCES product.variant (id),
    component_id uuid NOT NULL CONSTRAINT fk_bundle_component_component_id REFERENCES product.variant (id),
    quantity numeric NOT NULL CONSTRAINT ck_bundle_component_some_quantity CHECK (quantity > 0),
    position integer NOT NULL DEFAULT 1,
    CONSTRAINT pk_bundle_component PRIMARY KEY (bundle_id, component_id),
    CONSTRAINT ck_bundle_component_not_itself CHECK (bundle_id <> component_id));
CREATE INDEX ix_bundle_component_component_id ON product.bundle_component (component_id);

CREATE TABLE product.drift (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_drift PRIMARY KEY,
    connection text NOT NULL, company text NOT NULL DEFAULT '', sku text NOT NULL,
    kind text NOT NULL
        CONSTRAINT ck_drift_known_kind CHECK (kind IN ('missing_here', 'missing_there', 'differs')),
    field text NOT NULL DEFAULT '', ours text NOT NULL DEFAULT '', theirs text NOT NULL DEFAULT '',
    found_at timestamptz NOT NULL DEFAULT now(), seen_at timestamptz NOT NULL DEFAULT now(), gone_at timestamptz,
    CONSTRAINT uq_drift_connection_company_sku_field UNIQUE (connection, company, sku, field));
CREATE INDEX ix_drift_open ON product.drift (connection, sku) WHERE gone_at IS NULL;
"""

LISTINGS = """
CREATE TABLE product.listing (
    id uuid CONSTRAINT pk_listing PRIMARY KEY,
    connection text NOT NULL CONSTRAINT ck_listing_some_connection CHECK (connection <> ''),
    product_id uuid NOT NULL CONSTRAINT fk_listing_product_id REFERENCES product.product (id),
    variant_id uuid CONSTRAINT fk_listing_variant_id REFERENCES product.variant (id),
    wanted boolean NOT NULL DEFAULT true,
    state text NOT NULL DEFAULT 'none'
        CONSTRAINT ck_listing_known_state CHECK (state IN ('none', 'pending', 'live', 'rejected', 'paused')),
    code text NOT NULL DEFAULT '', reason text NOT NULL DEFAULT '',
    external_id text NOT NULL DEFAULT '', external_ids jsonb NOT NULL DEFAULT '{}',
    fingerprint text NOT NULL DEFAULT '', version bigint NOT NULL DEFAULT 0,
    sent_at timestamptz, changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_listing_connection_product_id_variant_id
        UNIQUE NULLS NOT DISTINCT (connection, product_id, variant_id)) WITH (fillfactor = 80);
CREATE INDEX ix_listing_product_id ON product.listing (product_id);
CREATE INDEX ix_listing_variant_id ON product.listing (variant_id) WHERE variant_id IS NOT NULL;
CREATE INDEX ix_listing_external_id ON product.listing (connection, external_id) WHERE external_id <> '';
CREATE INDEX ix_listing_state ON product.listing (connection, state, changed_at, id);

CREATE TABLE product.sku_alias (
    connection text NOT NULL,
    kind text NOT NULL CONSTRAINT ck_sku_alias_known_kind CHECK (kind IN ('sku', 'gtin', 'id')),
    external text NOT NULL CONSTRAINT ck_sku_alias_some_name CHECK (external <> ''),
    variant_id uuid NOT NULL CONSTRAINT fk_sku_alias_variant_id REFERENCES product.variant (id),
    chosen_by text NOT NULL, chosen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_sku_alias PRIMARY KEY (connection, kind, external));
CREATE INDEX ix_sku_alias_variant_id ON product.sku_alias (variant_id);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(PRODUCTS)
    op.execute(LISTINGS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("""
        DROP TABLE product.sku_alias, product.listing, product.drift, product.bundle_component,
                   product.unit_conversion, product.variant, product.product""")

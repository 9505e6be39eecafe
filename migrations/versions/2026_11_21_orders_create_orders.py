"""The tables of the orders domain: orders with every version, holds, the ERP's documents, shipments, invoices, payments.

Why: the first release.
Safe with the previous release because: there is none.
Undo: drops the tables and everything in them.
"""

from __future__ import annotations

from alembic import op

revision = "orders_create_orders"
down_revision = "inventory_create"
branch_labels = None
depends_on = None

STATES = "'captured', 'held', 'accepted', 'posted', 'partly_shipped', 'shipped', 'cancelling', 'cancelled'"
HOLDS = "'totals', 'stock', 'address', 'fraud', 'credit', 'payment', 'manual'"

TABLES = f"""
CREATE TABLE orders.sales_order (
    id uuid CONSTRAINT pk_sales_order PRIMARY KEY,
    channel text NOT NULL, external_id text NOT NULL, gid text NOT NULL DEFAULT '', name text NOT NULL,
    company text NOT NULL DEFAULT '', state text NOT NULL DEFAULT 'captured'
        CONSTRAINT ck_sales_order_known_state CHECK (state IN ({STATES})),
    test boolean NOT NULL DEFAULT false,
    version int NOT NULL, accepted_version int NOT NULL DEFAULT 0,
    source_version timestamptz NOT NULL, triggered_at timestamptz, fetched boolean NOT NULL DEFAULT false,
    fingerprint text NOT NULL,
    likeness text NOT NULL DEFAULT '', placed_at timestamptz NOT NULL,
    currency text NOT NULL, total_minor bigint NOT NULL, account_id uuid,
    correlation_id text NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL DEFAULT now(),
    captured_at timestamptz NOT NULL DEFAULT now(), changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_sales_order_accepted_is_kept CHECK (accepted_version <= version),
    CONSTRAINT uq_sales_order_channel_external_id UNIQUE (channel, external_id)) WITH (fillfactor = 80);
CREATE INDEX ix_sales_order_name ON orders.sales_order (name);
CREATE INDEX ix_sales_order_state ON orders.sales_order (state, id);
CREATE INDEX ix_sales_order_likeness ON orders.sales_order (likeness) WHERE likeness <> '';
CREATE INDEX ix_sales_order_account_id ON orders.sales_order (account_id);

CREATE TABLE orders.order_version (
    order_id uuid NOT NULL CONSTRAINT fk_order_version_order_id REFERENCES orders.sales_order (id),
    n int NOT NULL, source_version timestamptz NOT NULL, triggered_at timestamptz,
    source text NOT NULL, notice_id bigint NOT NULL DEFAULT 0, fingerprint text NOT NULL,
    document jsonb NOT NULL, kept_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_order_version PRIMARY KEY (order_id, n));

CREATE TABLE orders.order_move (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_order_move PRIMARY KEY,
    order_id uuid NOT NULL, trigger text NOT NULL, before text NOT NULL, after text NOT NULL,
    why text NOT NULL DEFAULT '', at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX ix_order_move_order_id ON orders.order_move (order_id);

CREATE TABLE orders.hold (
    id uuid CONSTRAINT pk_hold PRIMARY KEY, order_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT ck_hold_known_kind CHECK (kind IN ({HOLDS})),
    reason text NOT NULL DEFAULT '', placed_by text NOT NULL DEFAULT '', placed_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz, released_by text NOT NULL DEFAULT '', release_reason text NOT NULL DEFAULT '');
CREATE UNIQUE INDEX uq_hold_open ON orders.hold (order_id, kind) WHERE released_at IS NULL;

CREATE TABLE orders.finding (
    order_id uuid NOT NULL, code text NOT NULL, about text NOT NULL DEFAULT '',
    said text NOT NULL DEFAULT '', facts jsonb NOT NULL DEFAULT '{{}}', found_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_finding PRIMARY KEY (order_id, code, about));

CREATE TABLE orders.erp_document (
    order_id uuid NOT NULL, erp text NOT NULL, external_id text NOT NULL, number text NOT NULL,
    status text NOT NULL DEFAULT '', version int NOT NULL, currency text NOT NULL,
    total_minor bigint NOT NULL, tax_minor bigint NOT NULL, differences jsonb NOT NULL DEFAULT '[]',
    posted_at timestamptz NOT NULL DEFAULT now(), released_at timestamptz, cancelled_at timestamptz,
    CONSTRAINT pk_erp_document PRIMARY KEY (order_id, erp),
    CONSTRAINT uq_erp_document_erp_number UNIQUE (erp, number)) WITH (fillfactor = 80);
CREATE INDEX ix_erp_document_number ON orders.erp_document (number);

CREATE TABLE orders.erp_line (
    order_id uuid NOT NULL, erp text NOT NULL, sequence int NOT NULL, meaning text NOT NULL,
    line_id text NOT NULL DEFAULT '', external_id text NOT NULL DEFAULT '',
    CONSTRAINT pk_erp_line PRIMARY KEY (order_id, erp, sequence));

CREATE TABLE orders.payment (
    id uuid CONSTRAINT pk_payment PRIMARY KEY, order_id uuid NOT NULL, erp text NOT NULL,
    transaction_id text NOT NULL, kind text NOT NULL, gateway text NOT NULL, currency text NOT NULL,
    amount_minor bigint NOT NULL, occurred_at timestamptz NOT NULL,
    booked_at timestamptz, number text NOT NULL DEFAULT '',
    CONSTRAINT uq_payment_order_id_erp_transaction_id UNIQUE (order_id, erp, transaction_id));

CREATE TABLE orders.shipment (
    id uuid CONSTRAINT pk_shipment PRIMARY KEY, order_id uuid NOT NULL, erp text NOT NULL, number text NOT NULL,
    shipped_at timestamptz NOT NULL, location text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'recorded'
        CONSTRAINT ck_shipment_known_state CHECK (state IN ('recorded', 'shown', 'undone')),
    undone_by text NOT NULL DEFAULT '', notice_id bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT now(), shown_at timestamptz,
    CONSTRAINT uq_shipment_erp_number UNIQUE (erp, number));
CREATE INDEX ix_shipment_order_id ON orders.shipment (order_id);
CREATE INDEX ix_shipment_number ON orders.shipment (number);

CREATE TABLE orders.shipment_line (
    shipment_id uuid NOT NULL CONSTRAINT fk_shipment_line_shipment_id REFERENCES orders.shipment (id),
    n int NOT NULL, line_id text NOT NULL, sku text NOT NULL DEFAULT '',
    quantity numeric(20, 5) NOT NULL CONSTRAINT ck_shipment_line_not_zero CHECK (quantity <> 0),
    CONSTRAINT pk_shipment_line PRIMARY KEY (shipment_id, n));

CREATE TABLE orders.package (
    shipment_id uuid NOT NULL CONSTRAINT fk_package_shipment_id REFERENCES orders.shipment (id),
    tracking_number text NOT NULL, carrier text NOT NULL DEFAULT '', tracking_url text NOT NULL DEFAULT '',
    CONSTRAINT pk_package PRIMARY KEY (shipment_id, tracking_number));
CREATE INDEX ix_package_tracking_number ON orders.package (tracking_number);

CREATE TABLE orders.invoice (
    id uuid CONSTRAINT pk_invoice PRIMARY KEY, order_id uuid NOT NULL, erp text NOT NULL, number text NOT NULL,
    invoiced_on date NOT NULL, currency text NOT NULL, total_minor bigint NOT NULL,
    lines jsonb NOT NULL DEFAULT '[]', notice_id bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_invoice_erp_number UNIQUE (erp, number));
CREATE INDEX ix_invoice_order_id ON orders.invoice (order_id);
CREATE INDEX ix_invoice_number ON orders.invoice (number);

CREATE TABLE orders.erp_poll (
    erp text CONSTRAINT pk_erp_poll PRIMARY KEY, read_until timestamptz NOT NULL);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("""
        DROP TABLE orders.erp_poll, orders.invoice, orders.package, orders.shipment_line, orders.shipment,
                   orders.payment, orders.erp_line, orders.erp_document, orders.finding, orders.hold,
                   orders.order_move, orders.order_version, orders.sales_order""")

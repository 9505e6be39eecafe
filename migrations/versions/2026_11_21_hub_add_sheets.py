"""Sheets: files that people and programs hand in, their pieces, what is wrong in them, and their lines in between.

Why: what a system's API lacks comes from CSV and XLSX files, checked whole before anything of them counts.
Safe with the previous release because: it adds tables that nothing of that release reads.
Undo: drops the tables; what was imported stays.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_sheets"
down_revision = "pricing_create"
branch_labels = None
depends_on = None

SHEETS = """
CREATE TABLE hub.sheet (
    id uuid CONSTRAINT pk_sheet PRIMARY KEY, kind text NOT NULL, name text NOT NULL DEFAULT '',
    company text NOT NULL DEFAULT '', source text NOT NULL DEFAULT '',
    format text NOT NULL CONSTRAINT ck_sheet_known_format CHECK (format IN ('csv', 'xlsx')),
    encoding text NOT NULL DEFAULT 'utf-8', delimiter text NOT NULL DEFAULT '', decimal_mark text NOT NULL DEFAULT '.',
    strict boolean NOT NULL DEFAULT true, dry boolean NOT NULL DEFAULT false,
    size bigint NOT NULL, sha256 text NOT NULL, fields jsonb NOT NULL DEFAULT '[]',
    state text NOT NULL DEFAULT 'received'
        CONSTRAINT ck_sheet_known_state CHECK (state IN ('received', 'checked', 'applied', 'refused')),
    lines bigint NOT NULL DEFAULT 0, wrong_lines bigint NOT NULL DEFAULT 0, counts jsonb NOT NULL DEFAULT '{}',
    said text NOT NULL DEFAULT '', who text NOT NULL, run_id uuid,
    received_at timestamptz NOT NULL DEFAULT now(), checked_at timestamptz, ended_at timestamptz);
CREATE INDEX ix_sheet_sha256 ON hub.sheet (sha256);
CREATE INDEX ix_sheet_received_at ON hub.sheet (received_at);

CREATE TABLE hub.sheet_piece (
    sheet_id uuid NOT NULL CONSTRAINT fk_sheet_piece_sheet_id REFERENCES hub.sheet (id) ON DELETE CASCADE,
    n integer NOT NULL, body bytea NOT NULL,
    CONSTRAINT pk_sheet_piece PRIMARY KEY (sheet_id, n));
ALTER TABLE hub.sheet_piece ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE hub.sheet_fault (
    sheet_id uuid NOT NULL CONSTRAINT fk_sheet_fault_sheet_id REFERENCES hub.sheet (id) ON DELETE CASCADE,
    line bigint NOT NULL, field text NOT NULL, code text NOT NULL,
    said text NOT NULL DEFAULT '', value text NOT NULL DEFAULT '',
    CONSTRAINT pk_sheet_fault PRIMARY KEY (sheet_id, line, field, code));
"""

# Lines between the file and the catalogue. They can be read again from the file, so a crash of the server may empty it.
LINES = """
CREATE UNLOGGED TABLE product.sheet_line (
    sheet_id uuid NOT NULL, line bigint NOT NULL,
    sku text, product text, title text, description text, vendor text, product_type text, status text, tax_code text,
    gtin text, weight text, weight_unit text, unit text, units text, components text, images text, options text,
    attributes text);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")  # whatever takes longer is a batched job, not a migration
    op.execute(SHEETS)
    op.execute(LINES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE product.sheet_line, hub.sheet_fault, hub.sheet_piece, hub.sheet")

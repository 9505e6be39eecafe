"""Lines of price and stock sheets between the file and where they count.

Why: prices and counts come from files too, checked whole before anything of them counts.
Safe with the previous release because: it adds tables that nothing of that release reads.
Undo: drops the tables; what was imported stays.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_sheet_kinds"
down_revision = "pricing_add_promotions_shown"
branch_labels = None
depends_on = None

# They can be read again from the file, so a crash of the server may empty them.
LINES = """
CREATE UNLOGGED TABLE pricing.sheet_line (
    sheet_id uuid NOT NULL, line bigint NOT NULL,
    list text, sku text, unit text, min_quantity text, price text, "from" text, until text);
CREATE UNLOGGED TABLE inventory.sheet_line (
    sheet_id uuid NOT NULL, line bigint NOT NULL,
    sku text, location text, quantity text, unit text, as_of text, sequence text, reports text);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(LINES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DROP TABLE inventory.sheet_line, pricing.sheet_line")

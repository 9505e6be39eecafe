"""How much of a reservation and of a level is promised beyond what lies there, because a channel agreed to wait.

Why: a channel's back-order limit is offered, so an order within it must get its reservation, and none beyond it.
Safe with the previous release because: it leaves every new column at 0, under which each check says what it said.
Undo: drops the columns; a level that has back-orders then is oversold by so many, as its other check demands.
"""

from __future__ import annotations

from alembic import op

revision = "inventory_add_back_orders"
down_revision = "hub_add_gate_rules"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE inventory.availability ADD COLUMN owed numeric NOT NULL DEFAULT 0;
ALTER TABLE inventory.stock_level ADD COLUMN back_ordered numeric NOT NULL DEFAULT 0;
ALTER TABLE inventory.reservation ADD COLUMN back_ordered numeric NOT NULL DEFAULT 0;
ALTER TABLE inventory.availability ADD CONSTRAINT ck_availability_owed CHECK (owed >= 0) NOT VALID;
ALTER TABLE inventory.reservation ADD CONSTRAINT ck_reservation_back_ordered
    CHECK (back_ordered BETWEEN 0 AND quantity) NOT VALID;
ALTER TABLE inventory.stock_level
    DROP CONSTRAINT ck_stock_level_never_sold_twice,
    ADD CONSTRAINT ck_stock_level_never_sold_twice CHECK (free + oversold + back_ordered >= 0) NOT VALID,
    ADD CONSTRAINT ck_stock_level_back_ordered CHECK (back_ordered BETWEEN 0 AND greatest(0, -free)) NOT VALID;
"""
GONE = """
UPDATE inventory.stock_level SET oversold = oversold + back_ordered, back_ordered = 0 WHERE back_ordered > 0;
ALTER TABLE inventory.stock_level
    DROP CONSTRAINT ck_stock_level_back_ordered,
    DROP CONSTRAINT ck_stock_level_never_sold_twice,
    ADD CONSTRAINT ck_stock_level_never_sold_twice CHECK (free + oversold >= 0) NOT VALID,
    DROP COLUMN back_ordered;
ALTER TABLE inventory.reservation DROP COLUMN back_ordered;
ALTER TABLE inventory.availability DROP COLUMN owed;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(COLUMNS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(GONE)

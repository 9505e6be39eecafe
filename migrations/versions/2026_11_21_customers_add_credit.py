"""What an account owes at its ERP, when an ERP last showed its customers, and who is not to come back.

Why: an order on account waits where it would take its customer beyond the limit, a customer that vanished at its ERP
is found at night, and what was erased stays erased.
Safe with the previous release because: it reads none of the new columns, and they are nullable or have a default. It
does not look at `forgotten`: erase nobody before every process is of this release.
Undo: drops them. The next import reads balances again; what was erased may come back with a later message.
"""

from __future__ import annotations

from alembic import op

revision = "customers_add_credit"
down_revision = "inventory_add_back_orders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE customers.credit_terms
            ADD COLUMN terms_code text NOT NULL DEFAULT '', ADD COLUMN balance_minor bigint,
            ADD COLUMN balance_at timestamptz;
        CREATE TABLE customers.sighting (
            connection text NOT NULL, external_id text NOT NULL, seen_at timestamptz NOT NULL,
            CONSTRAINT pk_sighting PRIMARY KEY (connection, external_id));
        CREATE TABLE customers.forgotten (
            fingerprint text CONSTRAINT pk_forgotten PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE customers.forgotten;
        DROP TABLE customers.sighting;
        ALTER TABLE customers.credit_terms
            DROP COLUMN balance_at, DROP COLUMN balance_minor, DROP COLUMN terms_code;
        """
    )

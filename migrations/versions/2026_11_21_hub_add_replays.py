"""What a replay set going, and payloads that a person edited.

Why: a replay of a hundred thousand deliveries tells afterwards what became of each; an edit keeps its original.
Safe with the previous release because: the new column is nullable, and it reads none of this.
Undo: drops both tables and the column; deliveries that run later see their fact as it was told.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_replays"
down_revision = "orders_add_cut_over"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hub.run_delivery (
    run_id uuid NOT NULL CONSTRAINT fk_run_delivery_run_id REFERENCES hub.run (id) ON DELETE CASCADE,
    event_id bigint NOT NULL, delivery bigint NOT NULL, was text NOT NULL, released boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_run_delivery PRIMARY KEY (run_id, event_id, delivery));

CREATE TABLE hub.payload_edit (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_payload_edit PRIMARY KEY, event_id bigint NOT NULL,
    delivery bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(), who text NOT NULL, why text NOT NULL,
    before jsonb NOT NULL, after jsonb NOT NULL);
CREATE INDEX ix_payload_edit_event_id_delivery ON hub.payload_edit (event_id, delivery);

ALTER TABLE hub.delivery ADD COLUMN edited jsonb;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("ALTER TABLE hub.delivery DROP COLUMN edited")
    op.execute("DROP TABLE hub.run_delivery, hub.payload_edit")

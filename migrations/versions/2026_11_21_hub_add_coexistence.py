"""Coexistence: flags, routes with a mode, a domain and a share, shadow deliveries, drains, what was sent or would be.

Why: two ERPs run side by side until one is retired, and an operator opens and closes what flows, part by part.
Safe with the previous release because: every new column has a default that means what was meant before. The previous
release does not know shadow routes and drains: use neither before every process is of this one.
Undo: drops them all. Shadow routes become live ones if they stay, so they are dropped first, as are further rows of
one scope; a draining connection is paused.
"""

from __future__ import annotations

from alembic import op

revision = "hub_add_coexistence"
down_revision = "hub_add_deadlines"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE hub.flag_rule (
    id uuid CONSTRAINT pk_flag_rule PRIMARY KEY, flag text NOT NULL, connection text NOT NULL DEFAULT '',
    domain text NOT NULL DEFAULT '', region text NOT NULL DEFAULT '', channel text NOT NULL DEFAULT '',
    company text NOT NULL DEFAULT '',
    percent numeric(5, 2) NOT NULL CONSTRAINT ck_flag_rule_known_percent CHECK (percent BETWEEN 0 AND 100),
    changed_by text NOT NULL DEFAULT '', why text NOT NULL DEFAULT '', changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_flag_rule_flag_connection_domain_region_channel_company
        UNIQUE (flag, connection, domain, region, channel, company));

ALTER TABLE hub.route
    ADD COLUMN domain text NOT NULL DEFAULT '',
    ADD COLUMN mode text NOT NULL DEFAULT 'live' CONSTRAINT ck_route_known_mode CHECK (mode IN ('live', 'shadow')),
    ADD COLUMN share smallint NOT NULL DEFAULT 100 CONSTRAINT ck_route_known_share CHECK (share BETWEEN 1 AND 100),
    ADD COLUMN zone text NOT NULL DEFAULT 'UTC',
    ADD COLUMN added_by text NOT NULL DEFAULT '',
    DROP CONSTRAINT uq_route_role_connection_company_channel,
    ADD CONSTRAINT uq_route_scope
        UNIQUE NULLS NOT DISTINCT (role, domain, company, channel, connection, mode, from_on);

ALTER TABLE hub.connection
    ADD COLUMN drain_to bigint, ADD COLUMN drained_at timestamptz,
    ADD COLUMN shadow boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT ck_connection_known_state,
    ADD CONSTRAINT ck_connection_known_state CHECK (state IN ('on', 'paused', 'draining'));

ALTER TABLE hub.delivery
    ADD COLUMN shadow boolean NOT NULL DEFAULT false, ADD COLUMN compared boolean NOT NULL DEFAULT false;

CREATE TABLE hub.outgoing (
    event_id bigint NOT NULL, subscriber text NOT NULL, connection text NOT NULL, shadow boolean NOT NULL,
    adapter text NOT NULL, key text NOT NULL, requests jsonb NOT NULL DEFAULT '[]', outcome text NOT NULL,
    code text NOT NULL DEFAULT '', said text NOT NULL DEFAULT '', at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_outgoing PRIMARY KEY (event_id, subscriber, connection));
CREATE INDEX ix_outgoing_connection ON hub.outgoing (connection, at);
CREATE INDEX ix_outgoing_key ON hub.outgoing (key);
"""

DOWN = """
DROP TABLE hub.outgoing;
ALTER TABLE hub.delivery DROP COLUMN shadow, DROP COLUMN compared;
UPDATE hub.connection SET state = 'paused', paused_by = 'hub', paused_reason = 'was draining', paused_at = now()
 WHERE state = 'draining';
ALTER TABLE hub.connection
    DROP COLUMN drain_to, DROP COLUMN drained_at, DROP COLUMN shadow, DROP CONSTRAINT ck_connection_known_state,
    ADD CONSTRAINT ck_connection_known_state CHECK (state IN ('on', 'paused'));
DELETE FROM hub.route WHERE mode = 'shadow';
DELETE FROM hub.route r USING hub.route o
 WHERE o.role = r.role AND o.connection = r.connection AND o.company = r.company AND o.channel = r.channel
   AND o.id < r.id;
ALTER TABLE hub.route
    DROP CONSTRAINT uq_route_scope,
    DROP COLUMN domain, DROP COLUMN mode, DROP COLUMN share, DROP COLUMN zone, DROP COLUMN added_by,
    ADD CONSTRAINT uq_route_role_connection_company_channel UNIQUE (role, connection, company, channel);
DROP TABLE hub.flag_rule;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")  # a queue behind our lock must not grow longer than this
    op.execute("SET LOCAL statement_timeout = '5s'")  # whatever takes longer is a batched job, not a migration
    op.execute(UP)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("SET LOCAL statement_timeout = '5s'")
    op.execute("DELETE FROM hub.delivery WHERE shadow AND state IN ('due', 'running', 'behind', 'parked', 'rejected')")
    op.execute(DOWN)

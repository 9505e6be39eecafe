"""The runtime's tables: notices, events, deliveries and what surrounds them.

Why: the first release.
Safe with the previous release because: there is none.
Undo: drops the tables and everything in them.
"""

from __future__ import annotations

from alembic import op

revision = "hub_create_runtime"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = ("orders", "inventory", "customers", "product", "pricing", "returns", "settlement")
STATES = "'due', 'behind', 'running', 'parked', 'rejected', 'done', 'dismissed', 'superseded'"
OPEN = "'due', 'running', 'behind', 'parked', 'rejected'"
PARTITION = 1_000_000  # events in one partition: small enough to drop in one go, large enough to be few

TABLES = f"""
CREATE SEQUENCE hub.event_id CACHE 1;
CREATE SEQUENCE hub.delivery_id CACHE 1;
CREATE SEQUENCE hub.notice_id CACHE 1;
CREATE SEQUENCE hub.worker_id CACHE 1;
CREATE SEQUENCE hub.connection_number START 64 CACHE 1;

CREATE TABLE hub.seen (
    connection text NOT NULL, topic text NOT NULL, external_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_seen PRIMARY KEY (connection, topic, external_id));
CREATE INDEX ix_seen_received_at ON hub.seen USING brin (received_at);

CREATE TABLE hub.notice (
    id bigint NOT NULL DEFAULT nextval('hub.notice_id'), received_at timestamptz NOT NULL DEFAULT now(),
    connection text NOT NULL, topic text NOT NULL, kind text NOT NULL DEFAULT '', object_id text NOT NULL DEFAULT '',
    source text NOT NULL DEFAULT 'webhook', external_id text NOT NULL DEFAULT '', correlation_id text NOT NULL,
    headers jsonb NOT NULL, body bytea NOT NULL,
    verdict text NOT NULL, remark text NOT NULL DEFAULT '',
    CONSTRAINT pk_notice PRIMARY KEY (id, received_at)) PARTITION BY RANGE (received_at);
CREATE INDEX ix_notice_object ON hub.notice (object_id, connection) WHERE object_id <> '';
CREATE INDEX ix_notice_received_at ON hub.notice (received_at);

CREATE TABLE hub.refusal (
    connection text NOT NULL, reason text NOT NULL, day date NOT NULL, count bigint NOT NULL,
    last_at timestamptz NOT NULL, last_said text NOT NULL DEFAULT '',
    CONSTRAINT pk_refusal PRIMARY KEY (connection, reason, day));

CREATE TABLE hub.event (
    id bigint NOT NULL DEFAULT nextval('hub.event_id'), type text NOT NULL, key text NOT NULL, payload jsonb NOT NULL,
    origin text NOT NULL DEFAULT '', correlation_id text NOT NULL DEFAULT '', causation_id bigint,
    traceparent text NOT NULL DEFAULT '', at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_event PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE INDEX ix_event_correlation_id ON hub.event (correlation_id);
CREATE INDEX ix_event_key ON hub.event (key);

CREATE TABLE hub.delivery (
    event_id bigint NOT NULL, subscriber text NOT NULL, connection text NOT NULL DEFAULT '',
    id bigint NOT NULL DEFAULT nextval('hub.delivery_id'),
    queue text NOT NULL, partition smallint NOT NULL, lane text,
    state text NOT NULL DEFAULT 'due' CONSTRAINT ck_delivery_known_state CHECK (state IN ({STATES})),
    next_at timestamptz NOT NULL DEFAULT now(), attempt int NOT NULL DEFAULT 0, fence int NOT NULL DEFAULT 0,
    deaths smallint NOT NULL DEFAULT 0, holder bigint, in_doubt boolean NOT NULL DEFAULT false,
    code text, done_at timestamptz,
    CONSTRAINT pk_delivery PRIMARY KEY (event_id, subscriber, connection)) PARTITION BY RANGE (event_id);
CREATE INDEX ix_delivery_ready ON hub.delivery (queue, connection, partition, id) WHERE state IN ('due', 'running');
CREATE INDEX ix_delivery_lane ON hub.delivery (lane, id) WHERE state IN ({OPEN});
CREATE INDEX ix_delivery_set_aside ON hub.delivery (id) WHERE state IN ('parked', 'rejected');

CREATE TABLE hub.attempt (
    event_id bigint NOT NULL, delivery bigint NOT NULL, n int NOT NULL,
    started_at timestamptz NOT NULL, ended_at timestamptz, outcome text NOT NULL,
    code text NOT NULL DEFAULT '', said text NOT NULL DEFAULT '', worker bigint,
    CONSTRAINT pk_attempt PRIMARY KEY (event_id, delivery, n)) PARTITION BY RANGE (event_id);

CREATE TABLE hub.worker (
    id bigint CONSTRAINT pk_worker PRIMARY KEY, kind text NOT NULL, version text NOT NULL, host text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(), beat_at timestamptz NOT NULL) WITH (fillfactor = 50);

CREATE TABLE hub.tally (name text NOT NULL, label text NOT NULL, n bigint NOT NULL);
CREATE TABLE hub.counter (
    name text NOT NULL, label text NOT NULL, n bigint NOT NULL, folded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_counter PRIMARY KEY (name, label));

CREATE TABLE hub.connection (
    name text CONSTRAINT pk_connection PRIMARY KEY,
    number int NOT NULL DEFAULT nextval('hub.connection_number') CONSTRAINT uq_connection_number UNIQUE,
    adapter text NOT NULL, title text NOT NULL DEFAULT '', company text NOT NULL DEFAULT '',
    settings jsonb NOT NULL DEFAULT '{{}}', secrets bytea,
    state text NOT NULL DEFAULT 'on' CONSTRAINT ck_connection_known_state CHECK (state IN ('on', 'paused')),
    paused_code text NOT NULL DEFAULT '', paused_by text NOT NULL DEFAULT '', paused_reason text NOT NULL DEFAULT '',
    paused_at timestamptz, tested_at timestamptz, probes jsonb NOT NULL DEFAULT '[]',
    version int NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE hub.route (
    id uuid CONSTRAINT pk_route PRIMARY KEY, role text NOT NULL, connection text NOT NULL
        CONSTRAINT fk_route_connection REFERENCES hub.connection (name),
    company text NOT NULL DEFAULT '', channel text NOT NULL DEFAULT '',
    from_on date, until_on date, created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_route_role_connection_company_channel UNIQUE (role, connection, company, channel));

CREATE TABLE hub.binding (
    connection text NOT NULL, kind text NOT NULL, key text NOT NULL, external_id text NOT NULL,
    number text NOT NULL DEFAULT '', source_version timestamptz, bound_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_binding PRIMARY KEY (connection, kind, key),
    CONSTRAINT uq_binding_connection_kind_external_id UNIQUE (connection, kind, external_id));
CREATE INDEX ix_binding_external_id ON hub.binding (external_id);
CREATE INDEX ix_binding_number ON hub.binding (number) WHERE number <> '';
CREATE INDEX ix_binding_key ON hub.binding (key);

CREATE TABLE hub.value_map (
    connection text NOT NULL, kind text NOT NULL, source text NOT NULL, target text NOT NULL,
    changed_by text NOT NULL DEFAULT '', changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_value_map PRIMARY KEY (connection, kind, source));

CREATE TABLE hub.exception_case (
    id uuid CONSTRAINT pk_exception_case PRIMARY KEY, code text NOT NULL, connection text NOT NULL DEFAULT '',
    about text NOT NULL DEFAULT '', title text NOT NULL, facts jsonb NOT NULL DEFAULT '{{}}', said text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'new'
        CONSTRAINT ck_exception_case_known_state CHECK (state IN ('new', 'working', 'held', 'flowing', 'resolved', 'dismissed')),
    assignee text NOT NULL DEFAULT '', opened_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(), closed_at timestamptz, closed_by text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '', count int NOT NULL DEFAULT 1);
CREATE UNIQUE INDEX uq_exception_case_open ON hub.exception_case (code, connection, about)
    WHERE state NOT IN ('resolved', 'dismissed');
CREATE INDEX ix_exception_case_state ON hub.exception_case (state, opened_at);

CREATE TABLE hub.case_item (
    case_id uuid NOT NULL CONSTRAINT fk_case_item_case_id REFERENCES hub.exception_case (id),
    key text NOT NULL, event_id bigint NOT NULL DEFAULT 0, delivery bigint NOT NULL DEFAULT 0,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_case_item PRIMARY KEY (case_id, key, delivery));
CREATE INDEX ix_case_item_key ON hub.case_item (key);
CREATE INDEX ix_case_item_delivery ON hub.case_item (delivery);

CREATE TABLE hub.act (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_act PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL, did text NOT NULL, kind text NOT NULL DEFAULT '', key text NOT NULL DEFAULT '',
    why text NOT NULL DEFAULT '', facts jsonb NOT NULL DEFAULT '{{}}');
CREATE INDEX ix_act_key ON hub.act (key);

CREATE TABLE hub.person (
    id uuid CONSTRAINT pk_person PRIMARY KEY, email text NOT NULL CONSTRAINT uq_person_email UNIQUE,
    name text NOT NULL DEFAULT '', password_hash text NOT NULL, role text NOT NULL
        CONSTRAINT ck_person_known_role CHECK (role IN ('viewer', 'operator', 'finance', 'admin')),
    active boolean NOT NULL DEFAULT true, failures int NOT NULL DEFAULT 0, locked_until timestamptz,
    session_version int NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), last_seen_at timestamptz);

CREATE TABLE hub.api_key (
    id uuid CONSTRAINT pk_api_key PRIMARY KEY, prefix text NOT NULL CONSTRAINT uq_api_key_prefix UNIQUE,
    secret_hash bytea NOT NULL, name text NOT NULL, scopes jsonb NOT NULL DEFAULT '[]',
    connection text NOT NULL DEFAULT '', expires_at timestamptz, revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(), last_used_at timestamptz);

CREATE TABLE hub.idempotency (
    principal text NOT NULL, key text NOT NULL, request_hash bytea NOT NULL, status int, answer jsonb,
    at timestamptz NOT NULL DEFAULT now(), CONSTRAINT pk_idempotency PRIMARY KEY (principal, key));

CREATE TABLE hub.window_run (
    name text NOT NULL, instant timestamptz NOT NULL, started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz, outcome text NOT NULL DEFAULT '', facts jsonb NOT NULL DEFAULT '{{}}',
    CONSTRAINT pk_window_run PRIMARY KEY (name, instant));
"""


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    op.execute(TABLES)
    op.execute("""
        DO $$ BEGIN  -- lz4 costs a third less than pglz, where this server was built with it
            IF EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
                ALTER TABLE hub.notice ALTER COLUMN body SET COMPRESSION lz4;
            END IF;
        END $$""")
    for table, column in (("event", "id"), ("delivery", "event_id"), ("attempt", "event_id")):
        for n in range(2):
            bounds = f"FROM ({n * PARTITION}) TO ({(n + 1) * PARTITION})"
            op.execute(f"CREATE TABLE hub.{table}_p{n} PARTITION OF hub.{table} FOR VALUES {bounds}")
    op.execute("""
        DO $$
        DECLARE start timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
        BEGIN
            FOR n IN 0..1 LOOP
                EXECUTE format('CREATE TABLE hub.notice_%s PARTITION OF hub.notice FOR VALUES FROM (%L) TO (%L)',
                    to_char((start + n * interval '1 month') AT TIME ZONE 'UTC', 'YYYY_MM'),
                    start + n * interval '1 month', start + (n + 1) * interval '1 month');
            END LOOP;
        END $$""")


def downgrade() -> None:
    op.execute("""
        DROP TABLE hub.seen, hub.notice, hub.refusal, hub.event, hub.delivery, hub.attempt, hub.worker,
                   hub.tally, hub.counter, hub.route, hub.connection, hub.binding, hub.value_map, hub.case_item,
                   hub.exception_case, hub.act, hub.person, hub.api_key, hub.idempotency, hub.window_run CASCADE;
        DROP SEQUENCE hub.event_id, hub.delivery_id, hub.notice_id, hub.worker_id, hub.connection_number""")
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema}")

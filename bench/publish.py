"""What it costs to tell a fact durably to three steps, against the bare insert of its event, in the database alone."""

from __future__ import annotations

import json
import re
import subprocess
from string import Template

from app.infra.outbox import PUBLISH, partition_mask
from bench.figures import Bench, Measured, more
from bench.ground import Ground, prepared
from bench.ingest import PGBENCH

CLIENTS, SECONDS, TURNS = 4, 4.0, 3
PAYLOAD = {"thing": "t1", "number": 1, "what": "a fact as small as most of ours"}
SUBSCRIBERS = 3


def measure() -> dict[str, Measured]:
    """In turns, the middle of each."""
    with prepared() as ground:
        told, bare = [], []
        for _ in range(TURNS):
            told.append(_per_second(ground, published(ground)))
            bare.append(_per_second(ground, BARE))
    rate, baseline = sorted(told)[TURNS // 2], sorted(bare)[TURNS // 2]
    return {"publish_ratio": Measured(value=rate / baseline, baseline=baseline)}


def published(ground: Ground) -> str:
    """The outbox' own statement for one fact that three inside steps hear, its constants in place."""
    array = "ARRAY[{}]".format
    fixed = {
        "types": "ARRAY['bench.thing_moved.v1']", "keys": "ARRAY['thing' || :id::text]", "origins": "ARRAY['bench']",
        "correlations": "ARRAY[:id::text]", "causes": "ARRAY[NULL]::bigint[]", "traces": "ARRAY['']",
        "payloads": f"convert_from('{_hex(json.dumps([PAYLOAD]))}', 'UTF8')",
        "mask": str(partition_mask(ground.settings.partitions)),
        "n": array(", ".join("1" for _ in range(SUBSCRIBERS))),
        "subscribers": array(", ".join(f"'bench.step_{n}'" for n in range(SUBSCRIBERS))),
        "connections": array(", ".join("''" for _ in range(SUBSCRIBERS))),
        "queues": array(", ".join("'orders'" for _ in range(SUBSCRIBERS))),
        "lanes": array(", ".join(f"'bench.step_{n}'" for n in range(SUBSCRIBERS))),
        "modes": array(", ".join("''" for _ in range(SUBSCRIBERS))),
    }  # fmt: skip
    return Template(re.sub(r"%\((\w+)\)s", r"$\1", PUBLISH)).substitute(fixed)


def _hex(text: str) -> str:
    """Bytes without a colon, which pgbench would take for a variable."""
    return "\\x" + text.encode().hex()


BARE = f"""
INSERT INTO hub.event (type, key, payload, origin, correlation_id, traceparent)
VALUES ('bench.thing_moved.v1', 'thing' || :id::text, convert_from('{_hex(json.dumps(PAYLOAD))}', 'UTF8')::jsonb,
        'bench', :id::text, '')
"""


def _per_second(ground: Ground, statement: str) -> float:
    script = ground.home / "publish.sql"
    script.write_text("\\set id random(1, 9000000000000000000)\n" + " ".join(statement.split()) + ";\n")
    how = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(int(SECONDS))]
    command = [str(PGBENCH), *how, "-f", str(script), ground.plain_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


BENCHES = (Bench(figures=(more("publish_ratio", "ratio", 0.6),), run=measure),)

"""A Dramatiq message for each delivery, called with httpx: `external_peer.py DATABASE_URL REDIS_URL JOBS URL`."""

import json
import multiprocessing
import sys
import threading
import time

import dramatiq
import httpx
import psycopg
from dramatiq.brokers.redis import RedisBroker

PROCESSES, THREADS = 2, 32
database_url, redis_url, jobs, remote_url = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
broker = RedisBroker(url=redis_url, namespace="peer")
dramatiq.set_broker(broker)
local = threading.local()
client = httpx.Client(base_url=remote_url, timeout=30, limits=httpx.Limits(max_connections=THREADS))

CLAIM = """UPDATE bench.paper d SET state = 'running', attempt = attempt + 1 WHERE id = %s AND state = 'due'
    AND NOT EXISTS (SELECT FROM bench.paper e WHERE e.key = d.key AND e.id < d.id AND e.state <> 'done')
    RETURNING key"""


@dramatiq.actor(max_retries=0)
def deliver(number: int) -> None:
    if not hasattr(local, "line"):
        local.line = psycopg.connect(database_url, autocommit=True)
    row = local.line.execute(CLAIM, (number,)).fetchone()
    if row is None:
        return
    body = {"document": row[0], "lines": [1, 2, 3]}
    client.post("/papers", json=body, headers={"Idempotency-Key": row[0]}).raise_for_status()
    local.line.execute("UPDATE bench.paper SET state = 'done', done_at = now() WHERE id = %s", (number,))


def work(go, done) -> None:
    worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=50)
    go.wait()
    worker.start()
    done.wait()
    worker.stop()


def prepare(line) -> None:
    line.execute("CREATE SCHEMA IF NOT EXISTS bench")
    line.execute("DROP TABLE IF EXISTS bench.paper")
    line.execute(
        "CREATE TABLE bench.paper (id bigint PRIMARY KEY, key text NOT NULL, state text NOT NULL DEFAULT 'due', "
        "attempt int NOT NULL DEFAULT 0, done_at timestamptz) WITH (fillfactor = 70)"
    )
    line.execute("CREATE INDEX ON bench.paper (key, id) WHERE state <> 'done'")
    line.execute("INSERT INTO bench.paper (id, key) SELECT g, 'p' || g FROM generate_series(1, %s) g", (jobs,))
    line.execute("VACUUM ANALYZE bench.paper")


def main() -> None:
    line = psycopg.connect(database_url, autocommit=True)
    prepare(line)
    for number in range(1, jobs + 1):
        deliver.send(number)
    go, done = multiprocessing.Event(), multiprocessing.Event()
    workers = [multiprocessing.Process(target=work, args=(go, done)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    began = time.perf_counter()
    go.set()
    while line.execute("SELECT EXISTS (SELECT FROM bench.paper WHERE state <> 'done')").fetchone()[0]:
        time.sleep(0.05)
        if time.perf_counter() - began > 120:
            raise SystemExit("not done after two minutes")
    seconds = time.perf_counter() - began
    done.set()
    for worker in workers:
        worker.join(5)
        worker.kill()
    print(json.dumps({"per_second": jobs / seconds}))


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main()

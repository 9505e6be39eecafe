"""One Dramatiq message for each delivery, its row claimed, in order.

`python message_peer.py DATABASE_URL REDIS_URL JOBS` prints jobs a second.
"""

import json
import sys
import threading
import time

import dramatiq
import psycopg
from dramatiq.brokers.redis import RedisBroker

THREADS = 8
url, redis_url, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
broker = RedisBroker(url=redis_url, namespace="peer")
dramatiq.set_broker(broker)
local = threading.local()

CLAIM = """UPDATE bench.delivery d SET state = 'running', attempt = attempt + 1 WHERE id = %s AND state = 'due'
    AND NOT EXISTS (SELECT FROM bench.delivery e WHERE e.key = d.key AND e.id < d.id AND e.state <> 'done')
    RETURNING key"""


@dramatiq.actor(max_retries=0)
def deliver(number: int) -> None:
    if not hasattr(local, "line"):
        local.line = psycopg.connect(url, autocommit=True)
    row = local.line.execute(CLAIM, (number,)).fetchone()
    if row is None:
        return
    with local.line.transaction():
        local.line.execute("UPDATE bench.thing SET n = n + 1 WHERE key = %s", row)
        local.line.execute("UPDATE bench.delivery SET state = 'done', done_at = now() WHERE id = %s", (number,))


def main() -> None:
    line = psycopg.connect(url, autocommit=True)
    line.execute("DROP TABLE IF EXISTS bench.delivery")
    line.execute(
        "CREATE TABLE bench.delivery (id bigint PRIMARY KEY, key text NOT NULL, state text NOT NULL DEFAULT 'due', "
        "attempt int NOT NULL DEFAULT 0, done_at timestamptz) WITH (fillfactor = 70)"
    )
    line.execute("CREATE INDEX ON bench.delivery (key, id) WHERE state <> 'done'")
    line.execute(
        "INSERT INTO bench.delivery (id, key) SELECT g, 't' || g %% 5000 FROM generate_series(1, %s) g", (jobs,)
    )
    line.execute("VACUUM ANALYZE bench.delivery")
    for number in range(1, jobs + 1):
        deliver.send(number)
    worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=50)
    began = time.perf_counter()
    worker.start()
    while line.execute("SELECT EXISTS (SELECT FROM bench.delivery WHERE state <> 'done')").fetchone()[0]:
        time.sleep(0.05)
        if time.perf_counter() - began > 120:
            raise SystemExit("not done after two minutes")
    seconds = time.perf_counter() - began
    worker.stop()
    print(json.dumps({"per_second": jobs / seconds}))


if __name__ == "__main__":
    main()

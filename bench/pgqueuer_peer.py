"""pgqueuer on the same job: `python pgqueuer_peer.py DATABASE_URL REDIS_URL JOBS` prints jobs a second."""

import asyncio
import json
import multiprocessing
import sys
import time
from datetime import timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

PROCESSES, BATCH = 2, 50


async def prepare(url: str, jobs: int) -> None:
    line = await asyncpg.connect(url)
    queries = Queries(AsyncpgDriver(line))
    await queries.install()
    for start in range(0, jobs, 1000):
        payloads = [f"t{n % 5000}".encode() for n in range(start, min(start + 1000, jobs))]
        await queries.enqueue(["move"] * len(payloads), payloads, [0] * len(payloads))
    await line.close()


async def work(url: str) -> None:
    pool = await asyncpg.create_pool(url, min_size=4, max_size=8)
    queue = PgQueuer(AsyncpgPoolDriver(pool))

    @queue.entrypoint("move")
    async def move(job) -> None:
        await pool.execute("UPDATE bench.thing SET n = n + 1 WHERE key = $1", job.payload.decode())

    await queue.run(
        batch_size=BATCH, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(seconds=1),
        max_concurrent_tasks=2 * BATCH,
    )  # fmt: skip
    await pool.close()


def one(url: str) -> None:
    asyncio.run(work(url))


async def left(url: str) -> int:
    line = await asyncpg.connect(url)
    count = await line.fetchval("SELECT count(*) FROM pgqueuer")
    await line.close()
    return int(count)


def main() -> None:
    url, jobs = sys.argv[1], int(sys.argv[3])
    asyncio.run(prepare(url, jobs))
    workers = [multiprocessing.Process(target=one, args=(url,)) for _ in range(PROCESSES)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    while asyncio.run(left(url)):
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    for worker in workers:
        worker.join(5)
        worker.kill()
    print(json.dumps({"per_second": jobs / seconds}))


if __name__ == "__main__":
    main()

"""A trial step for figures: change one row by its key. `python -m bench.thing THREADS log|plain` drains it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence

from app.flows.runtime import Outcome, Steps, Told, step
from app.infra.bell import RedisBell
from app.infra.hub import Hub, open_hub
from app.infra.notices import NoticeReceived
from app.infra.outbox import Place
from app.infra.remote.spec import AdapterSpec
from app.infra.uow import UnitOfWork
from app.jobs.drain import Drain
from app.kernel.errors import NotFound
from app.kernel.events import Fact, event
from app.kernel.garbage import settle_in
from app.settings import Settings
from bench.ground import Ground

COUNT, KEYS, AT_ONCE = 60_000, 5_000, 2_000
BATCH = 200


@event("bench.thing_moved", version=1, key="thing")
class ThingMoved(Fact):
    thing: str
    number: int


def move(uow: UnitOfWork, told: Sequence[Told[ThingMoved]]) -> Mapping[int, Outcome] | None:
    uow.sql(
        "UPDATE bench.thing t SET n = t.n + k.n FROM (SELECT key, count(*) AS n FROM unnest(%(keys)s::text[]) key "
        "GROUP BY key) k WHERE t.key = k.key",
        {"keys": [one.fact.thing for one in told]},
    )
    return None


def move_logged(uow: UnitOfWork, told: Sequence[Told[ThingMoved]]) -> Mapping[int, Outcome] | None:
    move(uow, told)
    uow.sql(
        "INSERT INTO bench.log (key, number) SELECT * FROM unnest(%(keys)s::text[], %(numbers)s::int[])",
        {"keys": [one.fact.thing for one in told], "numbers": [one.fact.number for one in told]},
    )
    return None


def trial_steps(*, logged: bool) -> Steps:
    steps = Steps()
    step("bench.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None, steps=steps)
    step("bench.move", on=ThingMoved, queue="orders", do_many=move_logged if logged else move, steps=steps)
    return steps


def _no_adapter(name: str) -> AdapterSpec:
    raise NotFound("adapters.unknown", name)


def open_trial(settings: Settings, *, logged: bool, threads: int) -> tuple[Hub, Steps]:
    steps = trial_steps(logged=logged)
    return open_hub(settings, adapter=_no_adapter, subscriptions=steps.by_event, pool_size=threads + 1), steps


def make_things(ground: Ground) -> None:
    """The rows that the step changes."""
    with ground.database() as line:
        line.execute("CREATE SCHEMA bench")
        line.execute("CREATE TABLE bench.thing (key text PRIMARY KEY, n bigint NOT NULL DEFAULT 0)")
        line.execute("ALTER TABLE bench.thing SET (fillfactor = 70)")
        line.execute("CREATE TABLE bench.log (id bigint GENERATED ALWAYS AS IDENTITY, key text, number int)")
        line.execute("INSERT INTO bench.thing SELECT 't' || g FROM generate_series(0, %s) g", (KEYS - 1,))


def publish(ground: Ground, count: int, keys: int) -> None:
    """Tell so many facts of so many things, in units of work of a few thousand."""
    hub, _ = open_trial(ground.settings, logged=False, threads=1)
    for start in range(0, count, AT_ONCE):
        with hub.unit_of_work() as uow:
            for number in range(start, min(start + AT_ONCE, count)):
                uow.publish(ThingMoved(thing=f"t{number % keys}", number=number))
    hub.close()
    with ground.database() as line:
        line.execute("VACUUM ANALYZE hub.delivery")


def read_log(ground: Ground) -> list[tuple[str, int]]:
    with ground.database() as line:
        rows = line.execute("SELECT key, number FROM bench.log ORDER BY id").fetchall()
    return [(str(key), int(str(number))) for key, number in rows]


def main(threads: int, *, logged: bool) -> None:
    """Drain every partition with so many threads, once told to go on standard input."""
    settings = Settings.from_environment()
    hub, steps = open_trial(settings, logged=logged, threads=threads)
    bell = RedisBell(hub.redis, lambda place: None)
    drain = Drain(hub, steps, bell, 0, batch=BATCH)
    places = [Place("orders", "", partition) for partition in range(settings.partitions)]

    def work(first: int) -> None:
        for place in places[first:] + places[:first]:
            drain.run(place)

    with hub.unit_of_work() as uow:
        uow.sql("SELECT 1")
    settle_in()
    print("ready", flush=True)
    sys.stdin.readline()
    workers = [threading.Thread(target=work, args=(n * len(places) // threads,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    while any(drain.run(place) for place in places):
        pass
    hub.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), logged=sys.argv[2] == "log")

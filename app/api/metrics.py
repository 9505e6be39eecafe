"""Counts of all processes in Prometheus' text format (version 0.0.4), from roll-ups in the database.

Counters are what the relay folded plus what it has not folded yet, read as of one instant; nothing is counted in a
process' memory, so any web process answers for all of them, also after all were killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.flows.policy import queues_now
from app.infra.uow import UnitOfWork

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ENDED = ("done", "dismissed", "superseded")
TIME_TO_ERP = "hub_order_to_erp_seconds"

COUNTS = """
SELECT name, label, sum(n)::bigint
  FROM (SELECT name, label, n FROM hub.counter UNION ALL SELECT name, label, n FROM hub.tally) counted
 GROUP BY name, label ORDER BY name, label
"""
OPEN = """
SELECT state, queue, count(*) FROM hub.delivery
 WHERE state IN ('due', 'running', 'behind', 'parked', 'rejected') GROUP BY state, queue ORDER BY state, queue
"""
PROCESSES = """
SELECT kind, count(*) FILTER (WHERE beat_at > now() - interval '5 s'),
       extract(epoch FROM now() - max(beat_at))::float8
  FROM hub.worker GROUP BY kind ORDER BY kind
"""
FOLDED = "SELECT extract(epoch FROM now() - max(folded_at))::float8 FROM hub.counter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line: a value and what tells it from its siblings. `suffix` is for the parts of a histogram."""

    value: float | int
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric with its samples."""

    name: str
    kind: str  # counter, gauge or histogram
    about: str
    samples: Sequence[Sample]


Counts = Mapping[str, Mapping[str, int]]  # name → label → count


def families(uow: UnitOfWork) -> list[Family]:
    """Everything that /metrics shows."""
    counts: dict[str, dict[str, int]] = {}
    for name, label, n in uow.sql(COUNTS):
        counts.setdefault(name, {})[label] = n
    processes = uow.sql(PROCESSES).fetchall()
    folded = uow.sql(FOLDED).fetchone()
    return [
        _by_connection("hub_notices_total", "Messages received and kept, repeats left out.", counts, "notices"),
        _by_connection("hub_orders_captured_total", "Orders taken in, by channel.", counts, "orders_captured"),
        _by_connection("hub_orders_posted_total", "Orders that an ERP holds, by ERP.", counts, "orders_posted"),
        _deliveries(uow, counts),
        _time_to_erp(counts),
        _refusals(counts),
        *_queues(uow),
        Family(
            name="hub_workers", kind="gauge", about="Processes that are alive, by kind.",
            samples=[Sample(value=alive, labels={"kind": kind}) for kind, alive, _ in processes],
        ),
        Family(
            name="hub_relay_age_seconds", kind="gauge", about="How long ago a relay last showed that it lives.",
            samples=[Sample(value=age) for kind, _, age in processes if kind == "relay"],
        ),
        Family(
            name="hub_rollup_age_seconds", kind="gauge", about="How long ago counts were last folded together.",
            samples=[Sample(value=folded[0])] if folded and folded[0] is not None else [],
        ),
    ]  # fmt: skip


def render(found: Iterable[Family]) -> str:
    """The families as text."""
    return "".join(f"{line}\n" for family in found for line in _lines(family))


def _by_connection(name: str, about: str, counts: Counts, counted: str) -> Family:
    samples = [Sample(value=n, labels={"connection": label}) for label, n in counts.get(counted, {}).items()]
    return Family(name=name, kind="counter", about=about, samples=samples)


def _deliveries(uow: UnitOfWork, counts: Counts) -> Family:
    """Open ones as they are now; ended ones as often as a delivery ended so, a replayed one each time."""
    samples = [Sample(value=n, labels={"state": state, "queue": queue}) for state, queue, n in uow.sql(OPEN)]
    for state in ENDED:
        ended = counts.get(f"deliveries_{state}", {})
        samples += [Sample(value=n, labels={"state": state, "queue": queue}) for queue, n in ended.items()]
    about = "Deliveries by state and queue: open ones now, ended ones since the first."
    return Family(name="hub_deliveries", kind="gauge", about=about, samples=samples)


def _time_to_erp(counts: Counts) -> Family:
    """A histogram; each observation was counted in its own bucket, readers of the format want them added up."""
    found = {label.removeprefix("le="): n for label, n in counts.get("order_to_erp_seconds", {}).items()}
    samples: list[Sample] = []
    below = 0
    for most in sorted({*found, "+Inf"}, key=float):
        below += found.get(most, 0)
        samples.append(Sample(value=below, labels={"le": most}, suffix="_bucket"))
    milliseconds = counts.get("order_to_erp_seconds_sum_ms", {}).get("", 0)
    samples += [Sample(value=milliseconds / 1000, suffix="_sum"), Sample(value=below, suffix="_count")]
    about = "From an order's arrival until an ERP holds it."
    return Family(name=TIME_TO_ERP, kind="histogram", about=about, samples=samples)


def _queues(uow: UnitOfWork) -> list[Family]:
    """The relay's last measure, and what was slowed for it. Where nobody measured, nothing is said."""
    found = queues_now(uow)
    measured = [one for one in found if one.waiting is not None]
    levels = uow.hub.pressure.load.levels
    return [
        Family(
            name="hub_queue_waiting", kind="gauge", about="Work that can go on now, by queue: an estimate.",
            samples=[Sample(value=one.waiting or 0, labels={"queue": one.name}) for one in measured],
        ),
        Family(
            name="hub_queue_oldest_seconds", kind="gauge", about="How long the first of a queue has been ready.",
            samples=[Sample(value=one.seconds, labels={"queue": one.name}) for one in measured],
        ),
        Family(
            name="hub_queue_full", kind="gauge", about="1 where intake of a queue's work is slowed.",
            samples=[Sample(value=int(one.full), labels={"queue": one.name}) for one in measured],
        ),
        Family(
            name="hub_queue_workers", kind="gauge", about="Living workers that serve a queue.",
            samples=[Sample(value=one.workers, labels={"queue": one.name}) for one in found],
        ),
        Family(
            name="hub_intake_slowed_total", kind="counter", about="Messages that were asked to come back later.",
            samples=[Sample(value=one.slowed, labels={"queue": one.name}) for one in found],
        ),
        Family(
            name="hub_load_level", kind="gauge", about="1 busy, 2 overloaded; of the hub itself where no name is said.",
            samples=[Sample(value=level, labels={"connection": where}) for where, level in levels.items()],
        ),
    ]  # fmt: skip


def _refusals(counts: Counts) -> Family:
    samples = []
    for label, n in counts.get("refusals", {}).items():
        connection, _, reason = label.partition("|")
        samples.append(Sample(value=n, labels={"connection": connection, "reason": reason}))
    about = "Messages that were not let in, by reason."
    return Family(name="hub_refusals_total", kind="counter", about=about, samples=samples)


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.about}"
    yield f"# TYPE {family.name} {family.kind}"
    for sample in family.samples:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
        yield f"{family.name}{sample.suffix}{'{' + labels + '}' if labels else ''} {sample.value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

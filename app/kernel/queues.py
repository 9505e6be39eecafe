"""The queues: what each may have of a process, and how much may wait in one. Rules only; no thread, no row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

QUEUES = ("orders", "inventory", "catalogue", "finance", "bulk")  # by priority: their place is their lock number


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRule:
    """A queue's weight among the others, and how many deliveries may wait before intake of its work is slowed.

    A bound of 0 is none: nobody is ever slowed for it.
    """

    name: str
    weight: int
    bound: int


# What one worker process of the measured kind works off within a quarter of an hour, which a vendor's retry bridges.
DEFAULTS: Mapping[str, QueueRule] = {
    rule.name: rule
    for rule in (
        QueueRule(name="orders", weight=8, bound=0),
        QueueRule(name="inventory", weight=4, bound=100_000),
        QueueRule(name="catalogue", weight=2, bound=50_000),
        QueueRule(name="finance", weight=2, bound=50_000),
        QueueRule(name="bulk", weight=1, bound=50_000),
    )
}


def rules_of(text: str) -> dict[str, QueueRule]:
    """Every queue's rule: the defaults with what `text` says otherwise, as in "inventory=6/200000 bulk=2".

    Raises ValueError with the phrase that is wrong and what to write instead.
    """
    rules = dict(DEFAULTS)
    for phrase in text.replace(",", " ").split():
        name, equals, figures = phrase.partition("=")
        weight, slash, bound = figures.partition("/")
        if name not in rules:
            raise ValueError(f"{name!r} is no queue; there are {', '.join(QUEUES)}")
        if not equals or not weight.isdigit() or not 1 <= int(weight) <= 100 or (slash and not bound.isdigit()):
            raise ValueError(f"{phrase!r} is not NAME=WEIGHT or NAME=WEIGHT/BOUND with a weight from 1 to 100")
        if name == "orders" and slash and int(bound):
            raise ValueError("orders have no bound: their intake is never slowed")
        rules[name] = QueueRule(name=name, weight=int(weight), bound=int(bound) if slash else rules[name].bound)
    return rules


def served_of(text: str) -> tuple[str, ...]:
    """The queues that a worker serves, by priority; all where nothing is said. Raises ValueError for another name."""
    wanted = text.replace(",", " ").split()
    if wrong := sorted(set(wanted) - set(QUEUES)):
        raise ValueError(f"{wrong[0]!r} is no queue; there are {', '.join(QUEUES)}")
    return tuple(queue for queue in QUEUES if queue in wanted) or QUEUES


def kept_threads(rules: Mapping[str, QueueRule], served: Collection[str], threads: int) -> dict[str, int]:
    """Threads that a queue may always have, however much the others want: half of all, by weight.

    The other half goes to whoever comes. Orders keep one wherever there are two.
    """
    whole = sum(rules[queue].weight for queue in served)
    kept = {queue: threads // 2 * rules[queue].weight // whole for queue in served}
    if "orders" in kept and threads > 1:
        kept["orders"] = max(1, kept["orders"])
    return kept


def room_for(
    rules: Mapping[str, QueueRule], queue: str, threads: int, busy: Mapping[str, int], kept: Mapping[str, int]
) -> int:
    """How many more threads a queue may take: the free ones, less what others keep and do not use yet.

    While others are at work it has no more than its weight among them; alone it may have all the rest.
    """
    owed = sum(max(0, most - busy.get(other, 0)) for other, most in kept.items() if other != queue)
    free = threads - sum(busy.values()) - owed
    others = [other for other, calls in busy.items() if calls > 0 and other != queue]
    if others:
        mine = rules[queue].weight
        fair = threads * mine // (mine + sum(rules[other].weight for other in others))
        free = min(free, max(1, kept.get(queue, 0), fair) - busy.get(queue, 0))
    return max(0, free)


def next_queue(rules: Mapping[str, QueueRule], waiting: Collection[str], busy: Mapping[str, int]) -> str:
    """Which of the waiting queues has least of its weight; the more important one where two have as little."""
    return min(waiting, key=lambda queue: ((busy.get(queue, 0) + 1) / rules[queue].weight, QUEUES.index(queue)))


def gives_way(rules: Mapping[str, QueueRule], queue: str, waiting: Collection[str], busy: Mapping[str, int]) -> bool:
    """Whether a thread of `queue` should go to one of the waiting queues, which has less of its weight."""
    mine = busy.get(queue, 0) / rules[queue].weight
    return any((busy.get(other, 0) + 1) / rules[other].weight < mine for other in waiting if other != queue)

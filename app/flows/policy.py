"""Flow policy: what each step promises, how it is carried, and what waits first when the hub or a remote is overloaded.

Data, read by the worker, the relay, the console and `flask policy`. Every step belongs to exactly one policy; a test
says which does not. A queue's policies are deferred together, since a queue is what a worker leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from app.infra.backlog import Load
from app.infra.outbox import Place
from app.infra.took import TALLY, Kept, kept_since
from app.infra.uow import UnitOfWork
from app.kernel.queues import QUEUES

NEVER, BUSY, OVERLOADED = 0, 1, 2  # the level of load at which a policy's work waits
LONGEST_SECONDS = 1800.0  # what was deferred so long goes on under any load: subscriptions and books come due, too


class Kind(StrEnum):
    """How work comes and what one expects of it."""

    REQUEST = "request-response"  # something stands still until this is answered
    EVENT = "event"  # a fact that others act upon within its time
    BULK = "bulk"  # much at once; that all of it ends counts, not when each does
    LONG = "long-running"  # days between its steps; each step is short


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A promise: from a fact to the end of its step within `target` seconds.

    `steps` are names of steps, or `<flow>.*` for all of a flow. `deferred` is the level of load at which its work
    waits, with no attempt counted, until the level has fallen, for LONGEST_SECONDS at most.
    """

    name: str
    promise: str
    kind: Kind
    queue: str
    target: float
    deferred: int
    steps: tuple[str, ...]

    @property
    def priority(self) -> int:
        """1 is the most important."""
        return QUEUES.index(self.queue) + 1

    def covers(self, step: str) -> bool:
        return step in self.steps or f"{step.split('.', 1)[0]}.*" in self.steps


POLICIES = (
    Policy(
        name="intake", promise="What a remote tells is understood and acted upon", kind=Kind.EVENT, queue="orders",
        target=5.0, deferred=NEVER, steps=("intake.take_in",),
    ),
    Policy(
        name="order fetched", promise="An order that was only announced is asked for", kind=Kind.REQUEST,
        queue="orders", target=60.0, deferred=NEVER, steps=("intake.fetch_order",),
    ),
    Policy(
        name="held order", promise="An order whose hindrance is gone goes on", kind=Kind.LONG, queue="orders",
        target=60.0, deferred=NEVER, steps=("acceptance.*", "credit_holds.*"),
    ),
    Policy(
        name="order to ERP", promise="An accepted order stands in its ERP", kind=Kind.EVENT, queue="orders",
        target=120.0, deferred=NEVER, steps=("order_to_cash.post_to_erp",),
    ),
    Policy(
        name="change to ERP", promise="A change or cancellation stands in the ERP before goods leave", kind=Kind.EVENT,
        queue="orders", target=120.0, deferred=NEVER, steps=("order_changes.*",),
    ),
    Policy(
        name="number to channel", promise="The channel knows the ERP's number of an order", kind=Kind.EVENT,
        queue="orders", target=300.0, deferred=NEVER, steps=("order_to_cash.tell_channel",),
    ),
    Policy(
        name="shipment heard", promise="What the ERP shipped or invoiced is read there", kind=Kind.EVENT,
        queue="orders", target=300.0, deferred=NEVER, steps=("shipments.poll_erp", "shipments.read_progress"),
    ),
    Policy(
        name="shipment to channel", promise="A buyer is told of a shipment and its tracking", kind=Kind.EVENT,
        queue="orders", target=900.0, deferred=NEVER,
        steps=("shipments.ship_in_channel", "shipments.track_in_channel", "shipments.undo_in_channel"),
    ),
    Policy(
        name="deadlines", promise="What did not happen by its time is somebody's business", kind=Kind.LONG,
        queue="orders", target=300.0, deferred=NEVER, steps=("overdue.*",),
    ),
    Policy(
        name="reservations", promise="What waited past its time goes back on the shelf", kind=Kind.LONG,
        queue="inventory", target=60.0, deferred=NEVER, steps=("upkeep.give_back",),
    ),
    Policy(
        name="oversell", promise="Somebody decides about what was promised and is not there", kind=Kind.EVENT,
        queue="inventory", target=60.0, deferred=NEVER, steps=("oversell.*",),
    ),
    Policy(
        name="sku mapped", promise="Orders that waited for a SKU have the goods of ours", kind=Kind.EVENT,
        queue="orders", target=60.0, deferred=NEVER, steps=("sku_stock.*",),
    ),
    Policy(
        name="stock heard", promise="What a channel tells of its stock is understood", kind=Kind.EVENT,
        queue="inventory", target=60.0, deferred=NEVER, steps=("intake.take_in_stock",),
    ),
    Policy(
        name="stock to channel", promise="A change of stock reaches every listing", kind=Kind.EVENT,
        queue="inventory", target=60.0, deferred=NEVER, steps=("availability.*",),
    ),
    Policy(
        name="prices to channel", promise="A price that changes or begins is shown at every channel", kind=Kind.EVENT,
        queue="catalogue", target=300.0, deferred=OVERLOADED, steps=("price_fan_out.*",),
    ),
    Policy(
        name="products to channel", promise="A product that changes stands so at every channel that lists it",
        kind=Kind.EVENT, queue="catalogue", target=300.0, deferred=OVERLOADED, steps=("catalogue_out.*",),
    ),
    Policy(
        name="product to pricing", promise="Promotions and tax know a product as it is", kind=Kind.EVENT,
        queue="catalogue", target=300.0, deferred=OVERLOADED, steps=("price_items.*",),
    ),
    Policy(
        name="stock counted", promise="What a source counted is known here", kind=Kind.EVENT,
        queue="inventory", target=300.0, deferred=NEVER, steps=("stock_in.*",),
    ),
    Policy(
        name="payment booked", promise="A payment or refund stands in the ERP's books", kind=Kind.EVENT,
        queue="finance", target=3600.0, deferred=OVERLOADED, steps=("payments.*",),
    ),
    Policy(
        name="background runs", promise="A replay, a backfill or another run goes on, page by page", kind=Kind.BULK,
        queue="bulk", target=300.0, deferred=BUSY, steps=("runs.*", "backfill.*", "intake.take_in_imported"),
    ),
    Policy(
        name="catalogue in", promise="What a source holds of products is taken in, page by page", kind=Kind.BULK,
        queue="bulk", target=300.0, deferred=BUSY,
        steps=("product_import.*", "product_alignment.*", "listing_alignment.*"),
    ),
    Policy(
        name="customers in", promise="What a source holds of customers is taken in, page by page", kind=Kind.BULK,
        queue="bulk", target=300.0, deferred=BUSY, steps=("customer_import.*", "customer_alignment.*"),
    ),
    Policy(
        name="privacy", promise="What a person asks of their data is begun the same day", kind=Kind.LONG, queue="bulk",
        target=3600.0, deferred=BUSY, steps=("privacy.*",),
    ),
    Policy(
        name="cut-over report", promise="Two ERPs are compared before one is retired", kind=Kind.BULK, queue="bulk",
        target=3600.0, deferred=BUSY, steps=("cut_over.*",),
    ),
    Policy(
        name="recount", promise="Counters that differ from their ledger are found within a day", kind=Kind.BULK,
        queue="bulk", target=3600.0, deferred=BUSY, steps=("recount.*",),
    ),
    Policy(
        name="stock learns goods", promise="Stock knows bundles and units as the catalogue has them", kind=Kind.EVENT,
        queue="catalogue", target=300.0, deferred=OVERLOADED, steps=("stock_goods.*",),
    ),
    Policy(
        name="upkeep", promise="What the hub relies on does not run out unnoticed", kind=Kind.BULK, queue="bulk",
        target=3600.0, deferred=BUSY,
        steps=(
            "upkeep.ask_for_renewal", "upkeep.keep_subscriptions", "gap_scan.*", "lives.*", "expiry.*", "ping_pong.*",
        ),
    ),
)  # fmt: skip
DEFERRED: Mapping[str, int] = {policy.queue: policy.deferred for policy in POLICIES}
PROMISED, EASY = 0.95, 0.99  # shares of steps within the target: below the first it is broken, below the second near
BOUNDS = (1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 86400.0)  # seconds; every target is one of them


def policies_of(step: str) -> list[Policy]:
    """The policies that cover a step: one, or the table is wrong."""
    return [policy for policy in POLICIES if policy.covers(step)]


@cache
def policy_of(step: str) -> Policy | None:
    """A step's policy; None for a step of a test or of a plug-in that states none."""
    found = policies_of(step)
    return found[0] if found else None


def defers(load: Load, place: Place) -> bool:
    """Whether work there waits for now: the hub is too busy for it, or orders wait for the same remote.

    Once the first of a queue has been ready for LONGEST_SECONDS its work goes on, the oldest first, by its weight.
    """
    level = DEFERRED.get(place.queue, NEVER)
    if load.seconds.get(place.queue, 0.0) >= LONGEST_SECONDS:
        return False
    return level != NEVER and level <= max(load.levels.get("", 0), load.levels.get(place.connection, 0))


def count_took(uow: UnitOfWork, ended: Iterable[tuple[str, float]]) -> None:
    """Count steps that ended: (step, seconds since its fact)."""
    for step, seconds in ended:
        if (policy := policy_of(step)) is not None:
            uow.tally(TALLY, f"{policy.name}|{_bound(seconds)}")


def _bound(seconds: float) -> str:
    return next((f"{bound:g}" for bound in BOUNDS if seconds <= bound), "Infinity")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueNow:
    """How a queue stands. `waiting` is an estimate, None while no relay measures; `workers` serve it and are alive."""

    name: str
    weight: int
    bound: int
    waiting: int | None
    seconds: float
    full: bool
    deferred: bool
    workers: int
    slowed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseNow:
    """How a policy's promise was kept lately, and the word for it."""

    policy: Policy
    kept: Kept

    @property
    def state(self) -> str:
        if not self.kept.steps:
            return "unknown"
        return "breached" if self.kept.within < PROMISED else "at_risk" if self.kept.within < EASY else "on_target"


SERVING = """
SELECT q.name, count(w.id) FROM unnest(%(queues)s::text[]) q(name)
  LEFT JOIN hub.worker w ON w.kind = 'worker' AND w.beat_at > now() - interval '5 s'
       AND (w.serves = '' OR q.name = ANY(string_to_array(w.serves, ' '))) GROUP BY 1
"""
SLOWED = "SELECT split_part(label, '|', 2), sum(n)::bigint FROM hub.counter WHERE name = 'intake_slowed' GROUP BY 1"


def queues_now(uow: UnitOfWork) -> list[QueueNow]:
    """Every queue by priority: what the relay last measured, its rule, who serves it, how many were slowed for it."""
    load = uow.hub.pressure.look()
    serving: dict[str, int] = {row[0]: row[1] for row in uow.sql(SERVING, {"queues": list(QUEUES)})}
    slowed: dict[str, int] = {row[0]: row[1] for row in uow.sql(SLOWED)}
    return [
        QueueNow(
            name=rule.name, weight=rule.weight, bound=rule.bound, waiting=load.waiting.get(rule.name),
            seconds=load.seconds.get(rule.name, 0.0), full=rule.name in load.full,
            deferred=defers(load, Place(rule.name)), workers=serving.get(rule.name, 0),
            slowed=slowed.get(rule.name, 0),
        )
        for rule in uow.hub.queues.values()
    ]  # fmt: skip


def promises_now(uow: UnitOfWork, hours: int = 24) -> list[PromiseNow]:
    """Every policy in the order of the table, with how it was kept in the last so many hours, by the roll-up."""
    kept = kept_since(uow, {policy.name: policy.target for policy in POLICIES}, uow.hub.clock.now(), hours)
    return [PromiseNow(policy=policy, kept=kept[policy.name]) for policy in POLICIES]

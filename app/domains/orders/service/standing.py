"""Where an order stands, read under its lock, and its moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domains.orders.canonical import Order
from app.domains.orders.lifecycle import ORDER, State
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec
from app.kernel.errors import NotFound

UNASKED = frozenset({State.CAPTURED, State.HELD})  # no ERP was ever asked to hold it
ENDED = frozenset({State.CANCELLING, State.CANCELLED})
AT_REST = ENDED | {State.HISTORICAL}  # a newer version is kept, and nothing follows from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An order's row, locked until the transaction ends."""

    order_id: str
    channel: str
    external_id: str
    gid: str
    name: str
    company: str
    state: State
    test: bool
    version: int
    accepted_version: int
    account_id: str
    correlation_id: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> Standing:
        """From the columns of STANDING, in their order."""
        return cls(
            order_id=row[0], channel=row[1], external_id=row[2], gid=row[3], name=row[4], company=row[5],
            state=State(row[6]), test=row[7], version=row[8], accepted_version=row[9], account_id=row[10],
            correlation_id=row[11],
        )  # fmt: skip

    def trail(self, trail: Trail) -> Trail:
        """The same cause in the order's own story: one correlation from storefront to invoice."""
        return replace(trail, correlation_id=self.correlation_id or trail.correlation_id)


STANDING_WIDTH = 12
STANDING = """o.id::text, o.channel, o.external_id, o.gid, o.name, o.company, o.state, o.test, o.version,
       o.accepted_version, coalesce(o.account_id::text, ''), o.correlation_id"""
LOCK = f"SELECT {STANDING} FROM orders.sales_order o WHERE o.id = ANY(%(ids)s::uuid[]) ORDER BY o.id FOR UPDATE"
LOCK_NUMBER = f"""
SELECT {STANDING} FROM orders.sales_order o
 WHERE o.id = (SELECT order_id FROM orders.erp_document WHERE erp = %(erp)s AND number = %(number)s) FOR UPDATE
"""
LOCK_EXTERNAL = f"""
SELECT {STANDING} FROM orders.sales_order o WHERE o.channel = %(channel)s AND o.external_id = %(external_id)s FOR UPDATE
"""
LOCK_BATCH = """
SELECT o.id::text FROM orders.sales_order o
 WHERE o.id IN (SELECT k.id FROM orders.sales_order k
                  JOIN unnest(%(channels)s::text[], %(externals)s::text[]) w(channel, external_id)
                       ON k.channel = w.channel AND k.external_id = w.external_id
                 UNION ALL
                SELECT d.order_id FROM orders.erp_document d
                  JOIN unnest(%(erps)s::text[], %(numbers)s::text[]) n(erp, number)
                       ON d.erp = n.erp AND d.number = n.number)
 ORDER BY o.id FOR UPDATE
"""
DOCUMENT = "SELECT document FROM orders.order_version WHERE order_id = %(id)s::uuid AND n = %(n)s"


def lock(uow: UnitOfWork, order_id: str) -> Standing:
    """The order, locked. Raises NotFound(`orders.unknown`)."""
    return lock_all(uow, [order_id])[0]


def lock_many(uow: UnitOfWork, order_ids: Collection[str]) -> list[Standing]:
    """These orders, locked in one order for everybody."""
    return [Standing.of(row) for row in uow.sql(LOCK, {"ids": list(order_ids)})]


def lock_all(uow: UnitOfWork, order_ids: Sequence[str]) -> list[Standing]:
    """These different orders, locked and in the order given. Raises NotFound(`orders.unknown`)."""
    found = {standing.order_id: standing for standing in lock_many(uow, order_ids)}
    for order_id in order_ids:
        if order_id not in found:
            raise NotFound("orders.unknown", f"there is no order {order_id}", about=order_id)
    return [found[order_id] for order_id in order_ids]


def lock_batch(uow: UnitOfWork, named: Collection[tuple[str, str]], numbered: Collection[tuple[str, str]]) -> list[str]:
    """Lock every order that a batch will touch, in one order for everybody: (channel, external id), (ERP, number)."""
    given = {
        "channels": [channel for channel, _ in named],
        "externals": [external_id for _, external_id in named],
        "erps": [erp for erp, _ in numbered],
        "numbers": [number for _, number in numbered],
    }
    return [row[0] for row in uow.sql(LOCK_BATCH, given)]


def lock_by_erp_number(uow: UnitOfWork, erp: str, number: str) -> Standing | None:
    """The order that an ERP calls `number`, locked; None while no posting told us that number."""
    row = uow.sql(LOCK_NUMBER, {"erp": erp, "number": number}).fetchone()
    return Standing.of(row) if row else None


def lock_by_external_id(uow: UnitOfWork, channel: str, external_id: str) -> Standing | None:
    """The order that a channel calls `external_id`, locked."""
    row = uow.sql(LOCK_EXTERNAL, {"channel": channel, "external_id": external_id}).fetchone()
    return Standing.of(row) if row else None


def document(uow: UnitOfWork, order_id: str, n: int) -> Order:
    """One kept version of an order."""
    row = uow.sql(DOCUMENT, {"id": order_id, "n": n}).fetchone()
    if row is None:
        raise NotFound("orders.unknown_version", f"order {order_id} has no version {n}", about=order_id)
    return codec.load(Order, row[0])


MOVE = """
WITH given AS (SELECT * FROM unnest(%(ids)s::uuid[], %(befores)s::text[], %(afters)s::text[]) g(id, before, after)),
moved AS (
    UPDATE orders.sales_order o SET state = g.after, changed_at = now() FROM given g
     WHERE o.id = g.id AND o.state = g.before RETURNING o.id, g.before, g.after)
INSERT INTO orders.order_move (order_id, trigger, before, after, why)
SELECT id, %(trigger)s, before, after, %(why)s FROM moved ORDER BY id
"""


def move_many(uow: UnitOfWork, trigger: str, standing: Mapping[str, State], why: str = "") -> dict[str, State]:
    """Move orders that the caller holds locked; returns where each stands now. A late trigger changes nothing.

    Raises Refused(`orders.illegal_move`) where the table knows neither a move nor lateness.
    """
    steps = {order_id: ORDER.step(state, trigger) for order_id, state in standing.items()}
    moved = [order_id for order_id, step in steps.items() if step.moved]
    if moved:
        given = {
            "ids": moved,
            "befores": [standing[order_id].value for order_id in moved],
            "afters": [steps[order_id].state.value for order_id in moved],
        }
        uow.sql(MOVE, {**given, "trigger": trigger, "why": why[:300]})
    return {order_id: step.state for order_id, step in steps.items()}


def move(uow: UnitOfWork, standing: Standing, trigger: str, why: str = "") -> Standing:
    """Move one locked order."""
    after = move_many(uow, trigger, {standing.order_id: standing.state}, why)[standing.order_id]
    return replace(standing, state=after)

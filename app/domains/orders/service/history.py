"""History: orders that were done before the hub was there, or that a person wants for the record only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from app.domains.orders.canonical import Order
from app.domains.orders.lifecycle import State
from app.domains.orders.service.capture import Became, Captured
from app.domains.orders.service.findings import Found, find_many
from app.domains.orders.service.standing import Standing, lock, move, move_many
from app.infra.acts import record_act
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, Refused


class Post(StrEnum):
    """Which of the orders that a backfill takes in for the first time are posted, of those placed since the cut-off."""

    OPEN = "open"  # the ones that are neither fulfilled, closed nor cancelled at their channel
    ALL = "all"  # the finished ones too, such as sales over the counter
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRule:
    """What makes an order that the hub did not know history. Without a cut-off no order is too old."""

    before: datetime | None = None
    post: Post = Post.ALL


def why_history(order: Order, rule: HistoryRule) -> str:
    """Why an order that is new to the hub is kept for the record only; empty where it is to be posted."""
    if rule.before is not None and order.placed_at < rule.before:
        return f"placed before {rule.before:%Y-%m-%d %H:%M} UTC"
    if rule.post is Post.NOTHING:
        return "taken in for the record only"
    if rule.post is Post.OPEN:
        ended = (("cancelled", order.cancelled_at), ("fulfilled", order.fulfilled), ("closed", order.closed_at))
        return next((f"{word} at its channel already" for word, holds in ended if holds), "")
    return ""


def file_history(uow: UnitOfWork, captured: Sequence[Captured], rules: Sequence[HistoryRule]) -> list[Captured]:
    """Put what is new and history by its rule to rest; returns all, each as it stands now."""
    whys = {
        one.standing.order_id: why
        for one, rule in zip(captured, rules, strict=True)
        if one.became is Became.NEW and (why := why_history(one.order, rule))
    }
    if not whys:
        return list(captured)
    moved = move_many(uow, "file", dict.fromkeys(whys, State.CAPTURED), "history: not posted")
    find_many(
        uow,
        [
            Found(order_id=order_id, code="orders.historical", said=f"not posted: {why}")
            for order_id, why in whys.items()
        ],
    )
    return [
        replace(one, standing=replace(one.standing, state=moved.get(one.standing.order_id, one.standing.state)))
        for one in captured
    ]


def take_up(uow: UnitOfWork, order_id: str, who: str, why: str) -> Standing:
    """Let a historical order go on as if it had just come in. Raises Invalid without a reason, Refused for another."""
    if not why.strip():
        raise Invalid("orders.reason_missing", "say why: the order will be posted to the ERP")
    standing = lock(uow, order_id)
    if standing.state is not State.HISTORICAL:
        raise Refused(
            "orders.not_historical", f"{standing.name} is {standing.state.value}: only history can be taken up",
            about=f"order {standing.name}",
        )  # fmt: skip
    record_act(uow, who, "took up a historical order", kind="order", key=order_id, why=why)
    return move(uow, standing, "take_up", why)


def known_versions(uow: UnitOfWork, channel: str, external_ids: Collection[str]) -> Mapping[str, datetime]:
    """The newest version that the hub has of each order of a channel, by its external id."""
    rows = uow.sql(
        "SELECT external_id, source_version FROM orders.sales_order "
        "WHERE channel = %(channel)s AND external_id = ANY(%(ids)s::text[])",
        {"channel": channel, "ids": list(external_ids)},
    )
    return dict(rows.fetchall())

"""One box for any number of any system: order, ERP document, shipment, tracking, notice, trail, SKU, e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import or_, select

from app.console.blocked import order_of
from app.console.frame import reading
from app.console.words import moment, money_words
from app.domains.orders.admin import briefs, numbered
from app.infra.bindings import find_anywhere
from app.infra.cases import ExceptionCase
from app.infra.connecting import all_connections
from app.infra.rows import DeliveryRow, EventRow, NoticeRow
from app.infra.uow import UnitOfWork
from app.infra.views import Page

MOST_HITS = 50
FEWEST_CHARACTERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result: what it is, what it says, where it leads."""

    group: str
    icon: str
    title: str
    detail: str
    small: str
    href: str
    of: str = ""
    state: str = ""


class Search(Page):
    """Any number from any system."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        words = request.args.get("q", "").strip()[:200]
        began = perf_counter()
        hits: list[Hit] = []
        if len(words) >= FEWEST_CHARACTERS:
            with reading() as uow:
                hits = find(uow, words)
        took = (perf_counter() - began) * 1000
        if len(hits) == 1 and request.args.get("go") == "first":
            return redirect(hits[0].href)
        grouped: dict[str, list[Hit]] = {}
        for hit in hits:
            grouped.setdefault(hit.group, []).append(hit)
        return str(self.render("console/search.html", words=words, groups=grouped, count=len(hits), took=took))


def find(uow: UnitOfWork, words: str) -> list[Hit]:
    """Everything that carries exactly this number, order first."""
    channels = [row.name for row in all_connections(uow)]
    orders = _orders(uow, words, channels)
    hits = [*orders, *_bindings(uow, words, {hit.href for hit in orders}), *_cases(uow, words)]
    hits += [*_notices(uow, words), *_deliveries(uow, words), *_trail(uow, words)]
    return hits[:MOST_HITS]


def _orders(uow: UnitOfWork, words: str, channels: list[str]) -> list[Hit]:
    found = numbered(uow, words, channels)
    if len(words) == 36 and words.count("-") == 4:
        found += [(order_id, "hub id", words) for order_id in _known(uow, words)]
    return _order_hits(uow, found)


def _known(uow: UnitOfWork, words: str) -> list[str]:
    return list(briefs(uow, [words])) if all(letter in "0123456789abcdefABCDEF-" for letter in words) else []


def _order_hits(uow: UnitOfWork, found: list[tuple[str, str, str]]) -> list[Hit]:
    known = briefs(uow, sorted({order_id for order_id, _, _ in found}))
    hits = []
    for order_id, kind, number in found:
        brief = known.get(order_id)
        if brief is None:
            continue
        direct = kind in ("order", "hub id")
        hits.append(
            Hit(
                group="Orders" if direct else "Documents and parcels",
                icon={"order": "orders", "hub id": "orders", "tracking": "truck", "shipment": "truck"}.get(kind, "erp"),
                title=brief.name if direct else number,
                detail=f"{brief.channel}, {money_words(brief.total)}" if direct else kind,
                small=f"placed {moment(brief.placed_at)}" if direct else f"is order {brief.name}",
                href=url_for("orders.one", order_id=order_id), of="order", state=str(brief.state),
            )
        )  # fmt: skip
    return hits


def _bindings(uow: UnitOfWork, words: str, known: set[str]) -> list[Hit]:
    """Ids that other systems use for what is ours."""
    hits = []
    for tie in find_anywhere(uow, words):
        to_order = tie.kind in ("order", "order_gid", "sales_order")
        href = url_for("orders.one", order_id=tie.key) if to_order else url_for("search.index", q=tie.key)
        if href in known or tie.key == words:
            continue
        hits.append(
            Hit(
                group="Documents and parcels", icon="link", title=tie.number or tie.external_id,
                detail=f"{tie.kind.replace('_', ' ')} at {tie.connection}", small=f"is {tie.key} here", href=href,
            )
        )  # fmt: skip
    return hits


def _cases(uow: UnitOfWork, words: str) -> list[Hit]:
    about = or_(ExceptionCase.about.in_((words, f"sku {words}", f"order {words}")), ExceptionCase.code == words)
    found = uow.session.scalars(select(ExceptionCase).where(about).order_by(ExceptionCase.opened_at.desc()).limit(10))
    return [
        Hit(
            group="Cases", icon="case", title=case.title, detail=case.code, small=f"opened {moment(case.opened_at)}",
            href=url_for("cases.one", case_id=case.id), of="case", state=case.state,
        )
        for case in found
    ]  # fmt: skip


def _notices(uow: UnitOfWork, words: str) -> list[Hit]:
    if not words.isascii():
        return []
    by_number = NoticeRow.id == int(words) if words.isdigit() and len(words) < 18 else NoticeRow.object_id == words
    wanted = or_(by_number, NoticeRow.object_id == words)
    found = uow.session.scalars(select(NoticeRow).where(wanted).order_by(NoticeRow.id.desc()).limit(10))
    return [
        Hit(
            group="Notices", icon="mail", title=f"{row.topic} {row.id}", detail=row.connection,
            small=f"received {moment(row.received_at)}", href=url_for("notices.one", notice_id=row.id),
        )
        for row in found
    ]  # fmt: skip


def _deliveries(uow: UnitOfWork, words: str) -> list[Hit]:
    """Deliveries that stand, by their number."""
    if not words.isdigit() or len(words) > 17:
        return []
    standing = DeliveryRow.state.in_(("parked", "rejected"))
    found = uow.session.scalars(select(DeliveryRow).where(DeliveryRow.id == int(words), standing).limit(5))
    return [
        Hit(
            group="Deliveries", icon="flow", title=f"{row.subscriber} {row.id}", detail=row.connection or "inside",
            small=row.code or "", href=url_for("deliveries.one", event_id=row.event_id, delivery_id=row.id),
            of="delivery", state=row.state,
        )
        for row in found
    ]  # fmt: skip


def _trail(uow: UnitOfWork, words: str) -> list[Hit]:
    """The events under a correlation id, or about a key, and the orders they tell of."""
    about = or_(EventRow.correlation_id == words, EventRow.key == words)
    events = list(uow.session.scalars(select(EventRow).where(about).order_by(EventRow.id).limit(30)))
    ids = [event.id for event in events]
    first: dict[int, DeliveryRow] = {}
    for row in uow.session.scalars(select(DeliveryRow).where(DeliveryRow.event_id.in_(ids)).order_by(DeliveryRow.id)):
        first.setdefault(row.event_id, row)
    about_orders = {order_of(event.key) for event in events} - {""}
    orders = _order_hits(uow, [(order_id, "hub id", order_id) for order_id in sorted(about_orders)])
    return orders + [
        Hit(
            group="Trail", icon="flow", title=event.type, detail=event.key, small=f"told {moment(event.at)}",
            href=url_for("deliveries.one", event_id=event.id, delivery_id=first[event.id].id),
            of="delivery", state=first[event.id].state,
        )
        for event in events
        if event.id in first
    ]  # fmt: skip

"""Orders: the list, and the page of one with its story in every system."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.console.blocked import totals_of
from app.console.cases import clock_of
from app.console.flow import order_graph
from app.console.frame import reading
from app.console.payloads import DiffLine, difference, whole
from app.console.remedies import facts_of, remedies_of
from app.console.sign_in import actor
from app.console.story import keys_of, story, trail_of
from app.console.trip import spans, trip, troubles
from app.console.words import masked, masked_email
from app.domains.orders.admin import OrderPage, listed, page_of
from app.domains.orders.lifecycle import HoldKind, State
from app.flows import acceptance
from app.infra.acts import ActRow
from app.infra.bindings import Binding
from app.infra.cases import CLOSED, CaseItem, ExceptionCase
from app.infra.connecting import all_connections
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub

VIEWS: tuple[tuple[str, str, tuple[State, ...]], ...] = (
    ("", "All", ()),
    ("held", "Held", (State.HELD,)),
    ("checking", "Being checked", (State.CAPTURED,)),
    ("posting", "Being posted", (State.ACCEPTED,)),
    ("shipping", "To ship", (State.POSTED, State.PARTLY_SHIPPED)),
    ("shipped", "Shipped", (State.SHIPPED,)),
    ("cancelled", "Cancelled", (State.CANCELLING, State.CANCELLED)),
)
KINDS = {"order": "Order", "order_gid": "Global id", "sales_order": "Sales order", "customer": "Customer"}


class OrderPages(Page):
    """Every order of every channel."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("view", "channel", "before", "after")}
        states = {name: states for name, _, states in VIEWS}.get(chosen["view"], ())
        position = {name: chosen[name] if _is_id(chosen[name]) else "" for name in ("before", "after")}
        with reading() as uow:
            rows = listed(uow, states=states, channel=chosen["channel"], most=PAGE_ROWS + 1, **position)
            names = {row.name: row.title or row.name for row in all_connections(uow)}
        back = bool(position["after"])
        more = len(rows) > PAGE_ROWS
        rows = (rows[1:] if back else rows[:-1]) if more else rows
        older = rows[-1].order_id if rows and (more or back) else ""
        newer = rows[0].order_id if rows and (position["before"] or (back and more)) else ""
        return str(
            self.render(
                "console/orders.html", rows=rows, views=VIEWS, chosen=chosen, names=names,
                older=_address(chosen, before=older), newer=_address(chosen, after=newer),
            )
        )  # fmt: skip

    @expose("/<uuid:order_id>")
    def one(self, order_id: Any) -> str:
        with reading() as uow:
            page = page_of(uow, str(order_id))
            trail = trail_of(uow, page)
            names = {row.name: row.title or row.name for row in all_connections(uow)}
            cases = _cases(uow, page)
            worth = totals_of(uow, [case.id for case in cases])
            ties = list(uow.session.scalars(select(Binding).filter_by(key=str(order_id)).limit(20)))
            acts = list(
                uow.session.scalars(select(ActRow).filter_by(key=str(order_id)).order_by(ActRow.id.desc()).limit(20))
            )
        steps = story(page, trail, names)
        shown = steps if request.args.get("show") == "all" else [step for step in steps if not step.inside]
        work, total = spans(page, trail)
        trouble = next(iter(troubles(trail)), "")
        return str(
            self.render(
                "console/order.html", page=page, row=page.row, order=page.order, steps=shown, left=len(steps),
                names=names, places=trip(page, trouble), trouble=trouble, spans=work, whole=total, cases=cases,
                worth=worth, ties=ties, acts=acts, kinds=KINDS, clock_of=clock_of, remedies_of=remedies_of,
                facts_of=facts_of, customer=_customer(page), diff=_payload(page), title=f"Order {page.row.name}",
                closed_states=CLOSED, life=order_graph(page.row.state, page.row.captured_at, page.moves),
            )
        )  # fmt: skip

    @expose("/<uuid:order_id>/release", methods=("POST",))
    def release(self, order_id: Any) -> ResponseReturnValue:
        """Let a held order go on, with a name and a reason."""
        who = actor(Permission.WORK)
        kind, why = HoldKind(request.form.get("kind", "")), request.form.get("why", "").strip()
        with hub().unit_of_work() as uow:
            acceptance.release(uow, str(order_id), kind, who, why)
        flash("Released, under your name. The hub looks at it again at once.")
        return redirect(url_for(".one", order_id=order_id), 303)


def _address(chosen: dict[str, str], **position: str) -> str:
    kept: dict[str, Any] = {name: chosen[name] for name in ("view", "channel") if chosen[name]}
    return url_for("orders.index", **kept, **position) if any(position.values()) else ""  # type: ignore[arg-type]


def _is_id(text: str) -> bool:
    return len(text) == 36 and all(letter in "0123456789abcdef-" for letter in text)


def _cases(uow: UnitOfWork, page: OrderPage) -> list[ExceptionCase]:
    """The cases that this order waits for, open ones first."""
    found = uow.session.scalars(
        select(ExceptionCase)
        .join(CaseItem, CaseItem.case_id == ExceptionCase.id)
        .where(CaseItem.key.in_(keys_of(page)))
        .distinct()
        .limit(20)
    )
    return sorted(found, key=lambda case: (case.state in CLOSED, case.opened_at))


def _customer(page: OrderPage) -> dict[str, str]:
    """Who bought, masked."""
    order = page.order
    party, address = order.customer, order.ship_to
    first = party.first_name if party else address.first_name if address else ""
    last = party.last_name if party else address.last_name if address else ""
    places = (address.city, address.province_code, address.country_code) if address else ()
    return {
        "name": f"{first[:1]}. {last}".strip(". ") if first or last else "not told",
        "email": masked_email(order.email) if order.email else "",
        "phone": masked(order.phone),
        "place": ", ".join(place for place in places if place),
    }


def _payload(page: OrderPage) -> dict[str, Any]:
    """The version that the address asks for, and what changed since the one before it."""
    newest = page.versions[-1].n
    asked = request.args.get("version", "")
    n = int(asked) if asked.isdigit() and any(version.n == int(asked) for version in page.versions) else newest
    by_number = {version.n: version for version in page.versions}
    compare = n > 1 and request.args.get("as") != "whole" and n - 1 in by_number
    rows: list[DiffLine] = (
        difference(by_number[n - 1].document, by_number[n].document) if compare else whole(by_number[n].document)
    )
    return {"n": n, "rows": rows, "compared": compare, "version": by_number[n], "all": list(page.versions)}

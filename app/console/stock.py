"""Stock: what can be sold and why, the ledger, what channels agreed, and where other books differ."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.inventory import queries, service
from app.domains.inventory.canonical import ChannelPolicy
from app.flows.oversell import CODE
from app.infra.acts import record_act
from app.infra.cases import CLOSED, ExceptionCase
from app.infra.connecting import roles_of
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound
from app.kernel.written import number_of, whole_of

MOST_CASES = 20
FIGURES = (  # of a policy: name, what a person reads, whether it may be left open
    ("safety", "Safety stock of each location", False), ("buffer", "Buffer", False), ("cap", "At most", True),
    ("share", "Share in per cent", False), ("fixed", "Set apart", True), ("backorder_limit", "Back-orders", False),
    ("pause_at", "Pause the listing at", False), ("inbound_days", "Count goods due within days", False),
    ("inbound_confidence", "Count of them in per cent", False), ("scarce_below", "Ask the source below", False),
    ("priority", "Priority, lowest first", False),
)  # fmt: skip
WHOLE = ("inbound_days", "priority")


class StockPages(Page):
    """Levels, policies and drift."""

    @expose("/")
    def index(self) -> str:
        begins, after = (request.args.get(name, "").strip()[:200] for name in ("q", "after"))
        with reading() as uow:
            rows = queries.skus(uow, begins=begins, after=after, most=PAGE_ROWS + 1)
            cases = _oversold(uow)
        following = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            following = url_for(".index", q=begins, after=rows[-1].sku)
        return str(
            self.render("console/stock.html", rows=rows, q=begins, after=after, following=following, cases=cases)
        )

    @expose("/sku/<path:sku>")
    def one(self, sku: str) -> str:
        with reading() as uow:
            found = queries.standings(uow, [sku]).get(sku)
            if found is None:
                raise NotFound("inventory.unknown_sku", f"no source ever reported {sku}: count it first", about=sku)
            channels = _channels(uow)
            offers = [of[sku] for of in queries.offered_to(uow, channels, [sku]).values() if sku in of]
            places, ledger = queries.places_of(uow, sku), queries.ledger_of(uow, sku)
            promises = queries.promises_of(uow, sku)
            parts = queries.parts_of(uow, [sku]).get(sku, {})
            differs = queries.drifts(uow, sku=sku)
        return str(
            self.render(
                "console/stock_sku.html", found=found, offers=offers, places=places, ledger=ledger, components=parts,
                promises=promises, differs=differs, is_order=is_order, title=sku,
            )
        )  # fmt: skip

    @expose("/policies")
    def policies(self) -> str:
        with reading() as uow:
            found, channels = queries.every_policy(uow), _channels(uow)
        return str(
            self.render(
                "console/stock_policies.html", found=found, channels=channels, figures=FIGURES, usual=ChannelPolicy(
                    channel="", overcommit=True
                ), title="Stock policies",
            )
        )  # fmt: skip

    @expose("/policies/set", methods=("POST",))
    def agree(self) -> ResponseReturnValue:
        """Write a channel's policy for a pattern of SKUs."""
        who, given = actor(Permission.WORK), request.form
        policy = policy_of(given)
        with hub().unit_of_work() as uow:
            service.set_channel_policy(uow, policy, who)
            facts = {name: given.get(name, "") for name, _, _ in FIGURES if given.get(name)}
            key = f"{policy.channel}|{policy.pattern}"
            record_act(uow, who, "set a channel policy", kind="policy", key=key, facts=facts)
        flash(f"{policy.channel or 'Every channel'} is offered {policy.pattern} so from now on.")
        return redirect(url_for(".policies"), 303)

    @expose("/policies/drop", methods=("POST",))
    def disagree(self) -> ResponseReturnValue:
        """Take a policy away."""
        who, channel, pattern = actor(Permission.WORK), request.form.get("channel", ""), request.form.get("pattern", "")
        with hub().unit_of_work() as uow:
            service.drop_channel_policy(uow, channel, pattern)
            record_act(uow, who, "dropped a channel policy", kind="policy", key=f"{channel}|{pattern}")
        flash("The policy is gone.")
        return redirect(url_for(".policies"), 303)

    @expose("/drift")
    def drift(self) -> str:
        view = request.args.get("view", "open")
        states = ("open",) if view == "open" else ("corrected", "accepted", "gone")
        before = request.args.get("before", "")
        with reading() as uow:
            rows = queries.drifts(
                uow, states=states, before=int(before) if before.isdecimal() else 0, most=PAGE_ROWS + 1
            )
            rules = service.rules(uow)
        following = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            following = url_for(".drift", view=view, before=rows[-1].id)
        return str(
            self.render(
                "console/stock_drift.html", rows=rows, view=view, rules=rules, following=following, title="Stock drift"
            )
        )

    @expose("/drift/<int:drift_id>/<deed>", methods=("POST",))
    def settle(self, drift_id: int, deed: str) -> ResponseReturnValue:
        """Make two books agree, or accept that they differ."""
        who = actor(Permission.WORK)
        deeds = {"correct": service.correct_drift, "accept": service.accept_drift}
        if deed not in deeds:
            raise NotFound("inventory.no_deed", f"a drift is corrected or accepted, not {deed}")
        with hub().unit_of_work() as uow:
            found = deeds[deed](uow, drift_id, who)
            facts = {"drift": drift_id, "ours": str(found.ours), "theirs": str(found.theirs)}
            record_act(uow, who, f"{deed}ed a stock drift", kind="stock", key=found.sku, facts=facts)
        flash(f"{found.sku}: {'both books agree again' if deed == 'correct' else 'left as it is'}.")
        return redirect(url_for(".drift"), 303)


def policy_of(given: Any) -> ChannelPolicy:
    """The policy that a form says; an empty figure is as if nothing was agreed."""
    figures: dict[str, Any] = {}
    for name, label, _ in FIGURES:
        text = given.get(name, "").strip()
        if text:
            figures[name] = (whole_of if name in WHOLE else number_of)(text, label, "inventory.bad_policy")
    locations = tuple(part.strip() for part in given.get("locations", "").split(",") if part.strip())
    return ChannelPolicy(
        channel=given.get("channel", "").strip(), pattern=given.get("pattern", "").strip() or "*", locations=locations,
        overcommit=given.get("overcommit") == "yes", **figures,
    )  # fmt: skip


def is_order(order_id: str) -> bool:
    """Whether a reservation is an order's; else it is a cart's."""
    try:
        uuid.UUID(order_id)
    except ValueError:
        return False
    return True


def _channels(uow: UnitOfWork) -> list[str]:
    """Who sells: connections that play the role, and whoever agreed something."""
    agreed = {policy.channel for policy in queries.every_policy(uow) if policy.channel}
    return sorted(agreed | {name for name, roles in roles_of(uow).items() if "channel" in roles})


def _oversold(uow: UnitOfWork) -> list[ExceptionCase]:
    statement = select(ExceptionCase).where(ExceptionCase.code == CODE, ExceptionCase.state.not_in(CLOSED))
    return list(uow.session.scalars(statement.order_by(ExceptionCase.opened_at.desc()).limit(MOST_CASES)))

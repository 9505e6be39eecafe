"""/api/v1/stock and /reservations: what sources report, what is agreed about offers, what is kept for carts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import current_app
from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.inventory import queries, service
from app.domains.inventory.canonical import (
    ChannelPolicy,
    Movement,
    Reservation,
    Reserved,
    Short,
    Snapshot,
    Supply,
    Wanted,
)
from app.domains.inventory.schemas import (
    ChannelPolicyListSchema,
    ChannelPolicySchema,
    CountedListSchema,
    MovedListSchema,
    MovementsSchema,
    SnapshotsSchema,
    StockQuoteSchema,
    StockQuoteWantedSchema,
    SuppliesSchema,
    SuppliesTakenSchema,
)
from app.domains.inventory.service import Counted, Quote
from app.infra.acts import record_act
from app.infra.gathering import Gathered
from app.infra.hub import Hub
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.idempotent import idempotent
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden, Refused, Superseded

READ, WRITE = "stock:read", "stock:write"
TOGETHER = 64  # carts in one transaction: a few milliseconds of work
blueprint = Blueprint(
    "stock_api", __name__, url_prefix="/api/v1", description="Stock that is reported, agreed and kept"
)


@blueprint.route("/stock/movements")
class Movements(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(MovementsSchema)
    @blueprint.response(200, MovedListSchema)
    def post(self, told: dict[str, Any]) -> dict[str, Any]:
        """Goods that came and went. All are taken or none; one that was told before counts once."""
        source = _own(told["source"])
        rows = told["movements"]
        with hub().unit_of_work() as uow:
            quantities = service.in_stock_units(uow, [(row["sku"], row["unit"], row["quantity"]) for row in rows])
            movements = [
                Movement(
                    source=source, key=row["key"], sku=row["sku"], location=row["location"], kind=row["kind"],
                    quantity=quantity, at=row["at"], reference=row["reference"],
                )
                for row, quantity in zip(rows, quantities, strict=True)
            ]  # fmt: skip
        with hub().unit_of_work() as uow:  # what is refused is noted, whatever becomes of the rest
            refused = service.foreign_movements(uow, movements)
        if refused:
            errors = [{"field": "location", "rule": one.code, "said": one.message} for one in refused]
            raise Refused(refused[0].code, f"{refused[0].message}: nothing was moved", errors=errors)
        with hub().unit_of_work() as uow:
            news = service.move_many(uow, movements)
        pairs = zip(movements, news, strict=True)
        return {"movements": [{"key": one.key, "repeated": not is_new} for one, is_new in pairs]}


@blueprint.route("/stock/snapshots")
class Snapshots(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(SnapshotsSchema)
    @blueprint.response(200, CountedListSchema)
    def post(self, told: dict[str, Any]) -> dict[str, Any]:
        """What lies where, as of an instant. One that cannot be right changes nothing; those beside it count."""
        source, rows = _own(told["source"]), told["snapshots"]
        with hub().unit_of_work() as uow:
            quantities = service.in_stock_units(uow, [(row["sku"], row["unit"], row["on_hand"]) for row in rows])
            snapshots = [
                Snapshot(
                    source=source, sku=row["sku"], location=row["location"], on_hand=quantity, as_of=row["as_of"],
                    sequence=row["sequence"], reports=told["reports"],
                )
                for row, quantity in zip(rows, quantities, strict=True)
            ]  # fmt: skip
            return {"snapshots": [_counted(one) for one in service.count_many(uow, snapshots)]}


@blueprint.route("/stock/supplies")
class Supplies(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(SuppliesSchema)
    @blueprint.response(200, SuppliesTakenSchema)
    def post(self, told: dict[str, Any]) -> dict[str, Any]:
        """Goods on their way in, line by line; 0 ends a line."""
        source = _own(told["source"])
        supplies = [Supply(source=source, **row) for row in told["supplies"]]
        with hub().unit_of_work() as uow:
            return {"changed": sorted(service.set_supplies(uow, supplies))}


@blueprint.route("/stock/policies")
class Policies(MethodView):
    @require_scope(READ)
    @blueprint.response(200, ChannelPolicyListSchema)
    def get(self) -> dict[str, Any]:
        """Every policy of every channel."""
        with hub().unit_of_work() as uow:
            return {"policies": queries.every_policy(uow)}

    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(ChannelPolicySchema)
    @blueprint.response(200, ChannelPolicySchema)
    def put(self, policy: ChannelPolicy) -> ChannelPolicy:
        """Write a channel's policy for a pattern of SKUs, in place of the one before."""
        with hub().unit_of_work() as uow:
            who = current_principal().name
            service.set_channel_policy(uow, policy, who)
            record_act(uow, who, "set a channel policy", kind="policy", key=f"{policy.channel}|{policy.pattern}")
        return policy


@blueprint.route("/reservations")
class Quotes(MethodView):
    @require_scope(WRITE)
    @idempotent
    @blueprint.arguments(StockQuoteWantedSchema)
    @blueprint.response(200, StockQuoteSchema)
    def post(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Keep goods for a cart or for who will collect them, all or none, until the time is up."""
        lines = tuple(
            Wanted(line_id=row["line_id"] or str(n), sku=row["sku"], quantity=row["quantity"])
            for n, row in enumerate(wanted["lines"], 1)
        )
        asked = Quote(name=wanted["name"], lines=lines, lasting=wanted["lasting"], location=wanted["location"])
        answer = _gathered().ask(asked)
        if isinstance(answer, Short):
            raise _short(answer)
        with hub().unit_of_work() as uow:
            return _quote(asked.name, service.quoted(uow, asked.name))


@blueprint.route("/reservations/<path:name>")
class OneQuote(MethodView):
    @require_scope(READ)
    @blueprint.response(200, StockQuoteSchema)
    def get(self, name: str) -> dict[str, Any]:
        """What is kept under a name, or what became of it."""
        with hub().unit_of_work() as uow:
            return _quote(name, service.quoted(uow, name))

    @require_scope(WRITE)
    @idempotent
    @blueprint.response(200, StockQuoteSchema)
    def delete(self, name: str) -> dict[str, Any]:
        """Give back what is still kept; a repeat changes nothing."""
        with hub().unit_of_work() as uow:
            return _quote(name, service.end_quote(uow, name))


def _gathered() -> Gathered[Quote, Reserved | Short]:
    """This application's one place where carts that come at the same moment are served together."""
    found: Gathered[Quote, Reserved | Short] = current_app.extensions.setdefault(
        "stock_quotes", Gathered(partial(serve_quotes, hub()), most=TOGETHER)
    )
    return found


def serve_quotes(house: Hub, wanted: Sequence[Quote]) -> list[Reserved | Short]:
    """Serve many carts in one transaction: a SKU that everybody wants is locked once for all of them."""
    with house.unit_of_work() as uow:
        return service.quote_many(uow, wanted)


def _own(source: str) -> str:
    """The source, which for a key that is bound to a connection is that connection."""
    bound = current_principal().connection
    if bound not in ("", source):
        raise Forbidden("auth.other_connection", f"this key is for the source {bound!r} alone", about=source)
    return source


def _counted(one: Counted) -> dict[str, str]:
    if one.error is None:
        became = "counted" if one.news else "known"
    else:
        became = "superseded" if isinstance(one.error, Superseded) else "refused"
    return {
        "sku": one.snapshot.sku, "location": one.snapshot.location, "became": became,
        "code": one.error.code if one.error else "", "detail": one.error.message if one.error else "",
    }  # fmt: skip


def _short(answer: Short) -> Refused:
    errors = [
        {
            "field": gap.sku, "rule": f"{gap.wanted:f} wanted, {gap.available:f} there ({gap.reason})",
            "fix": "ask for less of it, or leave it out",
        }
        for gap in answer.gaps
    ]  # fmt: skip
    missing = ", ".join(gap.sku for gap in answer.gaps)
    return Refused("inventory.short", f"not enough of {missing}: nothing was kept", errors=errors)


def _quote(name: str, rows: list[Reservation]) -> dict[str, Any]:
    return {
        "name": name,
        "state": rows[0].state,
        "expires_at": rows[0].expires_at,
        "held": [row.held() for row in rows],
    }

"""What operators do to routes: add, end, switch, remove, each checked first. Every deed leaves an act with a name.

A scope is a role with a domain, company and channel. On no day may a scope lose its last live route unasked (a gap),
have one connection twice, or have two live ones unasked (every order twice). Days are those of the company's zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.infra.acts import record_act
from app.infra.connections import ConnectionRow
from app.infra.flags import DOMAINS
from app.infra.ids import new_id
from app.infra.routes import RouteRow, adopt, read_routes, zone_of
from app.infra.routing import LIVE, SHADOW, Asked, Route, Span, timeline
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

HOLD = "SELECT pg_advisory_xact_lock(0, 100)"  # one change of the routes at a time: checks see what they check


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a deed would do, or did: the routes before and after, and what goes where from when."""

    said: str
    before: tuple[Route, ...]
    after: tuple[Route, ...]
    scope: Asked
    spans_before: tuple[Span, ...]
    spans_after: tuple[Span, ...]


def plan_add(uow: UnitOfWork, route: Route, *, both: bool = False) -> Change:
    """What adding a route would do. Raises Invalid, NotFound or Refused where it does not hold; changes nothing.

    `both` says that a second live route of the same scope is meant: both hold every order.
    """
    route = _checked(uow, route)
    routes = read_routes(uow)
    _refuse_overlap(routes, route, both=both)
    return _change(f"{route.connection} {_plays(route)} {_period(route)}", routes, [*routes, route], route)


def plan_end(uow: UnitOfWork, route_id: str, on: date, *, gap: bool = False) -> Change:
    """What ending a route on a day would do: the day before is its last. `gap` says that nobody need follow."""
    routes = read_routes(uow)
    route = _found(routes, route_id)
    _refuse_past(uow, on, route.zone)
    if route.until_on is not None and route.until_on <= on:
        raise Invalid("routes.dates", f"the route ends on {route.until_on} already", about=route_id)
    if route.from_on is not None and on <= route.from_on:
        raise Invalid("routes.dates", f"the route begins on {route.from_on}: remove it instead", about=route_id)
    after = [replace(one, until_on=on) if one.id == route.id else one for one in routes]
    change = _change(f"{route.connection} {_plays(route)} until {on}", routes, after, route)
    _refuse_gap(change, gap=gap)
    return change


def plan_remove(uow: UnitOfWork, route_id: str, *, gap: bool = False) -> Change:
    """What taking a route away would do. It is no more asked for what it holds; its connection is retired."""
    routes = read_routes(uow)
    route = _found(routes, route_id)
    change = _change(
        f"{route.connection} {_plays(route)} no more", routes, [one for one in routes if one.id != route.id], route
    )
    _refuse_gap(change, gap=gap)
    return change


def plan_switch(uow: UnitOfWork, scope: Asked, old: str, new: str, on: date, *, keep: str = "") -> Change:
    """What moving a scope from one connection to another on a day would do.

    `keep` is what the old one does from that day on: nothing, `shadow`, or `live` (both hold every order).
    """
    if keep not in ("", SHADOW, LIVE):
        raise Invalid("routes.keep", f"{keep!r} is nothing the old one can do: say shadow or live")
    if old == new:
        raise Invalid("routes.same", f"the old and the new connection are both {old}")
    template = Route(
        role=scope.role, connection=new, domain=scope.domain, company=scope.company, channel=scope.channel, from_on=on
    )  # fmt: skip
    fresh = _checked(uow, template)
    routes = read_routes(uow)
    mine = [one for one in routes if one.scope == fresh.scope]
    if not any(one.connection == old and one.mode == LIVE and one.holds_on(on) for one in mine):
        raise NotFound("routes.unknown", f"{old} has no live route {_plays(fresh)} on {on}", about=old)
    after: list[Route] = []
    for one in routes:
        ends = one in mine and one.holds_on(on) and (one.connection == new or (one.connection == old and keep != LIVE))
        if ends and one.from_on != on:
            after.append(replace(one, until_on=on))
        elif not ends:
            after.append(one)
    _refuse_overlap(after, fresh, both=True)
    after.append(fresh)
    if keep == SHADOW:
        after.append(replace(fresh, connection=old, mode=SHADOW, id=new_id()))
    change = _change(f"{scope.role} goes from {old} to {new} on {on}", routes, after, fresh)
    _refuse_gap(change, gap=False)
    return change


def carry_out(uow: UnitOfWork, change: Change, who: str, why: str = "") -> int:
    """Do what was planned in this transaction; returns how many deliveries that found no route before go on now."""
    known = {route.id: route for route in change.before}
    wanted = {route.id: route for route in change.after}
    for route_id in known.keys() - wanted.keys():
        uow.session.delete(uow.session.get_one(RouteRow, route_id))
    uow.session.flush()
    for route_id, route in wanted.items():
        if route_id not in known:
            uow.session.add(RouteRow(**_columns(route), added_by=who))
        elif route != known[route_id]:
            uow.session.get_one(RouteRow, route_id).until_on = route.until_on
    uow.session.flush()
    facts = {"role": change.scope.role, "scope": where(change.scope), "routes": [told(one) for one in change.after]}
    record_act(uow, who, change.said, kind="route", key=change.scope.role, why=why.strip(), facts=facts)
    uow.after_commit(uow.hub.routes.forget)
    fresh = [route for route_id, route in wanted.items() if route_id not in known and route.mode == LIVE]
    today = uow.hub.routes.day()
    return sum(adopt(uow, route) for route in fresh if route.holds_on(today(route.zone)))


def hold_routes(uow: UnitOfWork) -> None:
    """Be the only one who changes routes until this transaction ends; before planning what is carried out."""
    uow.sql(HOLD)


def told(route: Route) -> str:
    """A route in one line."""
    return f"{route.connection} {_plays(route)} {_period(route)}"


def where(scope: Asked | Route) -> str:
    """A scope in words."""
    parts = [f"{name} {getattr(scope, name)}" for name in ("domain", "company", "channel") if getattr(scope, name)]
    return ", ".join(parts) or "everything"


def _checked(uow: UnitOfWork, route: Route) -> Route:
    """The route with its id and its zone, where all that it names is known."""
    roles = uow.hub.outbox.roles
    if route.role not in roles:
        raise Invalid("routes.role", f"no step asks for role {route.role!r}; there are {', '.join(roles)}")
    for name in (route.connection, route.channel):
        if name and uow.session.get(ConnectionRow, name) is None:
            raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    if route.domain and route.domain not in DOMAINS:
        raise Invalid("routes.domain", f"there is no domain {route.domain!r}; there are {', '.join(DOMAINS)}")
    if route.mode not in (LIVE, SHADOW):
        raise Invalid("routes.mode", f"{route.mode!r} is no mode: say live or shadow")
    if not 1 <= route.share <= 100:
        raise Invalid("routes.share", f"a share of {route.share} is none: give a whole number from 1 to 100")
    if route.until_on is not None and route.until_on <= (route.from_on or date.min):
        raise Invalid("routes.dates", f"it would end on {route.until_on} and begin on {route.from_on}: swap them")
    route = replace(route, zone=zone_of(uow, route.connection), id=new_id())
    if route.from_on is not None:
        _refuse_past(uow, route.from_on, route.zone)
    return route


def _refuse_past(uow: UnitOfWork, day: date, zone: str) -> None:
    today = uow.hub.routes.day()(zone)
    if day < today:
        raise Invalid("routes.past", f"{day} is over (it is {today} in {zone}): what went out stays where it went")


def _refuse_overlap(routes: Sequence[Route], route: Route, *, both: bool) -> None:
    mates = [one for one in routes if one.scope == route.scope and one.overlaps(route)]
    for mate in mates:
        if mate.connection == route.connection:
            raise Refused("routes.overlap", f"there is a route already: {told(mate)}", about=mate.id)
        if mate.zone != route.zone:
            said = f"{mate.connection} keeps its days in {mate.zone} and {route.connection} in {route.zone}"
            raise Refused("routes.zones", f"{said}: one scope has one zone, set it in their settings", about=mate.id)
    live = [mate for mate in mates if mate.mode == LIVE] if route.mode == LIVE else []
    if route.share < 100 and route.mode == LIVE:
        if any(mate.share < 100 for mate in live):
            raise Refused("routes.two_shares", f"another route takes a share here: {told(live[0])}", about=live[0].id)
    elif live and not both and any(mate.share == 100 for mate in live):
        raise Refused(
            "routes.both_live",
            f"{told(live[0])}: both would hold every order. Say that both are meant, end the other first, take a share "
            "or add a shadow",
            about=live[0].id,
        )


def _refuse_gap(change: Change, *, gap: bool) -> None:
    """Nobody may take the last live route of a day away unasked, where there was one before."""
    for span in () if gap else change.spans_after:
        if any(not target.shadow for target in span.targets):
            continue
        for old in change.spans_before:
            lasts = max(old.starts or date.min, span.starts or date.min) < min(
                old.ends or date.max, span.ends or date.max
            )
            if lasts and any(not target.shadow for target in old.targets):
                raise Refused(
                    "routes.gap",
                    f"from {span.starts or 'now'} on nobody would take {where(change.scope)} of role "
                    f"{change.scope.role}: add who follows first, or say that a gap is meant",
                )


def _change(said: str, before: Sequence[Route], after: Sequence[Route], about: Route) -> Change:
    scope = Asked(role=about.role, domain=about.domain, company=about.company, channel=about.channel)
    return Change(
        said=said, before=tuple(before), after=tuple(after), scope=scope,
        spans_before=tuple(timeline(before, scope)), spans_after=tuple(timeline(after, scope)),
    )  # fmt: skip


def _found(routes: Sequence[Route], route_id: str) -> Route:
    for route in routes:
        if route.id == route_id:
            return route
    raise NotFound("routes.unknown", f"there is no route {route_id}", about=route_id)


def _plays(route: Route) -> str:
    share = f" for {route.share} %" if route.share < 100 else ""
    return f"{'shadows' if route.mode == SHADOW else 'plays'} {route.role} for {where(route)}{share}"


def _period(route: Route) -> str:
    start = f"from {route.from_on}" if route.from_on else "since ever"
    return f"{start} until {route.until_on}" if route.until_on else start


def _columns(route: Route) -> dict[str, Any]:
    names = ("id", "role", "connection", "domain", "company", "channel", "from_on", "until_on", "mode", "share", "zone")
    return {name: getattr(route, name) for name in names}

"""Subscription watch: whether remotes still tell the hub what changes there; what is wrong is mended and reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from app.flows.gap_scan import OVERLAP, QUIET, request_scan
from app.flows.runtime import Connected, Told, step
from app.infra.acts import record_act
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.expiry import Ending, note
from app.infra.notices import SubscriptionsDue
from app.infra.quiet import silence
from app.infra.remote.spec import Subscribed, SubscriptionKeeper
from app.infra.uow import UnitOfWork
from app.infra.watch import heard_by_hour, keep_look, note_heard, subscriptions_of, watch_key
from app.infra.windows import WindowOpened
from app.kernel.errors import Refused

WATCH = "subscription_watch"
HERE = ("127.0.0.1", "localhost", "::1")
LOST, NOT_MENDED = "subscriptions.lost", "subscriptions.not_mended"
log = structlog.get_logger()


# Looked after when a connection is added or changed, when webhooks seem to be missing, and by the clock.


def watch(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Count what was heard, ask for a look at each connection's subscriptions, and notice unusual silence."""
    if told.fact.name != WATCH:
        return
    note_heard(uow, told.fact.instant)
    for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state == "on" and connection.spec.offers(SubscriptionKeeper):
            uow.publish(SubscriptionsDue(connection=name))
            _listen(uow, connection, told.fact.instant)


step("upkeep.ask_for_renewal", on=WindowOpened, queue="bulk", do=watch)


def _listen(uow: UnitOfWork, connection: Connection, now: datetime) -> None:
    """A case for unusual silence, once, and a scan of what it may have hidden."""
    by_hour = heard_by_hour(uow, connection.name)
    quiet = silence(by_hour, now)
    if quiet is None:
        end_for(uow, QUIET, watch_key(connection.name), "webhooks come as usual again")
        return
    hours, usual, heard = quiet
    since = max((hour for hour, count in by_hour.items() if count), default=None)
    open_case(
        uow, code=QUIET, connection=connection.name, about=connection.name, key=watch_key(connection.name),
        title=f"{connection.name} told {heard} webhooks in {hours} h where {usual:.0f} are usual",
        facts={"hours": hours, "usual": usual, "heard": heard, "last": str(since or "")},
    )  # fmt: skip
    request_scan(uow, connection, why="quiet", since=since)


def plan_subscribing(uow: UnitOfWork, told: Told[SubscriptionsDue]) -> str | None:
    """Where the remote is to tell; None where it could not reach the hub: the hub polls, as it does anyway."""
    connection = uow.hub.connections.get(uow.session, told.connection)
    address = address_of(uow, told.connection)
    if not can_reach(connection.remote.base_url, address):
        log.warning("upkeep.no_public_address", connection=told.connection, fix="set HUB_PUBLIC_URL to https://…")
        return None
    return address


def look_after(uow: UnitOfWork, name: str, who: str) -> None:
    """A person wants a connection's subscriptions looked after now. Raises NotFound, Refused(`subscriptions.none`)."""
    connection = uow.hub.connections.get(uow.session, name)
    if not connection.spec.offers(SubscriptionKeeper):
        raise Refused("subscriptions.none", f"{connection.spec.title} has no subscriptions to look after", about=name)
    address = address_of(uow, name)
    if not can_reach(connection.remote.base_url, address):
        said = f"{connection.spec.title} cannot reach {address}: set HUB_PUBLIC_URL to https://…"
        raise Refused("subscriptions.no_public_address", said, about=name)
    record_act(uow, who, "had subscriptions looked after", kind="connection", key=name)
    uow.publish(SubscriptionsDue(connection=name))


def address_of(uow: UnitOfWork, name: str) -> str:
    """Where a connection takes webhooks, without a topic."""
    return f"{uow.hub.settings.public_url}/webhooks/{name}"


def can_reach(remote: str, address: str) -> bool:
    """Vendors call https only; a remote on this machine, as in the demo, reaches this machine."""
    here, there = urlsplit(address), urlsplit(remote)
    return here.scheme == "https" or (here.hostname in HERE and there.hostname in HERE)


def call_subscribing(connection: Connected, address: str) -> tuple[Subscribed, ...]:
    return connection.port(SubscriptionKeeper).ensure(address)


def record_subscribing(
    uow: UnitOfWork, told: Told[SubscriptionsDue], address: str, found: tuple[Subscribed, ...]
) -> None:
    """Keep what was found and report what was done. What was well before and is not was lost: its gap is scanned."""
    name = told.connection
    well = {row.topic: row.well_at for row in subscriptions_of(uow, name) if row.well_at is not None}
    keep_look(uow, name, found)
    endings = [Ending(kind="subscription", name=one.topic, ends_at=one.expires_at) for one in found if one.expires_at]
    note(uow, name, "subscription", endings)
    done = [one for one in found if one.did]
    if done:
        facts = {"address": address, "did": [_words(one) for one in done]}
        record_act(uow, "hub", "looked after subscriptions", kind="connection", key=name, facts=facts)
    lost = [one for one in done if one.topic in well and one.state != "expiring"]
    if lost:
        since = min(at for topic, at in well.items() if at and topic in {one.topic for one in lost})
        open_case(
            uow, code=LOST, connection=name, about=name, key=watch_key(name),
            title=f"{name} had lost {len(lost)} of its subscriptions; they were mended and what they missed is fetched",
            said="; ".join(_words(one) for one in lost),
            facts={"since": str(since), "did": [_words(one) for one in lost]},
        )  # fmt: skip
        request_scan(uow, uow.hub.connections.get(uow.session, name), why="lost", since=since - OVERLAP)
    _report(uow, name, [one for one in found if one.state == "changed" and not one.did])


step(
    "upkeep.keep_subscriptions",
    on=SubscriptionsDue, queue="bulk", at_fact="connection", latest_only=True, port=SubscriptionKeeper,
    plan=plan_subscribing, call=call_subscribing, record=record_subscribing,
)  # fmt: skip


def _report(uow: UnitOfWork, name: str, wrong: Sequence[Subscribed]) -> None:
    """What cannot be mended from here waits for a person, until a look finds it well."""
    if not wrong:
        end_for(uow, NOT_MENDED, watch_key(name), "every subscription is as it should be")
        return
    open_case(
        uow, code=NOT_MENDED, connection=name, about=name, key=watch_key(name), said=wrong[0].said,
        title=f"{name}: {len(wrong)} subscriptions are not as they should be, and the hub cannot mend them",
        facts={"topics": [one.topic for one in wrong], "said": sorted({one.said for one in wrong})},
    )  # fmt: skip


def _words(one: Subscribed) -> str:
    until = f" until {one.expires_at:%Y-%m-%d %H:%M} UTC" if one.expires_at else ""
    why = f" ({one.said})" if one.said else ""
    return f"{one.did} {one.topic}{until}{why}"

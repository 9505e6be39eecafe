"""Upkeep: what the hub does by the clock, so that nothing it relies on runs out unnoticed."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog

from app.domains.inventory import service as inventory
from app.flows.runtime import Connected, Told, step
from app.infra.acts import record_act
from app.infra.notices import SubscriptionsDue
from app.infra.remote.spec import SubscriptionKeeper
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened

RENEWAL = "subscription_renewal"
EXPIRY = "reservation_expiry"
HERE = ("127.0.0.1", "localhost", "::1")
log = structlog.get_logger()


# What remotes tell by themselves: asked for when a connection is added or changed, and every day.


def ask_for_renewal(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """One fact for each connection whose adapter can look after its subscriptions."""
    if told.fact.name != RENEWAL:
        return
    for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state == "on" and connection.spec.offers(SubscriptionKeeper):
            uow.publish(SubscriptionsDue(connection=name))


step("upkeep.ask_for_renewal", on=WindowOpened, queue="bulk", do=ask_for_renewal)


def plan_subscribing(uow: UnitOfWork, told: Told[SubscriptionsDue]) -> str | None:
    """Where the remote is to tell; None where it could not reach the hub: the hub polls, as it does anyway."""
    connection = uow.hub.connections.get(uow.session, told.connection)
    address = f"{uow.hub.settings.public_url}/webhooks/{told.connection}"
    if not can_reach(connection.remote.base_url, address):
        log.warning("upkeep.no_public_address", connection=told.connection, fix="set HUB_PUBLIC_URL to https://…")
        return None
    return address


def can_reach(remote: str, address: str) -> bool:
    """Vendors call https only; a remote on this machine, as in the demo, reaches this machine."""
    here, there = urlsplit(address), urlsplit(remote)
    return here.scheme == "https" or (here.hostname in HERE and there.hostname in HERE)


def call_subscribing(connection: Connected, address: str) -> tuple[str, ...]:
    return connection.port(SubscriptionKeeper).ensure(address)


def record_subscribing(uow: UnitOfWork, told: Told[SubscriptionsDue], address: str, did: tuple[str, ...]) -> None:
    if did:
        facts = {"address": address, "did": list(did)}
        record_act(uow, "hub", "looked after subscriptions", kind="connection", key=told.connection, facts=facts)


step(
    "upkeep.keep_subscriptions",
    on=SubscriptionsDue, queue="bulk", at_fact="connection", latest_only=True, port=SubscriptionKeeper,
    plan=plan_subscribing, call=call_subscribing, record=record_subscribing,
)  # fmt: skip


# What waited for its payment past its time goes back on the shelf.


def expire_reservations(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    if told.fact.name == EXPIRY:
        inventory.expire(uow, told.fact.instant)


step("upkeep.expire_reservations", on=WindowOpened, queue="inventory", do=expire_reservations)

"""Every group of commands, apart from the package, so that starting a process does not load them all."""

from __future__ import annotations

from flask import Flask

from app.commands.backfills import backfills, gaps, subscriptions
from app.commands.cases import cases
from app.commands.connections import connections
from app.commands.customers import customer
from app.commands.deliveries import deliveries
from app.commands.demo import demo
from app.commands.doubts import doubt
from app.commands.expiry import expiry
from app.commands.flags import flags
from app.commands.flow import deadlines, flows
from app.commands.gates import gates
from app.commands.keys import keys
from app.commands.limits import breakers, quotas
from app.commands.listings import listings
from app.commands.maps import maps
from app.commands.owners import owners
from app.commands.prices import price_lists, promoted, quotes
from app.commands.prices_out import prices
from app.commands.product_maps import products
from app.commands.queues import policies, queues
from app.commands.references import references
from app.commands.replays import replay
from app.commands.retention import retention, storage
from app.commands.routes import routes
from app.commands.runs import runs
from app.commands.secrets import secrets
from app.commands.shadows import cutovers, shadows
from app.commands.sheets import imports
from app.commands.stock_books import stock
from app.commands.stock_out import stock_out
from app.commands.taxes import taxes
from app.commands.users import users
from app.infra.hub import Hub
from app.infra.web.wiring import wire

GROUPS = (
    connections,
    customer,
    breakers,
    quotas,
    deliveries,
    replay,
    doubt,
    runs,
    cases,
    users,
    keys,
    expiry,
    queues,
    policies,
    products,
    listings,
    imports,
    stock,
    stock_out,
    maps,
    owners,
    references,
    taxes,
    prices,
    deadlines,
    flows,
    demo,
    retention,
    storage,
    secrets,
    flags,
    routes,
    shadows,
    cutovers,
    backfills,
    gaps,
    gates,
    subscriptions,
    price_lists,
    promoted,
    quotes,
)


def register_commands(app: Flask, hub: Hub) -> None:
    """Hang every group of commands into `flask --app wsgi`."""
    wire(app, hub)
    for group in GROUPS:
        app.cli.add_command(group)

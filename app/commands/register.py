"""Every group of commands, apart from the package, so that starting a process does not load them all."""

from __future__ import annotations

from flask import Flask

from app.commands.cases import cases
from app.commands.connections import connections
from app.commands.deliveries import deliveries
from app.commands.demo import demo
from app.commands.keys import keys
from app.commands.stock import maps, stock
from app.commands.users import users
from app.infra.hub import Hub
from app.infra.web.wiring import wire

GROUPS = (connections, deliveries, cases, users, keys, stock, maps, demo)


def register_commands(app: Flask, hub: Hub) -> None:
    """Hang every group of commands into `flask --app wsgi`."""
    wire(app, hub)
    for group in GROUPS:
        app.cli.add_command(group)

"""The web's wiring: settings → hub → blueprints → console. Workers wire themselves in app/jobs/worker.py."""

from __future__ import annotations

import redis
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import flows, registry
from app.api import register_api
from app.commands.register import register_commands
from app.console import register_console
from app.flows.runtime import STEPS
from app.infra.bell import GatheringBell
from app.infra.hub import Hub, open_hub
from app.infra.telemetry import configure_logs
from app.infra.web.wiring import wire
from app.jobs.broker import make_broker, make_ringer
from app.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The hub's WSGI application: webhooks, ERP callbacks, API, console, health."""
    given = settings or Settings.from_environment()
    if settings is None:
        configure_logs(given)
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=given.secret_key,
        MAX_CONTENT_LENGTH=given.max_body_bytes,
        SESSION_COOKIE_SECURE=given.cookie_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    if given.trusted_proxies:
        hops = given.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    hub = make_hub(given)
    wire(app, hub)
    register_api(app, hub)
    register_console(app, hub)
    register_commands(app, hub)
    return app


def make_hub(settings: Settings) -> Hub:
    """The hub of a process that publishes but does not work: web and commands."""
    flows.load()

    def bell(client: redis.Redis) -> GatheringBell:
        return GatheringBell(client, make_ringer(make_broker(settings, client)))

    size = settings.web_threads + 2
    return open_hub(settings, adapter=registry.adapter, subscriptions=STEPS.by_event, bell=bell, pool_size=size)

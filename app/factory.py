"""The web's wiring: settings → hub → blueprints → console. Workers wire themselves in app/jobs/worker.py."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import redis
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import commands, console, domains, flows, infra, registry
from app.api import register_api
from app.flows.runtime import STEPS
from app.infra.bell import RedisBell
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
    register_api(app)
    console.register_console(app, hub)
    commands.register_commands(app, hub)
    return app


def make_hub(settings: Settings) -> Hub:
    """The hub of a process that publishes but does not work: web and commands."""
    flows.load()

    def bell(client: redis.Redis) -> RedisBell:
        return RedisBell(client, make_ringer(make_broker(settings, client)))

    size = settings.web_threads + 2
    return open_hub(settings, adapter=registry.adapter, subscriptions=STEPS.by_event, bell=bell, pool_size=size)


def import_models() -> None:
    """Import every row class, so that the metadata is whole: for migrations and the drift check."""
    for package in (domains, infra):
        root = Path(next(iter(package.__path__))).parent.parent
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            path = root / (module.name.replace(".", "/") + ".py")
            if package is domains and not module.name.endswith(".models") and ".models." not in module.name:
                continue
            if path.exists() and "mapped_column" in path.read_text(encoding="utf-8"):
                importlib.import_module(module.name)

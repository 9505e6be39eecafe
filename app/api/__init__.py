"""HTTP that belongs to no single domain."""

from __future__ import annotations

from flask import Flask

from app.api import webhooks
from app.infra.hub import Hub


def register_api(app: Flask, hub: Hub) -> None:
    """Mount every blueprint of the API, and webhooks in front of it."""
    app.register_blueprint(webhooks.blueprint)
    app.wsgi_app = webhooks.Webhooks(app.wsgi_app, hub)  # type: ignore[method-assign]

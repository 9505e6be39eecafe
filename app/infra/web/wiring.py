"""What the web application was wired with, as views see it: `hub()` wherever a request is being answered."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from app.infra.hub import Hub

EXTENSION = "hub"


def wire(app: Flask, hub: Hub) -> None:
    """Make `hub()` answer inside this application."""
    app.extensions[EXTENSION] = hub


def hub() -> Hub:
    """The hub that the current application was wired with."""
    return cast(Hub, current_app.extensions[EXTENSION])

"""HTTP that belongs to no single domain."""

from __future__ import annotations

from flask import Flask


def register_api(app: Flask) -> None:
    """Mount every blueprint of the API."""

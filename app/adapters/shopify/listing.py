"""An order as it is listed: by name, or whole with the body that its webhook would have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.infra.remote.history import Listed

TOPIC = "orders/updated"  # the topic whose translation reads a whole order


def named(node: Mapping[str, Any]) -> Listed:
    """From the row of a list, or of a whole order."""
    return Listed(
        external_id=str(node["id"]), version=_moment(node["updated_at"]), created_at=_moment(node["created_at"])
    )


def whole_one(given: Mapping[str, Any]) -> Listed:
    """From a whole order."""
    return Listed(
        external_id=str(given["id"]),
        version=_moment(given["updated_at"]),
        created_at=_moment(given["created_at"]),
        topic=TOPIC,
        body=json.dumps(given, separators=(",", ":")).encode(),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)

"""`flask listings`: how products stand at channels, and having them published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub
from tests.console.browser import connect
from tests.domains.product.listed import states, three_listings

pytestmark = pytest.mark.capability("PRD-2")
Flask, Answer = Callable[..., Result], Callable[..., Any]


def test_listings_are_shown_counted_published_and_compared(answer: Answer, flask: Flask, hub: Hub) -> None:
    connect(hub, "shop")
    three_listings(hub)
    assert {one["state"]: one["count"] for one in answer("listings", "status")} == {
        "live": 1, "rejected": 1, "waiting": 1
    }  # fmt: skip
    assert [one["code"] for one in answer("listings", "list", "shop", "--state", "rejected")] == ["JUG"]
    assert [one["field"] for one in answer("listings", "missing", "shop", "CUP")] == ["title", "price"]
    assert "Nothing is missing" in flask("listings", "missing", "shop", "MUG").output
    assert answer("listings", "publish", "shop", "CUP", "MUG") == {"due": 2}
    assert answer("listings", "unpublish", "shop", "MUG", "--why", "recall") == {"due": 1}
    assert answer("listings", "again", "shop", "rejected") == {"due": 1}
    assert set(states(hub).values()) == {"pending"}
    assert answer("listings", "align", "shop")["run"]
    assert answer("listings", "publish-all", "shop")["run"]
    unknown = flask("listings", "publish", "shop", "GHOST")
    assert unknown.exit_code != 0
    assert "GHOST" in unknown.output

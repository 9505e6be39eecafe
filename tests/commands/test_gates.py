"""`flask gate`, as an operator types it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub

Flask = Callable[..., Result]
Answer = Callable[..., Any]


@pytest.mark.capability("CM-7")
def test_a_gate_is_tried_set_listed_and_removed(flask: Flask, answer: Answer, hub: Hub) -> None:
    assert answer("gate", "test", "item", "tax_code", "required", "", "")["passes"] is False
    assert "yes: it passes" in flask("gate", "test", "item", "tax_code", "one_of", "FULL, ZERO", "ZERO").output
    done = answer("gate", "set", "item", "tax_code", "required", "--fix", "name it", "--why", "the ERP wants it")
    assert (done["kind"], done["looked_at_again"]) == ("item", 0)
    (one,) = answer("gate", "list", "--kind", "item")
    assert (one["field"], one["rule"], one["fix"]) == ("tax_code", "required", "name it")
    assert answer("gate", "list", "--kind", "customer") == []
    refused = flask("gate", "set", "item", "colour", "required")
    assert (refused.exit_code, "validation.rule" in refused.output) == (1, True)
    answer("gate", "remove", one["id"], "--why", "done")
    assert "no gate" in flask("gate", "list").output

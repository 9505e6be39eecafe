"""What was released can still be read: schemas only gain optional fields, old payloads load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.infra.wire import breaks, event_schema
from app.kernel import codec
from app.kernel.events import REGISTRY, Fact, event
from bin.event_schemas import FOLDER, all_events, canonical

SCHEMAS = all_events()
OLD = Path(__file__).parent / "old_payloads"


@pytest.mark.capability("CM-1")
@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_released_version_only_gains_optional_fields(name: str) -> None:
    released = json.loads((FOLDER / f"{name}.json").read_text())
    assert breaks(released, SCHEMAS[name]) == []


def test_the_committed_schemas_are_those_of_the_program() -> None:
    committed = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    assert committed == SCHEMAS, "run bin/event_schemas.py and commit what it writes"


@pytest.mark.capability("RT-11")
@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_payloads_of_the_release_before_still_load(name: str) -> None:
    payload = json.loads((OLD / f"{name}.json").read_text())
    kind: Any = canonical().get(name) or REGISTRY[name]
    value = codec.load(kind, payload)
    assert _kept(payload, codec.dump(value)) == payload


def _kept(before: Any, after: Any) -> Any:
    """What of `after` the payload of the release before had, at any depth: optional fields may have been gained."""
    if isinstance(before, dict):
        return {name: _kept(before[name], after[name]) for name in before}
    if isinstance(before, list) and len(before) == len(after):
        return [_kept(*pair) for pair in zip(before, after, strict=True)]
    return after


@event("trial.cart_left", version=1, key="cart")
class Before(Fact):
    cart: str
    reason: str = ""


def test_what_may_not_change_is_named() -> None:
    released = event_schema(Before)

    def after(**changes: Any) -> list[str]:
        return breaks(released, {**released, **changes})

    fields = released["properties"]
    assert after(properties={**fields, "more": {"type": "string"}}) == []
    assert after(properties={"cart": fields["cart"]}) == [".reason is gone"]
    assert after(required=["cart", "reason"]) == [".reason is required and was not"]
    assert after(properties={**fields, "cart": {"type": "integer"}}) == [".cart: type was 'string' and is 'integer'"]

"""Gates for programs: list, set, try, take away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

Key = Callable[..., dict[str, str]]
READ, WRITE = "operations:read", "operations:write"
API = "/api/v1/gates"
RULE = {"kind": "item", "field": "gtin", "rule": "pattern", "value": "[0-9]{13}"}

pytestmark = pytest.mark.capability("CM-7")


def test_a_rule_is_tried_set_listed_replaced_and_taken_away(client: FlaskClient, key: Key) -> None:
    tried = client.post(f"{API}/test", json={**RULE, "text": "123"}, headers=key(READ)).get_json()
    assert tried == {"passes": False, "said": "gtin is not like [0-9]{13}"}
    assert client.get(API, headers=key(READ)).get_json() == {"rules": []}
    done = client.put(API, json={**RULE, "fix": "ask the maker", "reason": "the ERP wants it"}, headers=key(WRITE))
    assert done.get_json() == {"looked_at_again": 0}
    client.put(API, json={**RULE, "value": "[0-9]{8}"}, headers=key(WRITE))
    (rule,) = client.get(API, headers=key(READ)).get_json()["rules"]
    assert (rule["kind"], rule["field"], rule["value"]) == ("item", "gtin", "[0-9]{8}")
    assert client.delete(f"{API}/{rule['id']}?reason=done", headers=key(WRITE)).status_code == 200
    again = client.delete(f"{API}/{rule['id']}?reason=done", headers=key(WRITE))
    assert (again.status_code, again.get_json()["title"]) == (404, "validation.unknown")


@pytest.mark.parametrize(
    "wrong", [{"kind": "invoice"}, {"rule": "nice"}, {"field": "colour"}, {"value": "[0-9"}, {"more": 1}]
)
def test_a_rule_that_cannot_be_is_refused_by_name(client: FlaskClient, key: Key, wrong: dict[str, str]) -> None:
    answer = client.put(API, json={**RULE, **wrong}, headers=key(WRITE))
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert client.get(API, headers=key(READ)).get_json() == {"rules": []}


@pytest.mark.capability("SEC-2")
def test_who_may_not_change_gates_does_not(client: FlaskClient, key: Key) -> None:
    assert client.put(API, json=RULE, headers=key(READ)).status_code == 403
    assert client.get(API, headers=key(READ, WRITE, connection="shop")).status_code == 403

"""Gates at the console."""

from __future__ import annotations

import pytest

from app.infra.hub import Hub
from tests.console.browser import Browser, acts, connect

RULE = {
    "kind": "sales_order",
    "field": "po_number",
    "rule": "max_length",
    "value": "20",
    "company": "",
    "fix": "cut it",
}


@pytest.mark.capability("CM-7")
def test_an_administrator_sets_and_clears_a_gate(admin: Browser, operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    admin.get("/admin/gates/")
    assert "cut it" in admin.post("/admin/gates/set", **RULE, why="the ERP has 20").text
    assert ("admin@shop.example", "set a gate", "the ERP has 20") in acts(hub)
    assert admin.post("/admin/gates/set", **{**RULE, "field": "colour"}).status_code == 422
    page = operator.get("/admin/gates/").text
    assert ("cut it" in page, "Set a rule" in page) == (True, False)
    assert operator.post("/admin/gates/set", **RULE).status_code == 403
    rule_id = admin.get("/admin/gates/").text.split('name="id" value="')[1].split('"')[0]
    assert "No rule yet" in admin.post("/admin/gates/clear", id=rule_id).text

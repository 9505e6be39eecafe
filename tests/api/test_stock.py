"""Stock by HTTP: what sources report, what can be sold, what is kept for carts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domains.inventory import service
from app.infra.foreign import standing
from app.infra.hub import Hub
from app.infra.ownership import set_owner
from tests.console.browser import connect
from tests.stock import contradictions, count_stock

Key = Callable[..., dict[str, str]]
READ, WRITE = "stock:read", "stock:write"
AT = "2026-11-20T09:00:00+00:00"


@pytest.fixture
def rights(key: Key) -> dict[str, str]:
    return key(READ, WRITE)


def snapshot(sku: str, on_hand: int | str, **changes: Any) -> dict[str, Any]:
    return {"sku": sku, "location": "MAIN", "on_hand": on_hand, "as_of": "2026-11-20T08:00:00Z", **changes}


def movement(key: str, quantity: int | str, **changes: Any) -> dict[str, Any]:
    return {
        "key": key, "sku": "TEE-M", "location": "MAIN", "kind": "receipt", "quantity": quantity, "at": AT, **changes,
    }  # fmt: skip


def count(client: FlaskClient, rights: dict[str, str], *rows: dict[str, Any], **told: Any) -> Any:
    body = {"source": "wms", "snapshots": list(rows), **told}
    return client.post("/api/v1/stock/snapshots", json=body, headers=rights)


def move(client: FlaskClient, rights: dict[str, str], *rows: dict[str, Any], source: str = "wms") -> Any:
    return client.post("/api/v1/stock/movements", json={"source": source, "movements": list(rows)}, headers=rights)


def one(client: FlaskClient, rights: dict[str, str], path: str) -> Any:
    answer = client.get(f"/api/v1/availability/{path}", headers=rights)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


@pytest.mark.capability("INV-1")
class TestReports:
    def test_counts_and_movements_add_up_to_what_can_be_sold(
        self, hub: Hub, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        assert [row["became"] for row in count(client, rights, snapshot("TEE-M", 10)).get_json()["snapshots"]] == [
            "counted"
        ]
        answer = move(
            client, rights, movement("m-1", 5), movement("m-2", "-2", kind="sale"), movement("m-1", 5)
        ).get_json()
        assert [row["repeated"] for row in answer["movements"]] == [False, False, True]
        assert move(client, rights, movement("m-1", 5)).get_json()["movements"][0]["repeated"] is True
        assert one(client, rights, "TEE-M")["available"] == "13"
        assert contradictions(hub) == []

    @pytest.mark.capability("CM-6")
    def test_movements_of_a_location_that_another_system_owns_are_refused_whole_and_noted(
        self, hub: Hub, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        connect(hub, "erp", "shop")
        count(client, rights, snapshot("TEE-M", 10), snapshot("TEE-M", 4, location="EAST"))
        with hub.unit_of_work() as uow:
            set_owner(uow, "", "stock", "EAST", "shop", "ann")
        hub.owners.forget()
        rows = movement("m-1", 5), movement("m-2", -1, location="EAST", kind="sale")
        for _ in range(2):
            answer = move(client, rights, *rows, source="erp")
            assert (answer.status_code, answer.get_json()["title"]) == (409, "inventory.not_the_owner")
            assert "EAST is counted by shop" in answer.get_json()["detail"]
        assert one(client, rights, "TEE-M")["available"] == "14"
        with hub.unit_of_work() as uow:
            (noted,) = standing(uow)
        assert (noted.state, noted.field_group, noted.key, noted.source, noted.count) == (
            "refused", "EAST", "sku TEE-M", "erp", 2,
        )  # fmt: skip
        assert move(client, rights, *rows, source="shop").status_code == 200
        assert one(client, rights, "TEE-M")["available"] == "18"

    def test_a_count_that_is_older_than_the_ledger_is_superseded_and_the_others_count(
        self, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        count(client, rights, snapshot("TEE-M", 10))
        answer = count(
            client, rights, snapshot("TEE-M", 99, as_of="2026-11-20T07:00:00Z"), snapshot("MUG", 4),
            snapshot("TEE-M", 10), snapshot("TEE-M", 12),
        ).get_json()  # fmt: skip
        assert [(row["became"], row["code"]) for row in answer["snapshots"]] == [
            ("superseded", "inventory.older_snapshot"), ("counted", ""), ("known", ""),
            ("refused", "inventory.snapshot_contradicts"),
        ]  # fmt: skip
        assert (one(client, rights, "TEE-M")["available"], one(client, rights, "MUG")["available"]) == ("10", "4")

    def test_a_figure_that_is_newer_within_one_body_replaces_the_one_before(
        self, hub: Hub, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        answer = count(
            client, rights, snapshot("TEE-M", 10, sequence=1), snapshot("TEE-M", 7, sequence=2, as_of=AT)
        ).get_json()
        assert [row["became"] for row in answer["snapshots"]] == ["counted", "counted"]
        assert one(client, rights, "TEE-M")["available"] == "7"
        assert contradictions(hub) == []

    @pytest.mark.parametrize(
        ("row", "field"),
        [
            (snapshot("TEE-M", -1), "snapshots.0.on_hand"),
            (snapshot("TEE-M", "NaN"), "snapshots.0.on_hand"),
            (snapshot("", 1), "snapshots.0.sku"),
            (snapshot("TEE-M", 1, as_of="2026-11-20T08:00:00"), "snapshots.0.as_of"),
            (snapshot("TEE-M", 1, colour="red"), "snapshots.0.colour"),
        ],
    )
    def test_a_count_that_cannot_be_meant_names_its_field_and_nothing_is_taken(
        self, client: FlaskClient, rights: dict[str, str], row: dict[str, Any], field: str
    ) -> None:
        answer = count(client, rights, row, snapshot("MUG", 4))
        assert answer.status_code == 422
        assert [wrong["field"] for wrong in answer.get_json()["errors"]] == [field]
        assert client.get("/api/v1/availability/MUG", headers=rights).status_code == 404

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            (movement("m-2", -5), "http.unprocessable_entity"),
            (movement("m-2", 5, kind="sale"), "http.unprocessable_entity"),
            (movement("m-2", 5, kind="count"), "http.unprocessable_entity"),
            (movement("m-2", 0), "inventory.not_a_movement"),
            (movement("m-2", "0.000001"), "inventory.not_exact"),
            (movement("m-2", 5, location="A|B"), "inventory.no_place"),
            (movement("m-2", 5, unit="BARREL"), "inventory.unknown_unit"),
            (movement("m-1", 6), "inventory.movement_contradicts"),
        ],
    )
    def test_one_movement_that_cannot_be_meant_refuses_them_all_by_name(
        self, client: FlaskClient, rights: dict[str, str], row: dict[str, Any], code: str
    ) -> None:
        move(client, rights, movement("m-1", 5))
        answer = move(client, rights, movement("m-9", 3), row)
        assert (answer.status_code in (409, 422), answer.get_json()["title"]) == (True, code)
        assert one(client, rights, "TEE-M")["available"] == "5"

    def test_boxes_are_counted_in_pieces(self, hub: Hub, client: FlaskClient, rights: dict[str, str]) -> None:
        with hub.unit_of_work() as uow:
            service.set_unit(uow, "TEE-M", "BOX", Decimal(12))
            service.set_unit(uow, "", "PAIR", Decimal(2))
        count(client, rights, snapshot("TEE-M", 2, unit="BOX"))
        move(client, rights, movement("m-1", 3, unit="PAIR"))
        assert one(client, rights, "TEE-M")["available"] == "30"
        answer = move(client, rights, movement("m-2", 1, unit="BAG")).get_json()
        assert answer["detail"] == "TEE-M has no unit 'BAG'; it has BOX, PAIR"

    def test_a_key_of_one_source_speaks_for_no_other(self, client: FlaskClient, key: Key) -> None:
        bound = key(WRITE, connection="erp")
        assert count(client, bound, snapshot("TEE-M", 1)).get_json()["title"] == "auth.other_connection"
        assert count(client, bound, snapshot("TEE-M", 1), source="erp").status_code == 200


@pytest.mark.capability("INV-4")
class TestAvailability:
    def test_a_channel_is_answered_with_its_offer_and_every_term(
        self, hub: Hub, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        count(client, rights, snapshot("TEE-M", 10), snapshot("TEE-M", 3, location="EAST"))
        policy = {"channel": "shop", "locations": ["MAIN"], "safety": "2", "cap": 5}
        assert client.put("/api/v1/stock/policies", json=policy, headers=rights).status_code == 200
        found = one(client, rights, "TEE-M?channel=shop&explain=1")
        assert (found["available"], found["offered"], found["paused"]) == ("13", "5", False)
        assert {term["name"]: term["value"] for term in found["terms"]} == {
            "free": "10", "safety": "-2", "cap": "5", "allotted": "5",
        }  # fmt: skip
        assert [(place["location"], place["free"]) for place in found["locations"]] == [("EAST", "3"), ("MAIN", "10")]
        assert found["age_seconds"] > 0
        listed = client.get("/api/v1/stock/policies", headers=rights).get_json()["policies"]
        assert [(row["channel"], row["pattern"], row["cap"], row["share"]) for row in listed] == [
            ("shop", "*", "5", "100")
        ]

    def test_who_has_the_answer_already_is_told_so_until_stock_or_policy_changes(
        self, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        count(client, rights, snapshot("TEE-M", 10))
        for method, path, body in (
            ("GET", "/api/v1/availability/TEE-M?channel=shop", None),
            ("GET", "/api/v1/availability?sku=TEE-M&channel=shop", None),
            ("POST", "/api/v1/availability", {"sku": ["TEE-M"], "channel": "shop"}),
        ):
            tag = client.open(path, method=method, json=body, headers=rights).headers["ETag"]
            having = {**rights, "If-None-Match": tag}
            assert client.open(path, method=method, json=body, headers=having).status_code == 304
            policy = {"channel": "shop", "cap": len(method)}
            client.put("/api/v1/stock/policies", json=policy, headers=rights)
            assert client.open(path, method=method, json=body, headers=having).status_code == 200
            tag = client.open(path, method=method, json=body, headers=rights).headers["ETag"]
            move(client, rights, movement(f"m-{method}-{path}", 1))
            having = {**rights, "If-None-Match": tag}
            assert client.open(path, method=method, json=body, headers=having).status_code == 200
            client.put("/api/v1/stock/policies", json={"channel": "shop"}, headers=rights)

    def test_many_are_answered_at_once_and_strangers_are_named(
        self, hub: Hub, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        with hub.unit_of_work() as uow:
            for n in range(499):
                count_stock(uow, f"SKU-{n}", n)
        wanted = {"sku": [f"SKU-{n}" for n in range(500)]}
        found = client.post("/api/v1/availability", json=wanted, headers=rights).get_json()
        assert [(row["sku"], row["available"]) for row in found["items"]] == [(f"SKU-{n}", str(n)) for n in range(499)]
        assert found["unknown"] == ["SKU-499"]
        too_many = {"sku": [f"SKU-{n}" for n in range(501)]}
        assert client.post("/api/v1/availability", json=too_many, headers=rights).status_code == 422

    def test_a_bundle_is_answered_from_its_components(
        self, hub: Hub, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        count(client, rights, snapshot("TENT", 5), snapshot("PEG", 30))
        with hub.unit_of_work() as uow:
            service.set_bundle(uow, "CAMP-SET", {"TENT": Decimal(1), "PEG": Decimal(8)})
        assert one(client, rights, "CAMP-SET?channel=shop")["available"] == "3"
        assert one(client, rights, "CAMP-SET?channel=shop")["offered"] == "3"

    def test_what_nobody_ever_reported_is_not_found_and_a_stranger_is_not_answered(
        self, client: FlaskClient, key: Key
    ) -> None:
        assert (
            client.get("/api/v1/availability/NEVER", headers=key(READ)).get_json()["title"] == "inventory.unknown_sku"
        )
        assert client.get("/api/v1/availability/NEVER", headers=key("orders:read")).status_code == 403
        assert client.get("/api/v1/availability/NEVER").status_code == 401


@pytest.mark.capability("INV-3")
class TestQuotes:
    def want(self, client: FlaskClient, rights: dict[str, str], quantity: int = 2, **more: Any) -> Any:
        body = {"name": "cart-1", "lines": [{"sku": "TEE-M", "quantity": quantity}], **more}
        return client.post("/api/v1/reservations", json=body, headers=rights)

    def test_a_cart_keeps_goods_until_it_gives_them_back(self, client: FlaskClient, rights: dict[str, str]) -> None:
        count(client, rights, snapshot("TEE-M", 3))
        first = self.want(client, rights).get_json()
        assert (first["state"], first["held"][0]["quantity"]) == ("quoted", "2")
        assert self.want(client, rights).get_json() == first
        assert one(client, rights, "TEE-M")["available"] == "1"
        for _ in range(2):
            ended = client.delete("/api/v1/reservations/cart-1", headers=rights).get_json()
            assert ended["state"] == "released"
        assert one(client, rights, "TEE-M")["available"] == "3"
        assert self.want(client, rights).get_json()["title"] == "inventory.quote_ended"

    def test_what_is_not_there_is_refused_with_each_gap(self, client: FlaskClient, rights: dict[str, str]) -> None:
        count(client, rights, snapshot("TEE-M", 1))
        answer = self.want(client, rights)
        assert (answer.status_code, answer.get_json()["title"]) == (409, "inventory.short")
        assert answer.get_json()["errors"][0]["rule"] == "2 wanted, 1 there (short)"
        assert client.get("/api/v1/reservations/cart-1", headers=rights).status_code == 404

    def test_goods_to_be_collected_come_from_that_store_alone(
        self, client: FlaskClient, rights: dict[str, str]
    ) -> None:
        count(client, rights, snapshot("TEE-M", 9), snapshot("TEE-M", 1, location="STORE"))
        assert self.want(client, rights, location="STORE").get_json()["title"] == "inventory.short"
        held = self.want(client, rights, 1, location="STORE").get_json()["held"]
        assert [(row["location"], row["quantity"]) for row in held] == [("STORE", "1")]

    def test_a_quote_that_would_last_for_ever_is_refused(self, client: FlaskClient, rights: dict[str, str]) -> None:
        count(client, rights, snapshot("TEE-M", 9))
        assert self.want(client, rights, seconds=10**12).get_json()["title"] == "inventory.quote_time"
        assert self.want(client, rights, seconds=0).status_code == 422

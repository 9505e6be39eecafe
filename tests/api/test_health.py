"""What machines ask: alive, ready, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.factory import create_app
from app.infra.hub import Hub
from app.infra.web.wiring import EXTENSION
from app.settings import Settings

NOBODY = "postgresql+psycopg://postgres@127.0.0.1:1/nobody"


@pytest.fixture
def broken(app: Flask, settings: Settings) -> Iterator[Callable[..., FlaskClient]]:
    """`broken(database_url=…)` is a web process that was given a wrong address."""
    made: list[Flask] = []

    def make(**wrong: Any) -> FlaskClient:
        made.append(create_app(replace(settings, **wrong)))
        return made[-1].test_client()

    yield make
    for one in made:
        one.extensions[EXTENSION].close()


def beat(hub: Hub, kind: str, *, seconds_ago: int = 0) -> None:
    with hub.unit_of_work() as uow:
        uow.sql(
            "INSERT INTO hub.worker (id, kind, version, host, beat_at) "
            "VALUES (nextval('hub.worker_id'), %(kind)s, '1', 'here', now() - make_interval(secs => %(ago)s))",
            {"kind": kind, "ago": seconds_ago},
        )


def test_a_process_that_answers_is_alive_whatever_else_is_away(broken: Callable[..., FlaskClient]) -> None:
    answer = broken(database_url=NOBODY, redis_url="redis://127.0.0.1:1/0").get("/healthz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "alive")


def test_a_process_with_all_it_needs_is_ready(client: FlaskClient, hub: Hub) -> None:
    beat(hub, "relay")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["ready"], answer.get_json()["missing"]) == (200, True, {})


@pytest.mark.parametrize(("ago", "said"), [(None, "none is running"), (60, "for 60 s")])
def test_without_a_relay_nothing_that_was_missed_is_found(
    client: FlaskClient, hub: Hub, ago: int | None, said: str
) -> None:
    if ago is not None:
        beat(hub, "relay", seconds_ago=ago)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert list(answer.get_json()["missing"]) == ["relay"]
    assert said in answer.get_json()["missing"]["relay"]


def test_without_its_database_a_process_is_not_ready(broken: Callable[..., FlaskClient]) -> None:
    answer = broken(database_url=NOBODY).get("/readyz")
    assert (answer.status_code, list(answer.get_json()["missing"])) == (503, ["database"])


def test_without_redis_a_process_is_not_ready(broken: Callable[..., FlaskClient], hub: Hub) -> None:
    beat(hub, "relay")
    answer = broken(redis_url="redis://127.0.0.1:1/0").get("/readyz")
    assert (answer.status_code, list(answer.get_json()["missing"])) == (503, ["redis"])


@pytest.mark.parametrize(("revision", "missing"), [("hub_create_runtime", ["migrations"]), ("of_the_next_release", [])])
def test_an_older_schema_is_not_ready_and_a_newer_one_is(
    client: FlaskClient, hub: Hub, revision: str, missing: list[str]
) -> None:
    beat(hub, "relay")
    with hub.unit_of_work() as uow:
        (head,) = uow.sql("SELECT version_num FROM hub.alembic_version").fetchall()[0]
        uow.sql("UPDATE hub.alembic_version SET version_num = %(revision)s", {"revision": revision})
    try:
        answer = client.get("/readyz")
    finally:
        with hub.unit_of_work() as uow:
            uow.sql("UPDATE hub.alembic_version SET version_num = %(revision)s", {"revision": head})
    assert list(answer.get_json()["missing"]) == missing


class TestMetrics:
    def lines(self, client: FlaskClient) -> list[str]:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert answer.content_type.startswith("text/plain; version=0.0.4")
        return answer.get_data(as_text=True).splitlines()

    def test_counts_are_those_of_all_processes_folded_or_not(self, client: FlaskClient, hub: Hub) -> None:
        with hub.unit_of_work() as uow:
            uow.sql(
                "INSERT INTO hub.counter (name, label, n) VALUES ('notices', 'shop', 40), ('orders_posted', 'erp', 7)"
            )
            for name, label, count in [("notices", "shop", 2), ("notices", 'a"b', 1), ("orders_captured", "shop", 3)]:
                uow.tally(name, label, count)
            uow.tally("refusals", "shop|webhooks.signature", 5)
        lines = self.lines(client)

        assert 'hub_notices_total{connection="shop"} 42' in lines
        assert 'hub_notices_total{connection="a\\"b"} 1' in lines
        assert 'hub_orders_captured_total{connection="shop"} 3' in lines
        assert 'hub_orders_posted_total{connection="erp"} 7' in lines
        assert 'hub_refusals_total{connection="shop",reason="webhooks.signature"} 5' in lines

    def test_deliveries_are_open_ones_now_and_ended_ones_so_far(self, client: FlaskClient, hub: Hub) -> None:
        with hub.unit_of_work() as uow:
            uow.sql(
                "INSERT INTO hub.delivery (event_id, subscriber, queue, partition, state) VALUES "
                "(1, 'a', 'orders', 0, 'due'), (2, 'a', 'orders', 0, 'due'), (3, 'a', 'bulk', 0, 'parked'), "
                "(4, 'a', 'orders', 0, 'done')"
            )
            uow.tally("deliveries_done", "orders", 12)
        lines = self.lines(client)

        assert 'hub_deliveries{state="due",queue="orders"} 2' in lines
        assert 'hub_deliveries{state="parked",queue="bulk"} 1' in lines
        assert 'hub_deliveries{state="done",queue="orders"} 12' in lines

    def test_the_time_to_the_erp_is_a_histogram_that_adds_up(self, client: FlaskClient, hub: Hub) -> None:
        with hub.unit_of_work() as uow:
            for bucket, count in [("0.1", 3), ("10", 1), ("2.5", 2), ("+Inf", 1)]:
                uow.tally("order_to_erp_seconds", f"le={bucket}", count)
            uow.tally("order_to_erp_seconds_sum_ms", "", 12345)
        found = [line for line in self.lines(client) if line.startswith("hub_order_to_erp_seconds")]

        assert found == [
            'hub_order_to_erp_seconds_bucket{le="0.1"} 3',
            'hub_order_to_erp_seconds_bucket{le="2.5"} 5',
            'hub_order_to_erp_seconds_bucket{le="10"} 6',
            'hub_order_to_erp_seconds_bucket{le="+Inf"} 7',
            "hub_order_to_erp_seconds_sum 12.345",
            "hub_order_to_erp_seconds_count 7",
        ]

    def test_processes_and_the_relays_age_are_shown(self, client: FlaskClient, hub: Hub) -> None:
        beat(hub, "worker")
        beat(hub, "worker", seconds_ago=30)
        beat(hub, "relay", seconds_ago=3)
        lines = self.lines(client)

        assert 'hub_workers{kind="worker"} 1' in lines
        (age,) = [line.split()[1] for line in lines if line.startswith("hub_relay_age_seconds ")]
        assert 3 <= float(age) < 30

    @pytest.mark.parametrize(
        ("address", "headers"),
        [("192.0.2.7", {}), ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}), ("::1", {"Forwarded": "for=192.0.2.7"})],
    )
    def test_a_stranger_needs_a_key_with_the_scope(
        self, client: FlaskClient, key: Callable[..., dict[str, str]], address: str, headers: dict[str, str]
    ) -> None:
        def status(given: dict[str, str]) -> int:
            answer = client.get("/metrics", headers={**headers, **given}, environ_base={"REMOTE_ADDR": address})
            return answer.status_code

        assert [status(given) for given in ({}, key("orders:read"), key("metrics"))] == [401, 403, 200]

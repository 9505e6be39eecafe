"""`flask retention`, `flask storage` and `flask secret` as an operator types them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import LargeBinary

from app.domains.customers import service as customers
from app.domains.customers.canonical import Ask
from app.domains.customers.service import Subject, Wanted
from app.infra.connections import ConnectionRow
from app.infra.db import Base
from app.infra.hub import Hub
from app.infra.resealing import SEALED
from app.infra.retention.leaving import alone
from app.infra.retention.storage import Outlook, days_left, growth_of, outlook, sample
from app.infra.secrets import Vault
from app.infra.web.wiring import EXTENSION
from app.settings import Settings

SECRETS = {"access_token": "a token"}


def test_a_policy_is_shown_changed_and_refused_in_one_sentence(
    answer: Callable[..., Any], flask: Callable[..., Result]
):
    assert {row["keep_days"] for row in answer("retention", "policy")} == {400}
    (row,) = answer("retention", "policy", "notice", "--days", "90", "--archive")
    assert row == {"kind": "notice", "keep_days": 90, "archive": True}
    assert answer("retention", "policy", "notice") == [row]
    refused = flask("retention", "policy", "event", "--days", "30")
    assert refused.exit_code == 1
    assert "keep event at least as long as delivery (400 days)" in refused.output


def test_the_plan_says_why_nothing_goes_and_changes_nothing(answer: Callable[..., Any], flask: Callable[..., Result]):
    rows = answer("retention", "plan")
    assert {row["kind"] for row in rows} == {"notice"}
    assert {row["why_not"] for row in rows} == {"younger than 400 days"}
    assert "0 would leave now" in flask("retention", "plan").output
    assert answer("retention", "run") == []
    assert answer("retention", "left") == []


def test_what_has_an_age_is_told_with_its_reason_and_pruned_now(answer: Callable[..., Any], hub: Hub):
    with hub.unit_of_work() as uow:
        uow.sql(
            "INSERT INTO hub.idempotency (principal, key, request_hash, at) "
            "VALUES ('shop', 'k', '', now() - interval '4 days')"
        )
    assert answer("retention", "prune") == [{"table": "hub.idempotency", "rows": 1}]
    (row,) = [row for row in answer("retention", "ages") if row["table"] == "hub.idempotency"]
    assert (row["hours"], row["forgotten"], row["why"]) == (72, 1, "a caller that failed on Friday repeats on Monday")


def test_a_run_beside_another_is_refused(flask: Callable[..., Result], hub: Hub):
    with alone(hub):
        refused = flask("retention", "run")
    assert (refused.exit_code, "another process" in refused.output) == (1, True)


def test_what_never_left_cannot_be_put_back(flask: Callable[..., Result]):
    assert "no partition 'event_7' has left" in flask("retention", "restore", "event_7").output


@pytest.mark.capability("BAT-4")
def test_storage_tells_size_growth_and_days_and_warns_once_until_there_is_room(answer: Callable[..., Any], hub: Hub):
    with hub.unit_of_work() as uow:
        size = outlook(uow).bytes
        for ago in range(1, 11):
            uow.sql(
                "INSERT INTO hub.storage_sample (day, name, bytes, rows) "
                "VALUES (current_date - %(ago)s, 'database', %(size)s, 0)",
                {"ago": ago, "size": size - ago * 1_000_000},
            )
    kept = hub.settings
    try:
        hub.settings = dataclasses.replace(kept, storage_gb=(size + 5_000_000) / 1e9)
        for _ in range(2):
            assert answer("storage", "sample") == {"sampled": True}
        shown = answer("storage", "show")
        assert 900_000 < shown["bytes_a_day"] < 1_100_000
        assert 4 < shown["days_left"] < 6
        assert "hub.delivery" in {row["name"] for row in shown["tables"]}
        assert [case["code"] for case in answer("case", "list")] == ["storage.filling"]
        hub.settings = dataclasses.replace(kept, storage_gb=1000.0)
        sample(hub)
        assert answer("case", "list") == []
    finally:
        hub.settings = kept


@pytest.mark.parametrize(("sizes", "growth"), [([], 0), ([7], 0), ([1, 2, 3, 4], 1), ([5, 5, 5], 0), ([9, 6, 3], -3)])
def test_growth_is_the_slope_of_what_was_sampled(sizes: list[int], growth: float):
    start = date(2026, 11, 1)
    assert growth_of([(start + timedelta(days=n), size) for n, size in enumerate(sizes)]) == pytest.approx(growth)


@pytest.mark.parametrize(
    ("size", "limit", "growth", "days"),
    [(50, 100, 5.0, 10.0), (100, 100, 5.0, 0.0), (50, 100, 0.0, None), (50, 100, -1.0, None), (50, 0, 5.0, None)],
)
def test_days_left_are_what_is_free_by_growth(size: int, limit: int, growth: float, days: float | None):
    assert days_left(size, limit, growth) == days
    assert Outlook(bytes=95, limit=100, growth=0.0, days=None, series=()).filling
    assert not Outlook(bytes=95, limit=0, growth=9.0, days=None, series=()).filling


@pytest.mark.capability("SEC-1")
def test_the_key_is_rotated_in_steps_and_secrets_open_at_each(
    app: Flask, hub: Hub, answer: Callable[..., Any], flask: Callable[..., Result], settings: Settings
):
    old, new = settings.secret_key, "the next key, which is as long as the one before"
    with hub.unit_of_work() as uow:
        for name in ("erp", "shop"):
            sealed = Vault([old]).seal(SECRETS, name)
            uow.session.add(ConnectionRow(name=name, adapter="shopify", title=name, settings={}, secrets=sealed))
    assert answer("secret", "rotate") == {"again": [], "present": ["erp", "shop"], "unreadable": []}
    kept = hub.vault
    try:
        app.extensions[EXTENSION].vault = Vault([new, old])
        assert answer("secret", "rotate")["again"] == ["erp", "shop"]
        assert answer("secret", "rotate")["again"] == []
        with hub.unit_of_work() as uow:
            assert Vault([new]).open(uow.session.get_one(ConnectionRow, "erp").secrets, "erp") == SECRETS
        app.extensions[EXTENSION].vault = Vault([old])
        lost = flask("secret", "rotate")
        assert (lost.exit_code, "No key that is set opens erp, shop." in lost.output) == (1, True)
    finally:
        hub.vault = kept


@pytest.mark.capability("SEC-1", "SEC-3")
def test_after_a_rotation_everything_sealed_opens_without_the_old_key(
    app: Flask, hub: Hub, answer: Callable[..., Any], settings: Settings
):
    old, new = settings.secret_key, "the next key, which is as long as the one before"
    kept, there = hub.vault, app.extensions[EXTENSION]
    wanted = {"ask": Ask.EXPORT, "subject": Subject(email="quilla@maplemail.example"), "asked_by": "x", "source": "x"}
    with hub.unit_of_work() as uow:
        uow.session.add(
            ConnectionRow(name="erp", adapter="shopify", settings={}, secrets=hub.vault.seal(SECRETS, "erp"))
        )
        first, second = (customers.open_request(uow, Wanted(key=key, **wanted)) for key in ("1", "2"))
        uow.session.flush()
        customers.keep_export(uow, customers.request_of(uow, first), {"name": "Quilla"})
    try:
        there.vault = Vault([new, old])
        with hub.unit_of_work() as uow:  # as a rotation leaves it that was stopped after its first value
            customers.keep_subject(uow, customers.request_of(uow, second), Subject(email="quilla@maplemail.example"))
        done = answer("secret", "rotate")
        assert done["again"] == ["erp", f"privacy request {first}", f"the file of privacy request {first}"]
        assert (done["present"], done["unreadable"]) == ([f"privacy request {second}"], [])
        there.vault = Vault([new])
        assert len(answer("secret", "rotate")["present"]) == 4
        with hub.unit_of_work() as uow:
            assert there.vault.open(uow.session.get_one(ConnectionRow, "erp").secrets, "erp") == SECRETS
            for request_id in (first, second):
                subject = customers.subject_of(uow, customers.request_of(uow, request_id))
                assert subject.email == "quilla@maplemail.example"
            assert json.loads(customers.read_export(uow, first, "dana")) == {"name": "Quilla"}
    finally:
        hub.vault = kept


def test_every_column_of_bytes_is_declared_sealed_or_known_to_be_plain():
    plain = {"hub.api_key.secret_hash", "hub.idempotency.request_hash", "hub.notice.body", "hub.sheet_piece.body"}
    columns = {
        f"{table.fullname}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert columns == plain | {f"{sealed.table}.{sealed.column}" for sealed in SEALED}

"""Customers by command: found, merged, exported, erased."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app import registry
from app.domains.customers import service
from app.domains.customers.canonical import Buyer
from app.infra.hub import Hub
from app.settings import Settings
from tests.hub import Crank

Run = Callable[..., Result]
Ask = Callable[..., Any]


@pytest.fixture
def crank(settings: Settings, hub: Hub) -> Iterator[Crank]:
    made = Crank(settings, adapter=registry.adapter)
    yield made
    made.close()


def known(hub: Hub, number: str) -> str:
    buyer = Buyer(connection="shop", order_key=number, external_id=number, email="june@example.org", name="June Harper")
    with hub.unit_of_work() as uow:
        return service.match_many(uow, [buyer])[0]


def test_every_command_of_customers_explains_itself(app: Flask, flask: Run) -> None:
    for name in app.cli.commands["customer"].commands:  # type: ignore[attr-defined]
        assert (name, flask("customer", name, "--help").exit_code) == (name, 0)


@pytest.mark.capability("CUS-2")
def test_a_person_is_exported_and_erased_by_command(
    flask: Run, answer: Ask, hub: Hub, crank: Crank, tmp_path: Path
) -> None:
    found = known(hub, "1")
    assert answer("customer", "requests") == []
    asked = answer("customer", "export", "--email", "June@example.org", "--why", "she wrote")["request"]
    crank.settle()
    file = tmp_path / "file.json"
    assert flask("customer", "file", asked, "--to", str(file)).exit_code == 0
    assert json.loads(file.read_text())["accounts"][0]["id"] == found
    assert answer("customer", "handed-over", asked)["state"] == "answered"

    refused = flask("customer", "erase", "--account", found, "--why", "she wrote", input="n\n")
    assert refused.exit_code == 1
    erased = answer("customer", "erase", "--account", found, "--why", "she wrote", "--yes")["request"]
    crank.settle()
    shown = answer("customer", "request", erased)
    assert (shown["state"], shown["proof"]["erased"]["accounts"]) == ("answered", 1)
    assert [one["id"] for one in answer("customer", "requests", "--all")] == [erased, asked]
    assert answer("customer", "find", "june@example.org") == []


@pytest.mark.capability("CUS-2")
def test_a_person_is_named_in_one_way(flask: Run, hub: Hub) -> None:
    for words in ((), ("--account", known(hub, "1"), "--email", "june@example.org")):
        refused = flask("customer", "export", *words, "--why", "she wrote")
        assert (refused.exit_code, "one of them" in refused.output) == (1, True)


@pytest.mark.capability("CUS-1")
def test_duplicates_are_searched_merged_and_parted_by_command(answer: Ask, hub: Hub, crank: Crank) -> None:
    first, other = known(hub, "1"), known(hub, "2")
    answer("customer", "find-duplicates")
    crank.settle()
    (pair,) = answer("customer", "duplicates")
    assert ({pair["account"], pair["other"]}, pair["score"]) == ({first, other}, 80)
    merged = answer("customer", "merge", first, other, "--why", "same")["merge"]
    assert [one["account_id"] for one in answer("customer", "find", "june@example.org")] == [first]
    answer("customer", "unmerge", merged, "--why", "not the same")
    assert len(answer("customer", "find", "june@example.org")) == 2


@pytest.mark.capability("CUS-2")
def test_a_request_that_nobody_wants_any_more_is_withdrawn_with_a_reason(answer: Ask, flask: Run, hub: Hub) -> None:
    known(hub, "1")
    asked = answer("customer", "erase", "--email", "june@example.org", "--why", "she wrote", "--yes")["request"]
    assert answer("customer", "withdraw", asked, "--why", "she changed her mind")["state"] == "withdrawn"
    again = flask("customer", "withdraw", asked, "--why", "again")
    assert (again.exit_code, "withdrawn already" in again.output) == (1, True)


@pytest.mark.capability("CUS-1", "ORD-9")
def test_a_company_gets_places_and_people_by_command(flask: Run, answer: Ask, hub: Hub) -> None:
    person = known(hub, "1")
    buyer = Buyer(connection="shop", order_key="2", external_id="2", email="ap@firm.example", company="Firm")
    with hub.unit_of_work() as uow:
        company = service.match_many(uow, [buyer])[0]
        service.add_tax_id(uow, company, "DE136695976", service.Writer(who="ann"))
    place = answer("customer", "add-place", company, "Dock", "--street", "1 Quay", "--country", "de")["location"]
    answer("customer", "add-person", company, person, "--role", "buyer", "--place", place)
    shown = answer("customer", "show", company)
    assert (shown["places"], shown["people"], shown["tax_ids"]) == (["Dock"], [person], ["DE136695976 (checked)"])
    assert (shown["credit"], shown["room"], shown["known_as"]) == (None, None, ["shop: 2"])
    assert "june" not in json.dumps(answer("customer", "show", person)).lower()
    answer("customer", "remove-person", company, person)
    assert answer("customer", "show", company)["people"] == []
    refused = flask("customer", "add-place", person, "Dock")
    assert (refused.exit_code, "only a company" in refused.output) == (1, True)

"""One system of record for each group of fields: others' updates are refused or held, noted once and counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Snapshot
from app.domains.product.canonical import Component, Unit, VariantDraft
from app.domains.product.service import Tell
from app.flows import owning
from app.infra.foreign import standing
from app.infra.hub import Hub
from app.infra.ownership import Owner, OwnerRow, allowed, owner_in, set_owner, unset_owner
from app.kernel.errors import HubError, Invalid, NotFound, Refused
from app.settings import Settings
from tests.domains.product.shelves import Shelves, draft
from tests.stock import open_books

MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@pytest.fixture
def shelves(database: Engine, settings: Settings) -> Iterator[Shelves]:
    opened: Hub = open_books(settings)
    yield Shelves(opened)
    opened.close()


def own(shelves: Shelves, entity: str, group: str, owner: str, *, company: str = "", **how: Any) -> None:
    """A rule, whether or not its owner is a connection here."""
    with shelves.hub.unit_of_work() as uow:
        set_owner(uow, company, entity, group, "*", "ann", **how)
        uow.session.flush()
        row = uow.session.get_one(OwnerRow, (company, entity, group), populate_existing=True)
        row.owner = owner


def noted(shelves: Shelves) -> list[tuple[str, str, str, str, int]]:
    with shelves.hub.unit_of_work() as uow:
        rows = sorted(standing(uow), key=lambda row: (row.field_group, row.key))
        return [(row.state, f"{row.entity}.{row.field_group}", row.key, row.source, row.count) for row in rows]


@pytest.mark.capability("CM-6")
def test_what_another_system_owns_stays_and_the_refusal_is_noted_once_and_counted(shelves: Shelves) -> None:
    own(shelves, "product", "text", "pim")
    shelves.take_in(draft("TENT", title="Tent", tax_code="FULL"), source="pim")
    for _ in range(3):
        shelves.take_in(draft("TENT", title="TNT 2P GRN", tax_code="REDUCED"), source="erp")
    kept = shelves.find("TENT")
    assert (kept.title, kept.tax_code) == ("Tent", "REDUCED")
    assert noted(shelves) == [("refused", "product.text", "product TENT", "erp", 3)]
    shelves.take_in(draft("TENT", title="Tent for two"), source="pim")
    assert shelves.find("TENT").title == "Tent for two"
    with shelves.hub.unit_of_work() as uow:
        (row,) = standing(uow, source="erp")
        tallies = uow.sql("SELECT sum(n) FROM hub.tally WHERE name = 'foreign_updates'").fetchall()
    assert (row.told, row.owner, tallies) == ({"title": "TNT 2P GRN"}, "pim", [(3,)])


@pytest.mark.capability("CM-6")
def test_an_update_that_says_what_is_there_already_is_no_refusal_and_a_new_product_comes_in_whole(
    shelves: Shelves,
) -> None:
    own(shelves, "product", "", "pim")
    shelves.take_in(draft("TENT", title="Tent"), source="erp")
    shelves.take_in(draft("TENT", title="Tent"), source="erp")
    assert (shelves.find("TENT").title, noted(shelves)) == ("Tent", [])


@pytest.mark.capability("CM-6")
def test_a_company_s_rule_comes_before_that_of_all(shelves: Shelves) -> None:
    own(shelves, "product", "text", "pim")
    own(shelves, "product", "text", "erp", company="north")
    for company in ("north", "south"):
        shelves.take_in(draft("TENT", title="A", company=company), source="first")
        shelves.take_in(draft("TENT", title="B", company=company), source="erp")
    assert shelves.find("TENT", company="north").title == "B"
    assert shelves.find("TENT", company="south").title == "A"


@pytest.mark.capability("CM-6")
def test_groups_of_variants_units_and_bundles_are_owned_too(shelves: Shelves) -> None:
    def told(weight: str, box: int, pegs: str) -> VariantDraft:
        return VariantDraft(
            sku="TENT", weight=Decimal(weight), weight_unit="kg", units=(Unit(unit="box", numerator=box),),
            components=(Component(sku="PEG", quantity=Decimal(pegs)),), gtin="4006381333931",
        )  # fmt: skip

    shelves.take_in(draft("PEG"))
    shelves.take_in(draft("TENT", variants=(told("2.1", 6, "12"),)), source="pim")
    for group in ("weight", "units", "bundle"):
        own(shelves, "product", group, "pim")
    shelves.take_in(draft("TENT", variants=(told("2.2", 8, "14"),)), source="erp")
    (kept,) = shelves.find("TENT").variants
    assert kept.weight == Decimal("2.1")
    assert [unit.numerator for unit in kept.units] == [6]
    assert [part.quantity for part in kept.components] == [Decimal(12)]
    assert [(group, key) for _, group, key, _, _ in noted(shelves)] == [
        ("product.bundle", "sku TENT"), ("product.units", "sku TENT"), ("product.weight", "sku TENT"),
    ]  # fmt: skip


@pytest.mark.capability("CM-6")
def test_a_held_update_is_one_case_a_source_and_is_taken_over_or_dropped_by_a_person(shelves: Shelves) -> None:
    own(shelves, "product", "text", "pim", otherwise="hold")
    own(shelves, "product", "weight", "pim", otherwise="hold")
    for code in ("TENT", "MUG"):
        heavy = VariantDraft(sku=code, weight=Decimal(1), weight_unit="kg")
        shelves.take_in(draft(code, title="A", variants=(heavy,)), source="pim")
    heavier = VariantDraft(sku="TENT", weight=Decimal("2.5"), weight_unit="kg")
    shelves.take_in(
        draft("TENT", title="B", variants=(heavier,)), draft("MUG", title="B"), source="erp", tells=Tell.BATCH
    )
    with shelves.hub.unit_of_work() as uow:
        held = {(row.field_group, row.key): row.id for row in standing(uow, state="held")}
        assert uow.sql("SELECT code, count FROM hub.exception_case").fetchall() == [("ownership.held", 1)]
        owning.take(uow, held["text", "product TENT"], "ann", "it is better")
        owning.take(uow, held["weight", "sku TENT"], "ann")
        owning.drop(uow, held["text", "product MUG"], "ann", "it is worse")
        with pytest.raises(Refused, match="dropped"):
            owning.take(uow, held["text", "product MUG"], "ann")
    tent = shelves.find("TENT")
    assert (tent.title, tent.variants[0].weight, shelves.find("MUG").title) == ("B", Decimal("2.5"), "A")
    with shelves.hub.unit_of_work() as uow:
        assert uow.sql("SELECT state FROM hub.exception_case").fetchall() == [("resolved",)]
    shelves.take_in(draft("MUG", title="B"), source="erp")
    assert standing_of(shelves, "product MUG") == ("dropped", 2)  # the same word is not asked about again
    shelves.take_in(draft("MUG", title="C"), source="erp")
    assert standing_of(shelves, "product MUG") == ("held", 3)


def standing_of(shelves: Shelves, key: str) -> tuple[str, int]:
    with shelves.hub.unit_of_work() as uow:
        (found,) = [row for row in standing(uow) if row.key == key]
        return found.state, found.count


@pytest.mark.capability("CM-6", "INV-1")
def test_a_location_is_counted_by_the_source_that_a_rule_names_and_it_takes_over_from_the_first(
    shelves: Shelves,
) -> None:
    def count(source: str, on_hand: int, minutes: int, location: str = "EAST") -> HubError | None:
        at = MORNING + timedelta(minutes=minutes)
        snapshot = Snapshot(source=source, sku="TENT", location=location, on_hand=Decimal(on_hand), as_of=at)
        with shelves.hub.unit_of_work() as uow:
            (counted,) = inventory.count_many(uow, [snapshot])
        return counted.error

    assert count("erp", 5, 1) is None
    refused = count("wms", 7, 2)
    assert refused is not None
    assert refused.code == "inventory.not_the_source"
    own(shelves, "stock", "EAST", "wms")
    assert count("wms", 7, 3) is None
    for minutes in (4, 5):
        error = count("erp", 9, minutes)
        assert error is not None
        assert (error.code, "EAST is counted by wms" in error.message) == ("inventory.not_the_owner", True)
    assert count("erp", 3, 6, "WEST") is None
    assert noted(shelves) == [("refused", "stock.EAST", "sku TENT", "erp", 2)]
    with shelves.hub.unit_of_work() as uow:
        rows = uow.sql("SELECT location, on_hand, source FROM inventory.stock_level ORDER BY 1").fetchall()
    assert rows == [("EAST", 7, "wms"), ("WEST", 3, "erp")]


@pytest.mark.capability("CM-6")
def test_without_a_rule_the_default_holds_and_a_role_owns_what_it_plays(shelves: Shelves) -> None:
    assert owner_in({}, "north", "customer", "terms") == Owner(owner="role:erp")
    assert owner_in({("", "customer", ""): Owner(owner="crm")}, "north", "customer", "terms").owner == "crm"
    with shelves.hub.unit_of_work() as uow:
        assert allowed(uow, "", "product", "text", "anything")
        assert not allowed(uow, "", "customer", "terms", "shop")
        assert allowed(uow, "", "customer", "terms", "")


@pytest.mark.capability("CM-6")
@pytest.mark.parametrize(
    ("rule", "kind", "said"),
    [
        (("planet", "", "*", "refuse"), Invalid, "entity 'planet'"),
        (("product", "colour", "*", "refuse"), Invalid, "group 'colour'"),
        (("product", "text", "role:juggler", "refuse"), Invalid, "no such role"),
        (("product", "text", "nobody", "refuse"), NotFound, "no connection"),
        (("customer", "terms", "*", "hold"), Invalid, "give refuse"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(
    shelves: Shelves, rule: tuple[str, str, str, str], kind: type[HubError], said: str
) -> None:
    entity, group, owner, otherwise = rule
    with shelves.hub.unit_of_work() as uow:
        with pytest.raises(kind, match=said):
            set_owner(uow, "", entity, group, owner, "ann", otherwise=otherwise)
        with pytest.raises(NotFound, match="nobody named"):
            unset_owner(uow, "", "product", "text", "ann")

"""Sheets of counts: snapshots of a source, all of them or none, each that cannot be taken named by its line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app import flows
from app.domains.inventory import service
from app.flows.sheet_wish import Wish, receive
from app.infra.ownership import set_owner
from app.infra.sheets.faults import error_file
from app.infra.sheets.keeping import sheet_of
from app.infra.sheets.rows import SheetRow
from app.settings import Settings
from tests.flows.paper import adapters
from tests.hub import Crank
from tests.stock import wanted

pytestmark = pytest.mark.capability("INV-1")
WISH = Wish(kind="stock", name="count.csv", source="warehouse")
HEAD = "sku,location,quantity,unit,as_of,sequence\n"
KEPT = "SELECT sku, location, on_hand::float, sequence FROM inventory.stock_level ORDER BY 1, 2"


@pytest.fixture
def crank(settings: Settings, database: object, redis_client: object) -> Iterator[Crank]:
    flows.load()
    made = Crank(settings, adapter=adapters)
    yield made
    made.close()


def ago(crank: Crank, **since: int) -> str:
    return (crank.hub.clock.now() - timedelta(**since)).isoformat()


def take_in(crank: Crank, body: str, **wish: Any) -> SheetRow:
    sheet = receive(crank.hub, io.BytesIO(body.encode()), replace(WISH, **wish), who="anna")
    crank.settle()
    with crank.uow() as uow:
        return sheet_of(uow, sheet)


def errors(crank: Crank, row: SheetRow) -> list[tuple[int, str, str]]:
    lines = [line.split(",") for line in "".join(error_file(crank.hub, row.id)).splitlines()[1:]]
    return [(int(line[0]), line[1], line[2]) for line in lines]


def test_a_sheet_counts_levels_in_the_units_of_their_skus(crank: Crank) -> None:
    with crank.uow() as uow:
        service.set_unit(uow, "MUG", "box", Decimal(12))
    hour = ago(crank, hours=1)
    body = HEAD + f"MUG,EAST,3,box,{hour},7\nMUG,WEST,5,,{hour},7\nTENT,EAST,0,,{hour},7\n"
    row = take_in(crank, body)
    assert (row.state, row.counts) == ("applied", {"created": 3, "changed": 0, "unchanged": 0})
    assert crank.rows(KEPT) == [("MUG", "EAST", 36.0, 7), ("MUG", "WEST", 5.0, 7), ("TENT", "EAST", 0.0, 7)]
    assert crank.rows("SELECT DISTINCT source FROM inventory.stock_level") == [("warehouse",)]
    assert crank.rows("SELECT sku, available::int FROM inventory.availability ORDER BY 1") == [("MUG", 41), ("TENT", 0)]
    with crank.uow() as uow:
        service.reserve(uow, "o-1", wanted({"MUG": 4}))
    later = take_in(crank, body + f"MUG,NORTH,2,,{hour},7\n")
    assert later.counts == {"created": 1, "changed": 0, "unchanged": 3}
    assert crank.rows("SELECT sum(reserved)::int FROM inventory.stock_level") == [(4,)]


def test_wrong_cells_are_named_and_nothing_is_half_applied(crank: Crank) -> None:
    hour, soon = ago(crank, hours=1), ago(crank, hours=-3)
    row = take_in(
        crank,
        HEAD
        + f"GOOD,EAST,1,,{hour},1\n"  # 2
        + f"NEG,EAST,-1,,{hour},1\n"  # 3
        + f"UNIT,EAST,1,crate,{hour},1\n"  # 4
        + f",EAST,1,,{hour},1\n"  # 5
        + f"NONE,,1,,{hour},1\n"  # 6
        + "WHEN,EAST,1,,yesterday,1\n"  # 7
        + f"SEQ,EAST,many,,{hour},-1\n"  # 8
        + f"NAN,EAST,NaN,,{hour},1\n"  # 9
        + f"GOOD,EAST,2,,{hour},1\n",  # 10
    )
    assert (row.state, crank.rows(KEPT)) == ("refused", [])
    assert errors(crank, row) == [
        (3, "quantity", "inventory.negative"),
        (4, "unit", "inventory.unknown_unit"),
        (5, "sku", "inventory.no_place"),
        (6, "location", "inventory.no_place"),
        (7, "as_of", "inventory.naive_time"),
        (8, "quantity", "inventory.not_exact"),
        (8, "sequence", "inventory.not_exact"),
        (9, "quantity", "inventory.not_exact"),
        (10, "sku", "inventory.counted_twice"),
    ]
    future = take_in(crank, HEAD + f"GOOD,EAST,1,,{hour},1\nLATE,EAST,1,,{soon},1\n")
    assert (future.state, errors(crank, future)) == ("refused", [(3, "as_of", "inventory.from_the_future")])
    assert crank.rows("SELECT count(*) FROM inventory.stock_level") == [(0,)]


def test_a_snapshot_older_than_the_ledger_is_named_and_the_others_wait_with_it(crank: Crank) -> None:
    take_in(crank, HEAD + f"MUG,EAST,9,,{ago(crank, hours=1)},20\nTENT,EAST,9,,{ago(crank, hours=1)},20\n")
    body = HEAD + f"MUG,EAST,5,,{ago(crank, hours=2)},19\nTENT,EAST,8,,{ago(crank, minutes=1)},21\n"
    old = take_in(crank, body)
    assert (old.state, errors(crank, old)) == ("refused", [(2, "as_of", "inventory.older_snapshot")])
    assert crank.rows(KEPT) == [("MUG", "EAST", 9.0, 20), ("TENT", "EAST", 9.0, 20)]
    lenient = take_in(crank, body, strict=False)
    assert (lenient.state, lenient.wrong_lines, lenient.counts["changed"]) == ("applied", 1, 1)
    assert crank.rows(KEPT) == [("MUG", "EAST", 9.0, 20), ("TENT", "EAST", 8.0, 21)]
    other = take_in(crank, HEAD + f"MUG,EAST,5,,{ago(crank, minutes=1)},1\n", source="shop floor")
    assert (other.state, errors(crank, other)) == ("refused", [(2, "location", "inventory.not_the_source")])


def test_a_dry_run_judges_against_the_ledger_and_counts_nothing(crank: Crank) -> None:
    row = take_in(
        crank, HEAD + f"MUG,EAST,9,,{ago(crank, hours=1)},1\nMUG,WEST,9,,{ago(crank, hours=-2)},1\n", dry=True
    )
    assert (row.state, row.wrong_lines, row.counts["created"]) == ("checked", 1, 1)
    assert crank.rows("SELECT count(*) FROM inventory.availability") == [(0,)]


@pytest.mark.capability("CM-6")
def test_a_location_that_another_source_owns_is_refused_and_noted(crank: Crank) -> None:
    with crank.uow() as uow:
        set_owner(uow, "", "stock", "EAST", "role:erp", "ann")
    hour = ago(crank, hours=1)
    row = take_in(crank, HEAD + f"MUG,EAST,9,,{hour},1\nMUG,WEST,9,,{hour},1\n")
    assert (row.state, errors(crank, row)) == ("refused", [(2, "location", "inventory.not_the_owner")])
    noted = crank.rows("SELECT entity, field_group, key, source, owner, state FROM hub.foreign_update")
    assert noted == [("stock", "EAST", "sku MUG", "warehouse", "role:erp", "refused")]
    lenient = take_in(crank, HEAD + f"MUG,EAST,9,,{hour},1\nMUG,WEST,9,,{hour},1\n", strict=False)
    assert (lenient.state, crank.rows(KEPT)) == ("applied", [("MUG", "WEST", 9.0, 1)])

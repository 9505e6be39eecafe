"""Sheets of prices: a SKU's prices in a list whole, without gaps or overlaps in time, or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app import flows
from app.domains.pricing.canonical.prices import PriceList, Scope
from app.domains.pricing.service.lists import keep_list
from app.flows.sheet_wish import Wish, receive
from app.infra.ownership import set_owner
from app.infra.sheets.faults import error_file
from app.infra.sheets.keeping import sheet_of
from app.infra.sheets.reading import Dialect
from app.infra.sheets.rows import SheetRow
from app.kernel.errors import Invalid
from app.settings import Settings
from tests.flows.paper import adapters
from tests.flows.test_sheet_books import book
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRC-1")
WISH = Wish(kind="prices", name="prices.csv")
HEAD = "list,sku,unit,min_quantity,price,from,until\n"
KEPT = (
    "SELECT sku, min_quantity::float, amount::float, from_at::text, until_at::text FROM pricing.price ORDER BY 1, 2, 4"
)


@pytest.fixture
def crank(settings: Settings, database: object, redis_client: object) -> Iterator[Crank]:
    flows.load()
    made = Crank(settings, adapter=adapters)
    with made.uow() as uow:
        wanted = PriceList(code="retail", currency="EUR", scope=Scope(), includes_tax=True, zone="Europe/Berlin")
        keep_list(uow, wanted, "ann")
    yield made
    made.close()


def take_in(crank: Crank, body: str | bytes, **wish: Any) -> SheetRow:
    file = io.BytesIO(body if isinstance(body, bytes) else body.encode())
    sheet = receive(crank.hub, file, replace(WISH, **wish), who="anna")
    crank.settle()
    with crank.uow() as uow:
        return sheet_of(uow, sheet)


def errors(crank: Crank, row: SheetRow) -> list[tuple[int, str, str]]:
    lines = [line.split(",") for line in "".join(error_file(crank.hub, row.id)).splitlines()[1:]]
    return [(int(line[0]), line[1], line[2]) for line in lines]


def test_a_sheet_gives_skus_their_prices_by_break_and_time_in_the_zone_of_the_list(crank: Crank) -> None:
    row = take_in(
        crank,
        HEAD + "retail,TENT,,1,199.90,2026-01-01,\nretail,TENT,,1,149,2026-11-27,2026-11-30\n"
        "retail,TENT,,1,199.90,2026-12-01,\nretail,TENT,,10,180.5,2026-01-01,\nretail,PEG,,,0.375,2026-01-01,\n",
    )
    assert (row.state, row.counts) == ("applied", {"created": 2, "changed": 0, "unchanged": 0})
    assert crank.rows(KEPT) == [
        ("PEG", 1.0, 0.375, "2025-12-31 23:00:00+00", None),
        ("TENT", 1.0, 199.9, "2025-12-31 23:00:00+00", "2026-11-26 23:00:00+00"),
        ("TENT", 1.0, 149.0, "2026-11-26 23:00:00+00", "2026-11-30 23:00:00+00"),
        ("TENT", 1.0, 199.9, "2026-11-30 23:00:00+00", None),
        ("TENT", 10.0, 180.5, "2025-12-31 23:00:00+00", None),
    ]
    again = take_in(crank, HEAD + "retail,PEG,,,0.4,2026-01-01,\nretail,TENT,,,199.90,2026-01-01,\n")
    assert again.counts == {"created": 0, "changed": 2, "unchanged": 0}
    assert [found[:3] for found in crank.rows(KEPT)] == [("PEG", 1.0, 0.4), ("TENT", 1.0, 199.9)]
    facts = crank.rows("SELECT payload ->> 'skus' FROM hub.event WHERE type = 'pricing.price_changed.v1'")
    assert facts == [('["PEG", "TENT"]',)] * 2


def test_gaps_overlaps_and_wrong_cells_are_named_by_line_and_nothing_is_half_applied(crank: Crank) -> None:
    row = take_in(
        crank,
        HEAD
        + "retail,GAP,,1,5,2026-01-01,2026-01-31\n"  # 2
        + "retail,GAP,,1,6,2026-02-02,\n"  # 3: a day without a price
        + "retail,LAP,,1,5,2026-01-01,2026-02-28\n"  # 4
        + "retail,LAP,,1,6,2026-02-01,\n"  # 5: February twice
        + "retail,NEG,,1,-5,2026-01-01,\n"  # 6
        + "retail,NAN,,x,cheap,soon,\n"  # 7: three cells
        + "nowhere,ANY,,1,5,2026-01-01,\n"  # 8
        + "retail,END,,1,5,2026-02-01,2026-01-01\n"  # 9
        + "retail,DST,,1,5,2026-03-29T02:30,\n"  # 10: the clock is put forward
        + "retail,DST,,2,4,2026-01-01,\n"  # 11: another line of the same SKU
        + "retail,GOOD,,1,5,2026-01-01,\n",  # 12
    )
    assert (row.state, crank.rows(KEPT)) == ("refused", [])
    assert errors(crank, row) == [
        (2, "sku", "pricing.other_line"),
        (3, "from", "pricing.gap_in_time"),
        (4, "sku", "pricing.other_line"),
        (5, "from", "pricing.overlap_in_time"),
        (6, "price", "pricing.price"),
        (7, "from", "pricing.local_time"),
        (7, "min_quantity", "pricing.price"),
        (7, "price", "pricing.price"),
        (8, "list", "pricing.unknown_list"),
        (9, "until", "pricing.price"),
        (10, "from", "pricing.local_time"),
        (11, "sku", "pricing.other_line"),
    ]
    lenient = take_in(crank, HEAD + "retail,NEG,,1,-5,2026-01-01,\nretail,GOOD,,1,5,2026-01-01,\n", strict=False)
    assert (lenient.state, lenient.wrong_lines) == ("applied", 1)
    assert [found[0] for found in crank.rows(KEPT)] == ["GOOD"]


def test_a_sheet_that_would_leave_a_sku_without_the_price_it_has_now_is_refused(crank: Crank) -> None:
    take_in(crank, HEAD + "retail,TENT,,1,199,2026-01-01,\nretail,TENT,,10,180,2026-01-01,\n")
    soon = take_in(crank, HEAD + "retail,TENT,,1,149,2099-11-27,\n")
    assert (soon.state, errors(crank, soon)) == ("refused", [(2, "from", "pricing.gap_in_time")])
    above = take_in(crank, HEAD + "retail,TENT,,10,149,2026-01-01,\n")
    assert (above.state, errors(crank, above)) == ("refused", [(2, "from", "pricing.gap_in_time")])
    whole = take_in(crank, HEAD + "retail,TENT,,1,199,2026-01-01,\nretail,TENT,,1,149,2099-11-27,\n")
    assert whole.state == "applied"
    assert [found[2] for found in crank.rows(KEPT)] == [199.0, 149.0]


def test_a_unit_that_the_catalogue_lacks_is_named_and_its_base_unit_is_no_unit(crank: Crank) -> None:
    products = replace(WISH, kind="products")
    file = io.BytesIO(b"sku,unit,units\nTENT,piece,box=12\n")
    receive(crank.hub, file, products, who="anna")
    crank.settle()
    lines = "retail,TENT,piece,1,10,2026-01-01,\nretail,TENT,box,1,100,2026-01-01,\n"
    wrong = take_in(crank, HEAD + lines + "retail,TENT,crate,1,100,2026-01-01,\n")
    assert errors(crank, wrong)[-1] == (4, "unit", "pricing.unknown_unit")
    assert take_in(crank, HEAD + lines).state == "applied"
    assert crank.rows("SELECT unit, amount::float FROM pricing.price ORDER BY unit") == [("", 10.0), ("box", 100.0)]


@pytest.mark.capability("CM-6")
def test_prices_of_a_list_that_another_system_owns_are_refused_and_noted(crank: Crank) -> None:
    with crank.uow() as uow:
        set_owner(uow, "", "price", "retail", "role:erp", "ann")
    row = take_in(crank, HEAD + "retail,TENT,,1,199,2026-01-01,\n")
    assert (row.state, errors(crank, row)) == ("refused", [(2, "list", "pricing.not_the_owner")])
    noted = crank.rows("SELECT entity, field_group, source, owner, state FROM hub.foreign_update")
    assert noted == [("price", "retail", "hub", "role:erp", "refused")]


def test_a_workbook_may_hold_its_days_as_numbers(crank: Crank) -> None:
    head = "".join(f'<c t="str"><v>{name}</v></c>' for name in ("list", "sku", "price", "from", "until"))
    texts = "".join(f'<c t="str"><v>{text}</v></c>' for text in ("retail", "TENT"))
    cells = texts + "".join(f"<c><v>{number}</v></c>" for number in ("149.5", 46353, 46356))
    body = book(f'<row r="2">{cells}</row>', head=f'<row r="1">{head}</row>')
    row = take_in(crank, body, name="prices.xlsx", format="xlsx")
    assert row.state == "applied"
    days = [("TENT", 1.0, 149.5, "2026-11-26 23:00:00+00", "2026-11-30 23:00:00+00")]
    assert crank.rows(KEPT) == days


def test_a_decimal_comma_and_a_company_are_read_as_the_sheet_is_told(crank: Crank) -> None:
    body = HEAD.replace(",", ";") + "retail;TENT;;1;1,25;2026-01-01;\n"
    assert take_in(crank, body, dialect=Dialect(decimal_mark=",")).state == "applied"
    assert crank.rows("SELECT amount FROM pricing.price") == [(Decimal("1.250000"),)]
    with pytest.raises(Invalid, match="leave it out"):
        take_in(crank, body, company="acme")

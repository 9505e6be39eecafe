"""Sheets of products: kept, checked whole, and in force together or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app import flows
from app.flows.sheet_wish import Wish, receive
from app.infra.ownership import set_owner
from app.infra.runs.work import run_of
from app.infra.sheets.faults import error_file
from app.infra.sheets.keeping import PIECE, pieces_of, sheet_of
from app.infra.sheets.reading import Dialect
from app.infra.sheets.rows import SheetRow
from app.kernel.errors import HubError, Refused
from app.settings import Settings
from tests.flows.paper import adapters
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRD-1")
TENTS = """sku,product,title,status,gtin,weight,weight_unit,option:Colour
TENT-GRN,TENT,"Trail tent, two persons",active,4006381333931,2.350,kg,Green
TENT-RED,TENT,,active,,2.35,kg,Red
PEG,,"A ""strong"" peg",draft,96385074,14,g,
"""
WISH = Wish(kind="products", name="tents.csv")


@pytest.fixture
def crank(settings: Settings, database: object, redis_client: object) -> Iterator[Crank]:
    flows.load()
    made = Crank(settings, adapter=adapters)
    yield made
    made.close()


def hand_in(crank: Crank, text: str | bytes, **wish: Any) -> str:
    body = text if isinstance(text, bytes) else text.encode()
    return receive(crank.hub, io.BytesIO(body), replace(WISH, **wish), who="anna")


def take_in(crank: Crank, text: str | bytes, **wish: Any) -> SheetRow:
    """Hand a sheet in and let its run end."""
    sheet = hand_in(crank, text, **wish)
    crank.settle()
    with crank.uow() as uow:
        row = sheet_of(uow, sheet)
        assert run_of(uow, str(row.run_id)).state == "done"
    return row


def errors(crank: Crank, row: SheetRow) -> list[str]:
    """The error file without its header, line by line."""
    return "".join(error_file(crank.hub, row.id)).splitlines()[1:]


def skus(crank: Crank) -> list[str]:
    return [sku for (sku,) in crank.rows("SELECT sku FROM product.variant ORDER BY sku")]


def test_a_sheet_becomes_products_with_variants_options_and_weights(crank: Crank) -> None:
    row = take_in(crank, TENTS)
    assert (row.state, row.lines, row.wrong_lines) == ("applied", 3, 0)
    assert row.counts == {"created": 2, "changed": 0, "unchanged": 0}
    found = crank.rows("SELECT code, title, status, options, version FROM product.product ORDER BY code")
    assert found == [
        ("PEG", 'A "strong" peg', "draft", [], 1),
        ("TENT", "Trail tent, two persons", "active", ["Colour"], 1),
    ]
    variants = crank.rows(
        "SELECT v.sku, p.code, v.position, v.options, v.gtin, v.weight::text, v.weight_unit, v.uom, v.status "
        "FROM product.variant v JOIN product.product p ON p.id = v.product_id ORDER BY v.sku"
    )
    assert variants == [
        ("PEG", "PEG", 1, {}, "96385074", "14", "g", "piece", "draft"),
        ("TENT-GRN", "TENT", 1, {"Colour": "Green"}, "4006381333931", "2.350", "kg", "piece", "active"),
        ("TENT-RED", "TENT", 2, {"Colour": "Red"}, "", "2.35", "kg", "piece", "active"),
    ]


def test_new_products_have_ids_of_version_seven_and_say_which_source_told_what(crank: Crank) -> None:
    take_in(crank, TENTS, source="pim")
    ids = crank.rows("SELECT id::text FROM product.product UNION ALL SELECT id::text FROM product.variant")
    assert len({one for (one,) in ids}) == 5
    assert all(one[14] == "7" and one[19] in "89ab" for (one,) in ids)
    told = dict(crank.rows("SELECT code, array(SELECT jsonb_object_keys(origins) ORDER BY 1) FROM product.product"))
    assert told == {
        "PEG": ["gtin", "status", "text", "weight"],
        "TENT": ["gtin", "status", "structure", "text", "weight"],
    }
    assert crank.rows("SELECT DISTINCT origins -> 'text' ->> 'source' FROM product.product") == [("pim",)]


@pytest.mark.capability("PRD-4")
def test_a_bulk_of_new_products_is_told_by_the_thousand(crank: Crank) -> None:
    lines = "".join(f"SKU-{n:05},Thing {n}\n" for n in range(2500))
    take_in(crank, f"sku,title\n{lines}")
    events = crank.rows(
        "SELECT jsonb_array_length(payload -> 'product_ids') FROM hub.event WHERE type LIKE 'product.%%' ORDER BY 1"
    )
    assert events == [(500,), (1000,), (1000,)]


def test_one_wrong_line_refuses_a_strict_sheet_and_the_error_file_names_line_field_and_rule(crank: Crank) -> None:
    wrong = TENTS + "BAD-1,,Bad,active,4006381333932,1,kg,\nBAD-2,,Bad,sold,,-1,kg,\nPEG,,Again,,,,,\nshort,line\n"
    row = take_in(crank, wrong)
    assert (row.state, row.wrong_lines) == ("refused", 5)
    assert skus(crank) == []
    found = [line.split(",")[:4] for line in errors(crank, row)]
    assert found == [
        ["4", "sku", "product.sku_twice", "PEG"],
        ["5", "gtin", "product.gtin_check_digit", "4006381333932"],
        ["6", "status", "product.unknown_status", "sold"],
        ["6", "weight", "product.weight", "'-1"],
        ["7", "sku", "product.sku_twice", "PEG"],
        ["8", "", "sheets.cells", "short | line"],
    ]
    assert "its check digit is 1" in errors(crank, row)[1]


def test_a_lenient_sheet_leaves_wrong_lines_out_and_applies_the_others_together(crank: Crank) -> None:
    row = take_in(crank, TENTS + "BAD-1,,Bad,active,4006381333932,1,kg,\n", strict=False)
    assert (row.state, row.wrong_lines, row.counts["created"]) == ("applied", 1, 2)
    assert skus(crank) == ["PEG", "TENT-GRN", "TENT-RED"]


def test_a_dry_run_finds_everything_and_changes_nothing(crank: Crank) -> None:
    row = take_in(crank, TENTS, dry=True)
    assert (row.state, row.counts["created"]) == ("checked", 2)
    assert skus(crank) == []
    assert crank.rows("SELECT count(*) FROM hub.event WHERE type LIKE 'product.%%'") == [(0,)]


def test_the_same_file_is_taken_in_once_unless_somebody_wants_it_again(crank: Crank) -> None:
    first = take_in(crank, TENTS)
    with pytest.raises(Refused, match="say `again`") as refused:
        hand_in(crank, TENTS)
    assert refused.value.about == first.id
    again = take_in(crank, TENTS, again=True)
    assert again.counts == {"created": 0, "changed": 0, "unchanged": 2}
    assert crank.rows("SELECT DISTINCT version FROM product.product") == [(1,)]


def test_what_is_known_changes_where_the_sheet_says_otherwise_and_keeps_what_it_leaves_empty(crank: Crank) -> None:
    take_in(crank, TENTS)
    row = take_in(crank, "sku,product,title,weight,weight_unit\nTENT-RED,TENT,,2.5,kg\nPEG,,,,\nROPE,,A rope,1,kg\n")
    assert row.counts == {"created": 1, "changed": 1, "unchanged": 1}
    assert crank.rows("SELECT sku, weight::text FROM product.variant WHERE sku LIKE 'T%%' ORDER BY 1") == [
        ("TENT-GRN", "2.350"),
        ("TENT-RED", "2.5"),
    ]
    versions = dict(crank.rows("SELECT code, version FROM product.product"))
    assert versions == {"TENT": 2, "PEG": 1, "ROPE": 1}


def test_units_and_bundles_come_from_a_sheet_in_whatever_order_its_lines_are(crank: Crank) -> None:
    text = "sku,title,units,components\nKIT,A kit,,ROPE=2; PEG=12\nROPE,A rope,box=12,\nPEG,A peg,,\n"
    assert take_in(crank, text).counts["created"] == 3
    assert crank.rows("SELECT unit, numerator, denominator FROM product.unit_conversion") == [("box", 12, 1)]
    held = crank.rows(
        "SELECT v.sku, b.quantity::text FROM product.bundle_component b JOIN product.variant v ON v.id = component_id"
    )
    assert sorted(held) == [("PEG", "12"), ("ROPE", "2")]


def test_a_bundle_of_a_sku_that_nobody_knows_refuses_the_sheet_whole(crank: Crank) -> None:
    row = take_in(crank, "sku,title,components\nROPE,A rope,\nKIT,A kit,NONE=1\n")
    assert row.state == "refused"
    assert [line.split(",")[:3] for line in errors(crank, row)] == [["3", "components", "product.component_missing"]]
    assert skus(crank) == []
    assert crank.rows("SELECT count(*) FROM hub.event WHERE type LIKE 'product.%%'") == [(0,)]


def test_variants_of_one_product_that_contradict_one_another_are_named(crank: Crank) -> None:
    text = (
        "sku,product,title,option:Colour,option:Size\nA,P,One,Red,M\nB,P,Two,Red,L\nC,P,,Blue,\nD,P,One,Red,M\n"
        "E,Q,Other,,\n"
    )
    row = take_in(crank, text)
    assert [tuple(line.split(",")[:3]) for line in errors(crank, row)] == [
        ("3", "title", "product.lines_differ"),
        ("4", "option", "product.option_names"),
        ("5", "option", "product.same_options"),
    ]


@pytest.mark.parametrize(
    ("body", "wish", "code", "said"),
    [
        (b"", {}, "sheets.empty", "is empty"),
        (b"sku,colour\nA,red\n", {}, "sheets.header", "column 2 is called 'colour'"),
        (b"title\nA\n", {}, "sheets.header", "column sku is missing"),
        (b"sku,sku\nA,B\n", {}, "sheets.header", "there twice"),
        (b"sku,title\xe9\nA,B\n", {}, "sheets.encoding", "line 1: byte 0xe9 is no utf-8"),
        (b"sku\nA\n", {"kind": "recipes"}, "sheets.unknown_kind", "there are prices, products, stock"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_the_door(
    crank: Crank, body: bytes, wish: dict[str, Any], code: str, said: str
) -> None:
    with pytest.raises(HubError, match=said) as refused:
        hand_in(crank, body, **wish)
    assert refused.value.code == code
    assert crank.rows("SELECT count(*) FROM hub.sheet") == [(0,)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"sku,title\nA,good\nB,caf\xe9\n", "line 3: byte 0xe9 is no utf-8"),
        (b'sku,title\nA,good\nB,"open\nC,x\n', "line 4: unexpected end of data"),
        (b'sku,title\nA,"good" morning\n', "line 2:"),
        (b"sku,title\nA,\0\n", "line 2 holds a zero byte"),
    ],
)
def test_a_file_that_breaks_off_is_refused_with_its_line(crank: Crank, body: bytes, said: str) -> None:
    row = take_in(crank, body)
    assert row.state == "refused"
    assert said in row.said
    assert skus(crank) == []


def test_encoding_separator_and_decimal_comma_are_as_they_are_told(crank: Crank) -> None:
    text = (
        "\ufeffSKU;Title;Product Type;Weight;Weight unit\r\nA;Café;Möbel;1,25;kg\r\n;;;;\r\nB;Zwei\r\nZeilen;x;1;g\r\n"
    )
    row = take_in(crank, text, dialect=Dialect(decimal_mark=","), strict=False)
    assert (row.delimiter, row.wrong_lines) == (";", 2)
    latin = "sku;title\nC;Tür\n".encode("cp1252")
    assert take_in(crank, latin, dialect=Dialect(encoding="cp1252")).state == "applied"
    found = crank.rows(
        "SELECT p.title, v.weight::text FROM product.variant v JOIN product.product p ON p.id = product_id"
    )
    assert sorted(found, key=str) == [("Café", "1.25"), ("Tür", None)]


def test_lines_are_counted_as_an_editor_shows_them_also_behind_cells_of_several_lines(crank: Crank) -> None:
    row = take_in(crank, 'sku,title\nA,"one\ntwo\nthree"\n\nB,"tab\there \\ and back"\n,nothing\n', strict=False)
    assert [line.split(",")[:3] for line in errors(crank, row)] == [["7", "sku", "product.no_sku"]]
    assert crank.rows("SELECT title FROM product.product ORDER BY code") == [
        ("one\ntwo\nthree",),
        ("tab\there \\ and back",),
    ]


def test_a_large_file_is_read_in_turns_and_kept_as_it_came(crank: Crank) -> None:
    filler = "x" * 2000
    body = ("sku,title,description\n" + "".join(f'S{n},"T, {n}",{filler}\n' for n in range(6000))).encode()
    assert len(body) > 10 * PIECE
    row = take_in(crank, body)
    assert (row.lines, row.counts["created"], row.size) == (6000, 6000, len(body))
    with crank.uow() as uow:
        assert b"".join(pieces_of(uow, row.id)) == body
        run = run_of(uow, str(row.run_id))
        assert (run.done, run.total, run.turn > 5) == (6000, 6000, True)
    assert crank.rows("SELECT count(*) FROM product.sheet_line") == [(0,)]


def test_lines_that_a_crash_of_the_database_emptied_are_read_again(crank: Crank) -> None:
    sheet = hand_in(crank, TENTS)
    with crank.uow() as uow:
        phase = "SELECT checkpoint ->> 'phase' FROM hub.run"
        assert uow.sql(phase).fetchone() == (None,)
    for _ in range(20):
        for place in crank.ready():
            crank.drain._turn(place, 0, 1)
        if crank.rows("SELECT checkpoint ->> 'phase' FROM hub.run") == [("check",)]:
            break
    with crank.uow() as uow:
        uow.sql("TRUNCATE product.sheet_line")
    crank.settle()
    with crank.uow() as uow:
        assert sheet_of(uow, sheet).state == "applied"
        assert sheet_of(uow, sheet).lines == 3
    assert len(skus(crank)) == 3


@pytest.mark.capability("CM-6")
def test_what_another_system_owns_is_refused_by_name_or_held_as_its_rule_says(crank: Crank) -> None:
    take_in(crank, TENTS)
    with crank.uow() as uow:
        set_owner(uow, "", "product", "text", "role:erp", "ann")
        set_owner(uow, "", "product", "weight", "role:erp", "ann", otherwise="hold")
    known = take_in(crank, 'sku,title,vendor\nPEG,"A ""strong"" peg",Acme\n')  # the title that is known
    assert (known.state, known.counts["changed"]) == ("applied", 1)
    named = take_in(crank, "sku,title,vendor\nPEG,A weak peg,Zenith\n")
    assert (named.state, named.wrong_lines) == ("refused", 1)
    assert errors(crank, named)[0].startswith('2,title,product.not_the_owner,PEG,"the text of product PEG is role:erp')
    held = take_in(crank, "sku,vendor,weight,weight_unit\nPEG,Zenith,15,g\n")
    assert (held.state, held.counts["changed"]) == ("applied", 1)
    found = crank.rows(
        "SELECT p.title, p.vendor, v.weight::int FROM product.product p JOIN product.variant v ON v.product_id = p.id "
        "WHERE p.code = 'PEG'"
    )
    assert found == [('A "strong" peg', "Zenith", 14)]
    noted = crank.rows("SELECT field_group, source, owner, state FROM hub.foreign_update ORDER BY 1")
    assert noted == [("text", "sheet", "role:erp", "refused"), ("weight", "sheet", "role:erp", "held")]

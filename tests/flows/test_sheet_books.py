"""Workbooks: the first sheet's values, as a spreadsheet program writes them."""

from __future__ import annotations

import io
import zipfile

import pytest

from app.infra.sheets.books import rows_of
from app.kernel.errors import Invalid
from tests.flows.test_sheet_import import crank, errors, take_in
from tests.hub import Crank

__all__ = ["crank"]
pytestmark = pytest.mark.capability("PRD-1", "SEC-2")
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
BOOK = (
    f'<workbook {MAIN} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Tents" sheetId="1" r:id="rId7"/><sheet name="Other" sheetId="2" r:id="rId8"/></sheets>'
    "</workbook>"
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId8" Target="worksheets/sheet2.xml"/><Relationship Id="rId7" Target="worksheets/sheet1.xml"/>'
    "</Relationships>"
)
TEXTS = (
    f"<sst {MAIN}><si><t>sku</t></si><si><t>title</t></si><si><r><t>Trail </t></r><r><t>tent</t></r>"
    "<rPh><t>aloud</t></rPh></si></sst>"
)
HEAD = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    '<c r="C1" t="inlineStr"><is><t>gtin</t></is></c>'
    '<c r="D1" t="inlineStr"><is><t>weight</t></is></c><c r="E1" t="str"><v>weight_unit</v></c></row>'
)


def book(rows: str, *, head: str = HEAD, prolog: str = "") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", BOOK)
        packed.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        packed.writestr("xl/sharedStrings.xml", TEXTS)
        packed.writestr(
            "xl/worksheets/sheet1.xml", f"{prolog}<worksheet {MAIN}><sheetData>{head}{rows}</sheetData></worksheet>"
        )
    return written.getvalue()


def test_a_workbook_becomes_products_and_its_rows_keep_their_numbers(crank: Crank) -> None:
    rows = (
        '<row r="3"><c r="A3"><v>1001</v></c><c r="B3" t="s"><v>2</v></c><c r="C3"><v>4006381333931</v></c>'
        '<c r="D3"><v>1.1000000000000001</v></c><c r="E3" t="inlineStr"><is><t>kg</t></is></c></row>'
        '<row r="5"><c r="A5" t="inlineStr"><is><t>B</t></is></c><c r="C5"><v>4006381333932</v></c></row>'
    )
    row = take_in(crank, book(rows), format="xlsx", name="tents.xlsx", strict=False)
    assert (row.state, row.lines, row.wrong_lines) == ("applied", 2, 1)
    assert errors(crank, row)[0].startswith("5,gtin,product.gtin_check_digit,4006381333932")
    found = crank.rows(
        "SELECT v.sku, p.title, v.gtin, v.weight::text FROM product.variant v "
        "JOIN product.product p ON p.id = v.product_id"
    )
    assert found == [("1001", "Trail tent", "4006381333931", "1.1")]


def test_a_formula_refuses_the_workbook_and_names_its_cell(crank: Crank) -> None:
    rows = '<row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="B2"><f>1+1</f><v>2</v></c></row>'
    filler = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(3, 20_000))
    with pytest.raises(Invalid, match="line 2: cell B2 is a formula: paste its value instead"):
        take_in(crank, book(rows), format="xlsx")
    late = take_in(crank, book(filler + rows.replace("2", "20001")), format="xlsx")
    assert (late.state, late.said) == ("refused", "line 20001: cell B20001 is a formula: paste its value instead")
    assert crank.rows("SELECT count(*) FROM product.sheet_line") == [(0,)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"sku\nA\n", "sheets.book"),
        (book("", prolog='<!DOCTYPE x [<!ENTITY a "aaaa">]>'), "sheets.book"),
        (book(f"<!--{' ' * 80_000_000}-->"), "sheets.too_large"),
        (book("<row r='2'><c></row>"), "sheets.book"),
    ],
)
def test_what_is_no_honest_workbook_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        list(rows_of(io.BytesIO(body)))
    assert refused.value.code == code

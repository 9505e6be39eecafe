"""What is wrong in a sheet, line by line, and the file that names it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from sqlalchemy import select, tuple_

from app.infra.hub import Hub
from app.infra.sheets.rows import SheetFault
from app.infra.sheets.staging import SHOWN, Fault
from app.infra.uow import UnitOfWork

KEEP = """
INSERT INTO hub.sheet_fault (sheet_id, line, field, code, said, value)
SELECT %(sheet)s, * FROM unnest(%(lines)s::bigint[], %(fields)s::text[], %(codes)s::text[], %(said)s::text[],
                                %(values)s::text[])
ON CONFLICT DO NOTHING
"""
LEAVE_OUT = """
DELETE FROM {table} l USING hub.sheet_fault f
 WHERE l.sheet_id = %(sheet)s AND f.sheet_id = l.sheet_id AND f.line = l.line
"""
COLUMNS = ("line", "field", "rule", "value", "what to do")
PAGE = 5000  # lines of an error file that are read at once
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a formula to a spreadsheet


def keep_faults(uow: UnitOfWork, sheet_id: str, faults: Sequence[Fault]) -> None:
    """Keep faults, once for each line, field and rule."""
    if faults:
        given = {
            "sheet": sheet_id,
            "lines": [fault.line for fault in faults],
            "fields": [fault.field for fault in faults],
            "codes": [fault.code for fault in faults],
            "said": [fault.said for fault in faults],
            "values": [fault.value[:SHOWN] for fault in faults],
        }
        uow.sql(KEEP, given)


def wrong_lines(uow: UnitOfWork, sheet_id: str) -> int:
    """How many lines have a fault."""
    counted = uow.sql("SELECT count(DISTINCT line) FROM hub.sheet_fault WHERE sheet_id = %(s)s", {"s": sheet_id})
    row = counted.fetchone()
    return int(row[0]) if row else 0


def leave_out(uow: UnitOfWork, table: str, sheet_id: str) -> None:
    """Take the lines that have a fault out of what is staged in a table."""
    uow.sql(LEAVE_OUT.format(table=table), {"sheet": sheet_id})


def by_rule(uow: UnitOfWork, sheet_id: str) -> list[tuple[str, str, int]]:
    """How often each rule is broken: (code, field, lines), the most frequent first."""
    statement = """
        SELECT code, field, count(*) FROM hub.sheet_fault WHERE sheet_id = %(s)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"""
    return [(code, field, n) for code, field, n in uow.sql(statement, {"s": sheet_id})]


def faults_of(
    uow: UnitOfWork, sheet_id: str, *, after: tuple[int, str, str] = (0, "", ""), most: int = 100
) -> list[SheetFault]:
    """Faults in the order of their lines, after one of them."""
    key = (SheetFault.line, SheetFault.field, SheetFault.code)
    wanted = select(SheetFault).filter_by(sheet_id=sheet_id).where(tuple_(*key) > after).order_by(*key).limit(most)
    return list(uow.session.scalars(wanted))


def error_file(hub: Hub, sheet_id: str) -> Iterator[str]:
    """The faults of a sheet as CSV, in pieces; what a spreadsheet would take for a formula is text there."""
    yield _lines([COLUMNS])
    after = (0, "", "")
    while True:
        with hub.unit_of_work() as uow:
            found = faults_of(uow, sheet_id, after=after, most=PAGE)
        if not found:
            return
        yield _lines([(str(one.line), one.field, one.code, one.value, one.said) for one in found])
        after = (found[-1].line, found[-1].field, found[-1].code)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([[_text(cell) for cell in row] for row in rows])
    return written.getvalue()


def _text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell

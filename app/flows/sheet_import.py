"""Sheets taken in: a file is read line by line into a staging table, checked whole, and applied in one step.

Each turn of the run is one transaction: some megabytes read, the check, or the whole application. A kill costs the turn
that was in hand. Nobody sees half a sheet: its lines come into force together, or not at all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from app.flows.running import inside_run
from app.flows.sheet_wish import KIND, Importer, dialect_of, importer_of
from app.infra.foreign import note_foreign
from app.infra.runs.work import Page, Run
from app.infra.sheets.books import blocks_of, header_of_book
from app.infra.sheets.faults import keep_faults, leave_out, wrong_lines
from app.infra.sheets.keeping import PIECE, pieces_of, reader_of, sheet_of
from app.infra.sheets.layout import Header
from app.infra.sheets.reading import BLOCK, LONGEST_RECORD, Block, blocks, header_of, read_ahead
from app.infra.sheets.rows import SheetRow
from app.infra.sheets.staging import Fault, Sheet, Staging
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid

PAGE_BYTES = 8 * 1024 * 1024  # read in one turn: about a third of a second
FAULTS_AT_ONCE = 5000


def page(uow: UnitOfWork, run: Run) -> Page:
    """One turn: some of the file, the check, the application, or taking the lines away."""
    row = sheet_of(uow, str(run.spec["sheet"]), lock=True)
    importer = importer_of(row.kind)
    phase = str(run.checkpoint.get("phase", "read"))
    return PHASES[phase](uow, run, row, importer)


def _read_book(uow: UnitOfWork, row: SheetRow, importer: Importer) -> Page:
    """Stage a workbook in one turn: there is no beginning in the middle of what is packed."""
    _clear(uow, importer, row.id)
    attempt = uow.attempt()
    with tempfile.SpooledTemporaryFile(max_size=PIECE) as spool:
        for piece in pieces_of(uow, row.id):
            spool.write(piece)
        try:
            header, rows = header_of_book(importer.layout, spool)
            staging = Staging(
                layout=importer.layout, header=header, sheet_id=row.id, decimal_mark=".", serials=True
            )  # fmt: skip
            staging.copy(uow, blocks_of(rows, len(header.fields)))
        except Invalid as wrong:
            uow.undo(attempt)
            return _refuse(uow, row, importer, wrong.message)
    keep_faults(uow, row.id, staging.faults)
    row.lines = staging.staged + len(staging.faults)
    kept = {"phase": "check", "staged": staging.staged}
    return Page(checkpoint=kept, done=staging.staged, total=row.lines, wait=0.0)


def _read(uow: UnitOfWork, run: Run, row: SheetRow, importer: Importer) -> Page:
    """Stage the next megabytes of the file."""
    if row.format == "xlsx":
        return _read_book(uow, row, importer)
    place, read = dict(run.checkpoint), reader_of(uow, row.id)
    try:
        header, dialect, begin = header_of(importer.layout, dialect_of(row), read)
        if "byte" not in place:
            _clear(uow, importer, row.id)
            place = {"byte": begin.end, "line": begin.next_line, "staged": 0}
        staging = Staging(layout=importer.layout, header=header, sheet_id=row.id, decimal_mark=row.decimal_mark)
        last, ahead = [begin], read_ahead(read, place["byte"], PAGE_BYTES + LONGEST_RECORD + 2 * BLOCK)
        attempt = uow.attempt()
        try:
            staging.copy(uow, _some(blocks(dialect, ahead, place["byte"], place["line"]), place["byte"], last))
        except Invalid:
            uow.undo(attempt)
            raise
    except Invalid as wrong:
        return _refuse(uow, row, importer, wrong.message)
    keep_faults(uow, row.id, staging.faults)
    row.lines += staging.staged + len(staging.faults)
    staged = int(place["staged"]) + staging.staged
    if last[0].end > place["byte"]:
        kept = {"byte": last[0].end, "line": last[0].next_line, "staged": staged}
        return Page(checkpoint=kept, done=staging.staged, wait=0.0)
    return Page(checkpoint={"phase": "check", "staged": staged}, total=row.lines, wait=0.0)


def _some(found: Iterator[Block], start: int, last: list[Block]) -> Iterator[Block]:
    """Blocks until enough is read for one turn; `last` holds the newest of them."""
    for block in found:
        last[0] = block
        yield block
        if block.end - start >= PAGE_BYTES:
            return


def _clear(uow: UnitOfWork, importer: Importer, sheet_id: str) -> None:
    """Take away the staged lines of this sheet, and of such as were given up a week ago."""
    uow.sql(
        f"DELETE FROM {importer.layout.table} l WHERE l.sheet_id = %(sheet)s OR NOT EXISTS (SELECT FROM hub.sheet s "
        "WHERE s.id = l.sheet_id AND s.received_at > now() - interval '7 days')",
        {"sheet": sheet_id},
    )


def _check(uow: UnitOfWork, run: Run, row: SheetRow, importer: Importer) -> Page:
    """Find every fault of the staged lines. Where a crash of the database emptied them, the file is read again."""
    table = importer.layout.table
    counted = uow.sql(f"SELECT count(*) FROM {table} WHERE sheet_id = %(sheet)s", {"sheet": row.id}).fetchone()
    if counted is None or counted[0] != run.checkpoint["staged"]:
        row.lines = 0
        uow.sql("DELETE FROM hub.sheet_fault WHERE sheet_id = %(sheet)s", {"sheet": row.id})
        return Page(checkpoint={}, done=-run.done, wait=0.0)
    uow.sql(f"ANALYZE {table} ({importer.layout.keys})")
    _keep_all(uow, row, importer.check(uow, _sheet(row)))
    row.checked_at = uow.hub.clock.now()
    if row.wrong_lines and row.strict and not row.dry:
        return _refuse(uow, row, importer, _wrong(row))
    if row.wrong_lines:
        leave_out(uow, table, row.id)
    return Page(checkpoint={"phase": "apply"}, wait=0.0)


def _apply(uow: UnitOfWork, run: Run, row: SheetRow, importer: Importer) -> Page:
    """Bring all staged lines into force; what a dry run did is undone again."""
    attempt = uow.attempt()
    done = importer.apply(uow, _sheet(row))
    if row.dry or (done.faults and row.strict):
        uow.undo(attempt)
        if not row.dry:
            note_foreign(uow, done.foreign)
    _keep_all(uow, row, done.faults)
    if done.faults and row.strict and not row.dry:
        return _refuse(uow, row, importer, _wrong(row))
    row.counts = {"created": done.created, "changed": done.changed, "unchanged": done.unchanged}
    row.state, row.ended_at = "checked" if row.dry else "applied", uow.hub.clock.now()
    row.said = _wrong(row) if row.dry and row.wrong_lines else ""
    counts = {**row.counts, "wrong_lines": row.wrong_lines}
    return Page(checkpoint={"phase": "clear"}, counts=counts, said=_ended(row), wait=0.0)


def _refuse(uow: UnitOfWork, row: SheetRow, importer: Importer, said: str) -> Page:
    row.state, row.said, row.ended_at = "refused", said, uow.hub.clock.now()
    return Page(checkpoint={"phase": "clear"}, counts={"wrong_lines": row.wrong_lines}, said=_ended(row), wait=0.0)


def _tidy(uow: UnitOfWork, run: Run, row: SheetRow, importer: Importer) -> Page:
    """Take the staged lines away; the file and its faults stay."""
    _clear(uow, importer, row.id)
    return Page(checkpoint={"phase": "clear"}, finished=True, said=_ended(row))


PHASES: Mapping[str, Callable[[UnitOfWork, Run, SheetRow, Importer], Page]] = {
    "read": _read, "check": _check, "apply": _apply, "clear": _tidy,
}  # fmt: skip


def _sheet(row: SheetRow) -> Sheet:
    header = Header(fields=tuple(row.fields))
    return Sheet(id=row.id, header=header, company=row.company, source=row.source, who=row.who)


def _keep_all(uow: UnitOfWork, row: SheetRow, faults: Iterable[Fault]) -> None:
    left = iter(faults)
    while some := list(islice(left, FAULTS_AT_ONCE)):
        keep_faults(uow, row.id, some)
    row.wrong_lines = wrong_lines(uow, row.id)


def _wrong(row: SheetRow) -> str:
    lines = "1 line is" if row.wrong_lines == 1 else f"{row.wrong_lines:,} lines are"
    return f"{lines} wrong; the error file names them"


def _ended(row: SheetRow) -> str:
    """How a sheet ended, in one sentence."""
    if row.state == "refused":
        return f"nothing was imported: {row.said}"
    counts = ", ".join(f"{many:,} {name}" for name, many in row.counts.items())
    left = f"; {row.wrong_lines:,} wrong lines were left out" if row.wrong_lines else ""
    return f"{'checked only, it would be: ' if row.state == 'checked' else ''}{counts}{left}"


inside_run(KIND, title="Import of a sheet", page=page)

"""What is to be done with a file, and how it is kept: the door through which sheets come in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import IO

from app.domains.inventory.service import sheets as stock
from app.domains.pricing.service import sheets as prices
from app.domains.product.queries import units
from app.domains.product.service import importing as products
from app.infra.hub import Hub
from app.infra.ids import new_id
from app.infra.runs.work import start_run
from app.infra.sheets.books import header_of_book
from app.infra.sheets.keeping import PIECE, Weighed, keep_pieces, pieces_of, reader_of, same_before, sheet_of, weigh
from app.infra.sheets.layout import Layout
from app.infra.sheets.reading import Dialect, header_of
from app.infra.sheets.rows import FORMATS, SheetRow
from app.infra.sheets.staging import UNNAMED, Fault, Imported, Sheet
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

KIND = "sheet_import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """How a domain takes a kind of sheet in. `check` and `apply` work on the lines that are staged of it."""

    layout: Layout
    check: Callable[[UnitOfWork, Sheet], Iterator[Fault]]
    apply: Callable[[UnitOfWork, Sheet], Imported]


def units_of(uow: UnitOfWork, skus: Collection[str], company: str) -> dict[str, tuple[str, ...]]:
    """By SKU the names of its units, the base unit first, as its company's catalogue has them or everybody's."""
    found = {**units(uow, skus), **(units(uow, skus, company=company) if company else {})}
    return {sku: (one.base, *(other.unit for other in one.others)) for sku, one in found.items()}


IMPORTERS: Mapping[str, Importer] = {
    one.layout.kind: one
    for one in (
        Importer(layout=products.LAYOUT, check=products.check_sheet, apply=products.apply_sheet),
        Importer(
            layout=prices.LAYOUT, check=partial(prices.check_sheet, units=units_of),
            apply=partial(prices.apply_sheet, units=units_of),
        ),
        Importer(layout=stock.LAYOUT, check=stock.check_sheet, apply=stock.apply_sheet),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be done with a file. `strict`: one wrong line refuses all of it, else wrong lines are left out.

    `dry` only checks. `again` takes a file in that was taken in before. `source` is whose word it is: a connection, or
    a name of its own.
    """

    kind: str
    name: str
    format: str = "csv"
    company: str = ""
    source: str = UNNAMED
    dialect: Dialect = Dialect()
    strict: bool = True
    dry: bool = False
    again: bool = False


def format_of(name: str) -> str:
    """The format that a file's name tells of."""
    return "xlsx" if name.lower().endswith(".xlsx") else "csv"


def importer_of(kind: str) -> Importer:
    """Raises NotFound `sheets.unknown_kind`."""
    if kind not in IMPORTERS:
        raise NotFound("sheets.unknown_kind", f"there are no {kind!r} sheets; there are {', '.join(sorted(IMPORTERS))}")
    return IMPORTERS[kind]


def receive(hub: Hub, file: IO[bytes], wish: Wish, *, who: str, why: str = "") -> str:
    """Keep a file, check its header and begin its run; returns the sheet's id.

    Raises Invalid `sheets.too_large`, `sheets.empty`, `sheets.header`, `sheets.encoding`, `sheets.format`, and Refused
    `sheets.same` where the same content was taken in before. The file is read before a transaction begins.
    """
    importer = importer_of(wish.kind)
    if wish.company and not importer.layout.by_company:
        said = f"company is {wish.company!r}: leave it out, the lines of {wish.kind} say by themselves whose they are"
        raise Invalid("sheets.option", said)
    with tempfile.SpooledTemporaryFile(max_size=PIECE) as spool:
        weighed = weigh(file, spool)
        spool.seek(0)
        with hub.unit_of_work() as uow:
            return _keep(uow, importer, spool, weighed, wish, who, why)


def receive_again(hub: Hub, sheet_id: str, *, who: str) -> str:
    """Take a file in that was only checked, read as it was read then; returns the id of the new sheet.

    Raises Refused `sheets.not_checked` for any other.
    """
    with tempfile.SpooledTemporaryFile(max_size=PIECE) as spool:
        with hub.unit_of_work() as uow:
            row = sheet_of(uow, sheet_id)
            if row.state != "checked":
                raise Refused(
                    "sheets.not_checked", f"this file is {row.state}; only one that was checked can be taken in"
                )
            for piece in pieces_of(uow, sheet_id):
                spool.write(piece)
            wish = Wish(
                kind=row.kind, name=row.name, format=row.format, company=row.company, source=row.source,
                dialect=dialect_of(row), strict=row.strict,
            )  # fmt: skip
        spool.seek(0)
        return receive(hub, spool, wish, who=who, why=f"checked as {sheet_id}")


def _keep(
    uow: UnitOfWork, importer: Importer, spool: IO[bytes], weighed: Weighed, wish: Wish, who: str, why: str
) -> str:
    before = same_before(uow, wish.kind, wish.company, weighed.sha256)
    if before is not None and not (wish.again or wish.dry):
        raise Refused(
            "sheets.same",
            f"this very file was taken in on {before.received_at:%Y-%m-%d %H:%M} UTC ({before.id}): say `again` to "
            "take it in once more",
            about=before.id,
        )
    row = SheetRow(
        id=new_id(), kind=wish.kind, name=wish.name, company=wish.company, source=wish.source, format=_format(wish),
        encoding=wish.dialect.encoding, delimiter=wish.dialect.delimiter, decimal_mark=wish.dialect.decimal_mark,
        strict=wish.strict, dry=wish.dry, size=weighed.size, sha256=weighed.sha256, fields=[], state="received",
        lines=0, wrong_lines=0, counts={}, said="", who=who,
    )  # fmt: skip
    uow.session.add(row)
    keep_pieces(uow, row.id, spool)
    if row.format == "csv":
        header, dialect, _ = header_of(importer.layout, wish.dialect, reader_of(uow, row.id))
        row.fields, row.delimiter = list(header.fields), dialect.delimiter
    else:
        row.fields = list(header_of_book(importer.layout, spool)[0].fields)
    title = f"{importer.layout.title} from {wish.name or 'a sheet'}{', checked only' if wish.dry else ''}"
    row.run_id = start_run(
        uow, KIND, {"sheet": row.id, "kind": wish.kind}, who=who, why=why, title=title, total=max(weighed.lines - 1, 0)
    )
    return row.id


def _format(wish: Wish) -> str:
    if wish.format not in FORMATS:
        raise Invalid("sheets.format", f"format is {wish.format!r}; give one of {', '.join(FORMATS)}")
    return wish.format


def dialect_of(row: SheetRow) -> Dialect:
    """How the file of a sheet is written."""
    return Dialect(encoding=row.encoding, delimiter=row.delimiter, decimal_mark=row.decimal_mark)

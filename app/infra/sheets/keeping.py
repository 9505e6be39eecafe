"""Files kept in the database, in pieces: any process of the hub can read them again, from any byte on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from sqlalchemy import select

from app.infra.sheets.reading import Read
from app.infra.sheets.rows import SheetRow
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

PIECE = 1024 * 1024
# A million SKUs with texts are about this much. A web process keeps what is larger than half a megabyte on disk.
MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What a file is, before it is kept; `lines` by the ends of lines in it."""

    size: int
    lines: int
    sha256: str


def weigh(file: IO[bytes], spool: IO[bytes] | None = None) -> Weighed:
    """Read a file once, copying it to `spool`. Raises Invalid `sheets.too_large` as soon as it is."""
    digest, size, lines = hashlib.sha256(), 0, 0
    while body := file.read(PIECE):
        size += len(body)
        if size > MOST_BYTES:
            raise Invalid(
                "sheets.too_large", f"the file is larger than {MOST_BYTES // 1024 // 1024} MiB: hand it in in parts"
            )
        digest.update(body)
        lines += body.count(b"\n")
        if spool is not None:
            spool.write(body)
    return Weighed(size=size, lines=lines, sha256=digest.hexdigest())


def keep_pieces(uow: UnitOfWork, sheet_id: str, file: IO[bytes]) -> None:
    """Keep a file from where it stands to its end."""
    uow.session.flush()
    with uow.driver.cursor().copy("COPY hub.sheet_piece (sheet_id, n, body) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["uuid", "int4", "bytea"])
        n = 0
        while body := file.read(PIECE):
            copy.write_row((UUID(sheet_id), n, body))
            n += 1


PART = """
SELECT n, substring(body FROM 1 + greatest(0, %(start)s - n * %(piece)s)
                    FOR %(end)s - greatest(%(start)s, n * %(piece)s))
  FROM hub.sheet_piece
 WHERE sheet_id = %(sheet)s AND n BETWEEN %(start)s / %(piece)s AND (%(end)s - 1) / %(piece)s ORDER BY n
"""


def reader_of(uow: UnitOfWork, sheet_id: str) -> Read:
    """Reads so many bytes of a kept file from a byte on; fewer only at its end."""
    kept: dict[str, tuple[int, bytes]] = {"part": (0, b"")}

    def read(start: int, size: int) -> bytes:
        begin, part = kept["part"]
        if not begin <= start or start + size > begin + len(part):
            given = {"sheet": sheet_id, "start": start, "end": start + max(size, 4 * PIECE), "piece": PIECE}
            begin, part = start, b"".join(row[1] for row in uow.sql(PART, given))
            kept["part"] = (begin, part)
        return part[start - begin : start - begin + size]

    return read


def pieces_of(uow: UnitOfWork, sheet_id: str) -> Iterator[bytes]:
    """A kept file, piece by piece."""
    n = 0
    statement = "SELECT body FROM hub.sheet_piece WHERE sheet_id = %(sheet)s AND n = %(n)s"
    while (row := uow.sql(statement, {"sheet": sheet_id, "n": n}).fetchone()) is not None:
        yield row[0]
        n += 1


def sheet_of(uow: UnitOfWork, sheet_id: str, *, lock: bool = False) -> SheetRow:
    """One sheet. Raises NotFound(`sheets.unknown`)."""
    row = uow.session.get(SheetRow, sheet_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise NotFound("sheets.unknown", f"there is no sheet {sheet_id}", about=sheet_id)
    return row


def sheets(
    uow: UnitOfWork, *, kinds: Collection[str] = (), state: str = "", before: str = "", most: int = 50
) -> list[SheetRow]:
    """Sheets of these kinds, of all without one, the newest first; `before` is the last id of the page before."""
    wanted = select(SheetRow).order_by(SheetRow.id.desc()).limit(most)
    if kinds:
        wanted = wanted.where(SheetRow.kind.in_(kinds))
    if state:
        wanted = wanted.where(SheetRow.state == state)
    return list(uow.session.scalars(wanted.where(SheetRow.id < before) if before else wanted))


def same_before(uow: UnitOfWork, kind: str, company: str, sha256: str) -> SheetRow | None:
    """The newest sheet of the same content that was applied, or is on its way."""
    wanted = (
        select(SheetRow)
        .filter_by(kind=kind, company=company, sha256=sha256, dry=False)
        .where(SheetRow.state.in_(("received", "applied")))
        .order_by(SheetRow.id.desc())
        .limit(1)
    )
    return uow.session.scalars(wanted).first()

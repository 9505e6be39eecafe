"""How far each source of stock was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.infra.uow import UnitOfWork

READ = "SELECT mark, asked_at, whole_at FROM inventory.source_mark WHERE source = %(source)s"
KEEP = """
INSERT INTO inventory.source_mark AS m (source, mark, asked_at, whole_at, figures, refused)
VALUES (%(source)s, %(mark)s, %(asked_at)s, CASE WHEN %(whole)s THEN %(asked_at)s END, %(figures)s, %(refused)s)
    ON CONFLICT (source) DO UPDATE
   SET mark = excluded.mark, asked_at = excluded.asked_at, whole_at = coalesce(excluded.whole_at, m.whole_at),
       figures = m.figures + excluded.figures, refused = m.refused + excluded.refused
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMark:
    """Where the next reading of a source begins; when the last one, and the last of everything, had been asked for."""

    mark: str = ""
    asked_at: datetime | None = None
    whole_at: datetime | None = None


def mark_of(uow: UnitOfWork, source: str) -> SourceMark:
    """A source that was never read has an empty mark."""
    row = uow.sql(READ, {"source": source}).fetchone()
    return SourceMark() if row is None else SourceMark(mark=row[0], asked_at=row[1], whole_at=row[2])


def keep_mark(
    uow: UnitOfWork, source: str, mark: str, asked_at: datetime, *, whole: bool, figures: int, refused: int
) -> None:  # fmt: skip
    """A reading has come to its end; the next one begins at `mark`."""
    given = {"source": source, "mark": mark, "asked_at": asked_at, "whole": whole}
    uow.sql(KEEP, {**given, "figures": figures, "refused": refused})

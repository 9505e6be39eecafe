"""What to say of a record that is asked for by its number and is not in its table: never here, or gone, and where."""

from __future__ import annotations

from sqlalchemy import select

from app.infra.retention_rows import RetiredPartition
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound

LEFT = "retention.left"


def not_here(uow: UnitOfWork, kind: str, number: int, otherwise: NotFound) -> NotFound:
    """The error to raise: `retention.left`, naming archive and day, where retention took it; else the caller's own."""
    statement = (
        select(RetiredPartition)
        .where(RetiredPartition.kind == kind, RetiredPartition.first_id <= number, RetiredPartition.last_id >= number)
        .where(RetiredPartition.state != "leaving")
        .order_by(RetiredPartition.marked_at.desc())
        .limit(1)
    )
    row = uow.session.scalar(statement)
    if row is None:
        return otherwise
    return NotFound(LEFT, f"{kind} {number} has left the database: {_where(row)}", about=f"{kind} {number}")


def _where(row: RetiredPartition) -> str:
    if row.file:
        return f"it was archived on {row.archived_at:%Y-%m-%d} to {row.file}"
    if row.state == "dropped":
        return f"its partition {row.name} was dropped on {row.dropped_at:%Y-%m-%d}, and no archive was asked for"
    back = f"`flask retention restore {row.name}` brings it back"
    return f"its partition {row.name} was detached on {row.detached_at:%Y-%m-%d}; {back}"

"""Lines of stock sheets between the file and the levels, as text. They can be read again from the file, so the table is
not logged: a crash of the server may empty it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from app.infra.db import Base

SHEET_LINE = Table(
    "sheet_line",
    Base.metadata,
    Column("sheet_id", UUID(as_uuid=False), nullable=False),
    Column("line", BigInteger, nullable=False),
    *(Column(name, Text) for name in ("sku", "location", "quantity", "unit", "as_of", "sequence", "reports")),
    schema="inventory",
    prefixes=["UNLOGGED"],
)

"""Lists as PostgreSQL writes its arrays. psycopg looks at each element for its type, which cost a sixth of a worker's
time; every statement of ours says the type itself (`%(ids)s::bigint[]`) or has it from the other side.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper


def array_text(values: Iterable[Any]) -> str:
    """An array in PostgreSQL's own writing (manual, 8.15.2): words, numbers, instants, lists; None is NULL."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        plain = value if "\\" not in value and '"' not in value else value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{plain}"'
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return array_text(value)
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return f'"{value}"'  # instants, dates, decimals, UUIDs: their own words are PostgreSQL's


class ArrayDumper(Dumper):
    """A list as text of no declared type."""

    def dump(self, obj: list[Any]) -> Buffer:
        return array_text(obj).encode()


def write_arrays(connection: Connection[Any]) -> None:
    """Let a connection write lists so."""
    connection.adapters.register_dumper(list, ArrayDumper)

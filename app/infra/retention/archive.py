"""A partition as a file: gzipped JSON lines with a checksum beside it, read back before anything is dropped.

`<folder>/<partition>.jsonl.gz`, one row a line as PostgreSQL writes it (bytea as `\\x…`), oldest first, and
`<partition>.jsonl.gz.sha256` in the form that `sha256sum --check` reads. `zcat` or COPY … FROM PROGRAM reads it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.infra.hub import Hub

# Ids that one short transaction reads, so that vacuum elsewhere waits for none; bodies of notices take room in memory.
AT_ONCE = {"notice": 500, "event": 5_000, "delivery": 5_000, "attempt": 5_000}
BLOCK_BYTES = 1024 * 1024
KEYS = {"notice": "id", "event": "id", "delivery": "event_id", "attempt": "event_id"}


class Unfaithful(Exception):
    """What was read back from an archive is not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A finished archive."""

    file: Path
    sha256: str
    rows: int


def write_archive(hub: Hub, kind: str, name: str) -> Archived:
    """Write a detached partition, and read it back. Raises OSError, or Unfaithful where that differs.

    Killed half-way it leaves a file that ends in `.part`, which the next try replaces.
    """
    folder = hub.settings.archive
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    whole, part = folder / f"{name}.jsonl.gz", folder / f"{name}.jsonl.gz.part"
    rows = 0
    with _private(part) as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as written:
            for line in _lines(hub, kind, name):
                written.write(line.encode() + b"\n")
                rows += 1
        raw.flush()
        os.fsync(raw.fileno())
    found = _count(part)
    if found != rows:
        raise Unfaithful(f"{part} holds {found} rows where {rows} were written")
    digest = _digest(part)
    part.rename(whole)
    with open(
        os.open(f"{whole}.sha256", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
    ) as beside:
        beside.write(f"{digest}  {whole.name}\n")
    return Archived(file=whole, sha256=digest, rows=rows)


def _lines(hub: Hub, kind: str, name: str) -> Iterator[str]:
    """Every row as JSON, in the order of its key, a short transaction at a time."""
    key, step = KEYS[kind], AT_ONCE[kind]
    page = f"SELECT row_to_json(t)::text FROM hub.{name} t WHERE {key} >= %(low)s AND {key} < %(high)s ORDER BY {key}"
    with hub.unit_of_work() as uow:
        row = uow.sql(f"SELECT min({key}), max({key}) FROM hub.{name}").fetchone()
    if row is None or row[0] is None:
        return
    for low in range(int(row[0]), int(row[1]) + 1, step):
        with hub.unit_of_work() as uow:
            lines = uow.sql(page, {"low": low, "high": low + step}).fetchall()
        for (line,) in lines:
            yield line


def _private(file: Path) -> IO[bytes]:
    """A new file that only its owner reads: what is archived names customers."""
    return open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _count(file: Path) -> int:
    with gzip.open(file, "rb") as written:
        return sum(block.count(b"\n") for block in iter(lambda: written.read(BLOCK_BYTES), b""))


def _digest(file: Path) -> str:
    with file.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()

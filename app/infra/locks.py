"""Named advisory locks of a transaction, one form only, so that pairs never collide with other uses.

Partitions of a queue are (queue number, 0–63), connections (queue number, their number from 64 on); single jobs of
the whole hub are (0, job number).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum

from app.infra.outbox import QUEUE_NUMBERS
from app.infra.uow import UnitOfWork


class HubJob(IntEnum):
    """What only one process may do at a time."""

    PARTITIONS = 1
    FOLD = 2
    PRUNE = 3
    WAKE = 4
    BREAKERS = 10
    MEASURE = 20
    RETENTION = 30
    STORAGE = 31
    OPEN_FROM = 32


def try_place(uow: UnitOfWork, queue: str, number: int) -> bool:
    """Become the decider of a partition or connection of a queue until this transaction ends; False if one is."""
    row = uow.sql("SELECT pg_try_advisory_xact_lock(%(q)s, %(n)s)", {"q": QUEUE_NUMBERS[queue], "n": number}).fetchone()
    return bool(row and row[0])


def hold_place(uow: UnitOfWork, queue: str, number: int) -> None:
    """Wait for the decider of a place to finish, then be it until this transaction ends."""
    uow.sql("SELECT pg_advisory_xact_lock(%(q)s, %(n)s)", {"q": QUEUE_NUMBERS[queue], "n": number})


def try_job(uow: UnitOfWork, job: HubJob) -> bool:
    """Do a job of the whole hub in this transaction; False if another process is doing it."""
    row = uow.sql("SELECT pg_try_advisory_xact_lock(0, %(n)s)", {"n": int(job)}).fetchone()
    return bool(row and row[0])


# How rows of a table are locked by their keys, in sorted order; the owner of the table says.
ROW_LOCKS: dict[str, Callable[[UnitOfWork, list[str]], None]] = {}


def lock_rows(uow: UnitOfWork, rows: Iterable[tuple[str, str]]) -> None:
    """Lock what a batch shares, sorted by (table, key), before its first effect: without it baskets deadlock."""
    by_table: dict[str, list[str]] = {}
    for table, key in sorted(set(rows)):
        by_table.setdefault(table, []).append(key)
    for table, keys in by_table.items():
        ROW_LOCKS[table](uow, keys)

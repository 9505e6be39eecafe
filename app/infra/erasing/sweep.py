"""The net under it all: every table that writes things down is read once, stretch by stretch, for what names a person.

Tables that are found in the database by themselves, so that one that is added later is read too. Left alone are those
in which somebody else's data stands in its own right: a domain erases its own rows, and who works here stays known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.infra.erasing.messages import blank_saying
from app.infra.erasing.terms import Terms
from app.infra.erasing.texts import scrub
from app.infra.uow import UnitOfWork

BLOCKS = 2000  # of 8 KB: about a second of one transaction
MESSAGE_BLOCKS = 250  # bodies lie outside the rows and are read with them
KEPT = frozenset({
    "public.alembic_version", "hub.person", "hub.api_key", "hub.connection", "hub.window_run", "hub.seen",
    "orders.order_version",
})  # fmt: skip
KEPT_SCHEMAS = frozenset({"customers"})
TABLES = """
SELECT n.nspname || '.' || c.relname, (pg_relation_size(c.oid) + 8191) / 8192,
       EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = 'hub.notice'::regclass)
       OR c.relname ~ '^notice_[0-9]{4}_[0-9]{2}$'
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How far a sweep is: the table and block that come next (`table` is empty at the end), and what was done."""

    table: str = ""
    block: int = 0
    rows: int = 0
    messages: int = 0
    left: int = 0
    tables: int = 0


def sweep(uow: UnitOfWork, terms: Terms, mark: str, table: str = "", block: int = 0) -> Swept:
    """Rewrite the next stretch, from `block` of `table` on; a whole sweep is as many calls as it takes."""
    room, done = BLOCKS, Swept()
    for name, blocks, messages in uow.sql(TABLES).fetchall():
        if name in KEPT or name.split(".", 1)[0] in KEPT_SCHEMAS or name < table:
            continue
        start = block if name == table else 0
        while start < blocks:
            if room <= 0:
                return replace(done, table=name, block=start)
            stretch = min(MESSAGE_BLOCKS if messages else room, blocks - start)
            done = _stretch(uow, terms, mark, name, start, stretch, messages=messages, done=done)
            start += stretch
            room -= stretch * (BLOCKS // MESSAGE_BLOCKS if messages else 1)
        done = replace(done, tables=done.tables + 1)
    return done


def _stretch(
    uow: UnitOfWork, terms: Terms, mark: str, table: str, start: int, blocks: int, *, messages: bool, done: Swept
) -> Swept:
    low, high = f"({start},0)", f"({start + blocks},0)"
    blanked, left = blank_saying(uow, table, low, high, terms) if messages else (0, 0)
    where, given = "t.ctid >= %(low)s::tid AND t.ctid < %(high)s::tid", {"low": low, "high": high}
    rows = scrub(uow, table, where, given, terms.telling, mark)
    return replace(done, rows=done.rows + rows, messages=done.messages + blanked, left=done.left + left)

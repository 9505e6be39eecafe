"""How long the record is kept, and what would go now. A partition leaves whole, and only when nothing open needs it.

What leaves first is what others refer to least: attempts, then deliveries, then their events; notices by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.infra.acts import record_act
from app.infra.partitions import Partition, last_event, partitions_of
from app.infra.retention_rows import KINDS, MOST_DAYS, RetentionRow
from app.infra.rows import OPEN, listed
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid

USUAL_DAYS = 400  # the same day of last year, and a month to look back on it
ORDER = ("attempt", "delivery", "event", "notice")
# What refers to what, from the first to leave to the last: what is referred to is kept at least as long.
REFERRING = ("attempt", "delivery", "event")

NEWEST_EVENT = """
SELECT id, at FROM hub.event WHERE id >= %(low)s AND id < %(high)s ORDER BY id DESC LIMIT 1
"""
NOTICES = """
SELECT (SELECT min(id) FROM hub.notice WHERE received_at >= %(low)s AND received_at < %(high)s),
       (SELECT max(id) FROM hub.notice WHERE received_at >= %(low)s AND received_at < %(high)s),
       (SELECT max(received_at) FROM hub.notice WHERE received_at >= %(low)s AND received_at < %(high)s)
"""
OPEN_EVENT = f"""
SELECT EXISTS (SELECT FROM hub.delivery
                WHERE event_id >= %(low)s AND event_id < %(high)s AND state IN ({listed(OPEN)}))
"""
# All that is open is few beside all that is done, and has an index of its own.
OPEN_NOTICE = f"""
SELECT EXISTS (SELECT FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id
                WHERE d.state IN ({listed(OPEN)}) AND e.type = 'hub.notice_received.v1'
                  AND (e.payload->>'notice_id')::bigint BETWEEN %(first)s AND %(last)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many days a kind of record stays, and whether it is written to the archive before it is dropped."""

    kind: str
    keep_days: int = USUAL_DAYS
    archive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A partition and what its policy says of it. `why_not` is empty where it may go now."""

    kind: str
    name: str
    low: str
    high: str
    bytes: int
    rows: int
    newest_at: datetime | None
    first_id: int | None
    last_id: int | None
    goes_on: datetime | None
    why_not: str
    archive: bool

    @property
    def goes(self) -> bool:
        return not self.why_not


def policies(uow: UnitOfWork) -> dict[str, Policy]:
    """The policy of every kind: what somebody set, else 400 days without an archive."""
    found = {kind: Policy(kind=kind) for kind in KINDS}
    for row in uow.session.query(RetentionRow):
        found[row.kind] = Policy(kind=row.kind, keep_days=row.keep_days, archive=row.archive)
    return found


def set_policy(uow: UnitOfWork, kind: str, who: str, *, keep_days: int, archive: bool) -> Policy:
    """Keep a kind of record so long. Raises Invalid where others that are kept longer refer to it."""
    if kind not in KINDS:
        raise Invalid("retention.kind", f"there is no kind of record {kind!r}: give one of {', '.join(KINDS)}")
    if not 1 <= keep_days <= MOST_DAYS:
        raise Invalid("retention.days", f"keep days must be from 1 to {MOST_DAYS}, not {keep_days}")
    after = {name: one.keep_days for name, one in policies(uow).items()} | {kind: keep_days}
    for referring, referred in zip(REFERRING, REFERRING[1:], strict=False):
        if after[referring] > after[referred]:
            raise Invalid(
                "retention.order",
                f"keep {referred} at least as long as {referring} ({after[referring]} days), which refers to it; "
                f"{referred} would be kept {after[referred]} days",
            )
    row = uow.session.get(RetentionRow, kind) or RetentionRow(kind=kind)
    row.keep_days, row.archive, row.changed_by, row.changed_at = keep_days, archive, who, uow.hub.clock.now()
    uow.session.add(row)
    facts = {"keep_days": keep_days, "archive": archive}
    record_act(uow, who, "changed a retention policy", kind="retention", key=kind, facts=facts)
    return Policy(kind=kind, keep_days=keep_days, archive=archive)


def plan(uow: UnitOfWork) -> list[Candidate]:
    """Every partition that is full or past, in the order in which they leave, and why not yet."""
    kept = policies(uow)
    last = last_event(uow)
    listing = {kind: partitions_of(uow, kind) for kind in ORDER}
    found = []
    for kind in ORDER:
        for one in listing[kind]:
            if one.detaching:  # on its way: see app/infra/retention/leaving.py
                continue
            if kind == "notice":
                found.append(_notice(uow, one, kept[kind]))
            elif int(one.high) <= last:
                found.append(_by_event(uow, kind, one, kept[kind], listing))
    return found


def _by_event(
    uow: UnitOfWork, kind: str, one: Partition, policy: Policy, listing: dict[str, list[Partition]]
) -> Candidate:
    bounds = {"low": int(one.low), "high": int(one.high)}
    newest = uow.sql(NEWEST_EVENT, bounds).fetchone()
    newest_at = newest[1] if newest else None
    before = REFERRING[: REFERRING.index(kind)]
    refers = next((name for name in before if any(_overlap(one, other) for other in listing[name])), "")
    why_not = _too_young(uow, newest_at, policy) if newest_at else "it is empty and has no age"
    if not why_not and _true(uow, OPEN_EVENT, bounds):
        why_not = "something in it is open"
    elif not why_not and newest_at and refers and not _leaves_before(uow, newest_at, refers):
        why_not = f"its {refers} records are still kept"
    return Candidate(
        kind=kind, name=one.name, low=one.low, high=one.high, bytes=one.bytes, rows=one.rows, newest_at=newest_at,
        first_id=bounds["low"], last_id=bounds["high"] - 1, goes_on=_goes_on(newest_at, policy), why_not=why_not,
        archive=policy.archive,
    )  # fmt: skip


def _notice(uow: UnitOfWork, one: Partition, policy: Policy) -> Candidate:
    row = uow.sql(NOTICES, {"low": one.low, "high": one.high}).fetchone()
    first, last, newest_at = row if row else (None, None, None)
    until = datetime.fromisoformat(one.high)
    why_not = _too_young(uow, max(newest_at or until, until), policy)
    if not why_not and first is not None and _true(uow, OPEN_NOTICE, {"first": first, "last": last}):
        why_not = "something that it tells of is open"
    return Candidate(
        kind="notice", name=one.name, low=one.low, high=one.high, bytes=one.bytes, rows=one.rows, newest_at=newest_at,
        first_id=first, last_id=last, goes_on=_goes_on(until, policy), why_not=why_not, archive=policy.archive,
    )  # fmt: skip


def still_needed(uow: UnitOfWork, kind: str, name: str, low: str, high: str) -> bool:
    """Whether something open lies in, or refers to, a partition that has just been detached."""
    if kind == "delivery":
        return _true(uow, f"SELECT EXISTS (SELECT FROM hub.{name} WHERE state IN ({listed(OPEN)}))", {})
    if kind == "notice":
        ids = uow.sql(f"SELECT min(id), max(id) FROM hub.{name}").fetchone()
        return ids is not None and ids[0] is not None and _true(uow, OPEN_NOTICE, {"first": ids[0], "last": ids[1]})
    return _true(uow, OPEN_EVENT, {"low": int(low), "high": int(high)})


def _too_young(uow: UnitOfWork, newest_at: datetime, policy: Policy) -> str:
    if newest_at < uow.hub.clock.now() - timedelta(days=policy.keep_days):
        return ""
    return f"younger than {policy.keep_days} days"


def _goes_on(newest_at: datetime | None, policy: Policy) -> datetime | None:
    return newest_at + timedelta(days=policy.keep_days) if newest_at else None


def _leaves_before(uow: UnitOfWork, newest_at: datetime, kind: str) -> bool:
    """Whether what refers to it leaves in the same run, before it."""
    return not _too_young(uow, newest_at, policies(uow)[kind])


def _overlap(one: Partition, other: Partition) -> bool:
    return int(one.low) < int(other.high) and int(other.low) < int(one.high)


def _true(uow: UnitOfWork, question: str, given: Mapping[str, object]) -> bool:
    row = uow.sql(question, given).fetchone()
    return bool(row and row[0])

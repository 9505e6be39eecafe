"""What a person asks of a backfill, checked before anything is begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.orders.service import Post
from app.flows.history import live_from
from app.infra.connections import Connection, ConnectionRow
from app.infra.hub import Hub
from app.infra.remote.history import By, History, Span
from app.infra.runs.rows import UNDER_WAY, items_of, runs
from app.infra.runs.work import run_of, start_run
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, Refused

KIND = "backfill"
RANGE = "backfill.range"  # the code of what is no range of time
RATE = 5.0  # things a second: live orders come at the pace of customers, and share the connection's quota with these
BULK_FROM = 1000  # things: fewer are listed sooner page by page than a file is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which things of a connection to take in, and what becomes of orders that are new to the hub.

    `history_before`: orders placed earlier are kept for the record and never posted; without it the connection's
    `live_from`, else the moment it was added. `bulk` None lets the number decide.
    """

    connection: str
    kind: str
    by: By
    since: datetime
    until: datetime
    post: Post = Post.OPEN
    history_before: datetime | None = None
    bulk: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A wish that holds: how many things there are, as far as the remote says, and how they will be listed."""

    wish: Wish
    history_before: datetime
    expected: int | None
    bulk: bool


def prepare(hub: Hub, wish: Wish) -> Prepared:
    """Check a wish and ask the remote how much there is; begins and changes nothing.

    Raises NotFound(`connections.unknown`), Refused(`backfill.no_history`), Invalid(`backfill.range`,
    `history.unknown_kind`), and what the remote says to the count.
    """
    with hub.unit_of_work() as uow:
        connection = lists_history(uow, wish.connection)
        row = uow.session.get_one(ConnectionRow, wish.connection)
        before = wish.history_before or live_from(connection) or row.created_at
    _check_range(wish.since, wish.until, hub.clock.now())
    port = connection.port(History)
    check_kind(port, wish.kind)
    expected = port.count(Span(kind=wish.kind, by=wish.by, since=wish.since, until=wish.until))
    many = expected is None or expected >= BULK_FROM
    return Prepared(
        wish=wish, history_before=before, expected=expected, bulk=many if wish.bulk is None else wish.bulk
    )  # fmt: skip


def begin(uow: UnitOfWork, prepared: Prepared, *, who: str, why: str = "", rate: float | None = RATE) -> str:
    """Begin the run; returns its id. Raises Refused(`backfill.under_way`) where one of this kind is."""
    wish = prepared.wish
    for one in runs(uow, kind=KIND):
        if one.state in UNDER_WAY and (one.connection, one.spec["kind"]) == (wish.connection, wish.kind):
            raise Refused(
                "backfill.under_way", f"run {one.id} fetches {wish.kind}s of {wish.connection} already: stop it first",
                about=one.id,
            )  # fmt: skip
    spec = {
        "kind": wish.kind, "by": wish.by.value, "since": wish.since.isoformat(), "until": wish.until.isoformat(),
        "post": wish.post.value, "history_before": prepared.history_before.isoformat(), "bulk": prepared.bulk,
    }  # fmt: skip
    title = (
        f"{wish.kind.capitalize()}s of {wish.connection} {wish.by.value} {wish.since:%Y-%m-%d}–{wish.until:%Y-%m-%d}"
    )
    return start_run(
        uow, KIND, spec, who=who, why=why, title=title, connection=wish.connection, total=prepared.expected, rate=rate,
        checkpoint={"expected": prepared.expected},
    )  # fmt: skip


def begin_again(uow: UnitOfWork, run_id: str, *, who: str, why: str = "", rate: float | None = RATE) -> str:
    """Begin a run over what another one set aside. Raises Refused(`backfill.nothing_aside`) where that is nothing."""
    row = run_of(uow, run_id)
    aside = [item.key for item in items_of(uow, run_id, most=10_000) if item.outcome == "set_aside"]
    if row.kind != KIND or not aside:
        raise Refused("backfill.nothing_aside", "that run set nothing aside that could be fetched again", about=run_id)
    place = {"names": [[key, ""] for key in aside], "ended": True, "listed": len(aside)}
    return start_run(
        uow, KIND, row.spec, who=who, why=why, title=f"{row.title}, what was set aside", connection=row.connection,
        total=len(aside), rate=rate, checkpoint=place,
    )  # fmt: skip


def span_of(spec: Mapping[str, Any]) -> Span:
    return Span(
        kind=spec["kind"], by=By(spec["by"]), since=datetime.fromisoformat(spec["since"]),
        until=datetime.fromisoformat(spec["until"]),
    )  # fmt: skip


def lists_history(uow: UnitOfWork, name: str) -> Connection:
    """A connection that can list what it holds. Raises NotFound, or Refused(`backfill.no_history`)."""
    connection = uow.hub.connections.get(uow.session, name)
    if not connection.spec.offers(History):
        raise Refused(
            "backfill.no_history", f"{connection.spec.title} cannot list what it holds: there is nothing to fetch from",
            about=name,
        )  # fmt: skip
    return connection


def check_kind(port: History, kind: str) -> None:
    if kind not in port.kinds:
        raise Invalid("history.unknown_kind", f"there is no {kind!r} to fetch there: give {' or '.join(port.kinds)}")


def _check_range(since: datetime, until: datetime, now: datetime) -> None:
    if since.tzinfo is None or until.tzinfo is None:
        raise Invalid(RANGE, "since and until need their zone, such as 2026-11-20T00:00:00Z")
    if since >= until:
        raise Invalid(RANGE, f"since ({since:%Y-%m-%d %H:%M}) must be before until ({until:%Y-%m-%d %H:%M})")
    if until > now:
        raise Invalid(RANGE, f"until ({until:%Y-%m-%d %H:%M}) is in the future: give {now:%Y-%m-%d %H:%M} UTC")

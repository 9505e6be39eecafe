"""Which connections play a role: by domain, company, channel and date. The rules stand in `app/infra/routing.py`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime
from time import monotonic
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import UUID, insert
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.connections import ConnectionRow
from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.outbox import Place
from app.infra.routing import Asked, Route, Target, choose, everyone
from app.infra.uow import UnitOfWork
from app.kernel.clock import Clock
from app.kernel.events import Fact

FRESH_SECONDS = 1.0  # how old a process' picture of the routes may be


class RouteRow(Base):
    """`connection` plays `role`; an empty domain, company or channel means any."""

    __tablename__ = "route"
    __table_args__ = (
        CheckConstraint("mode IN ('live', 'shadow')", name="known_mode"),
        CheckConstraint("share BETWEEN 1 AND 100", name="known_share"),
        UniqueConstraint(
            "role", "domain", "company", "channel", "connection", "mode", "from_on", name="uq_route_scope",
            postgresql_nulls_not_distinct=True,
        ),
        {"schema": "hub"},
    )  # fmt: skip

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    role: Mapped[str]
    connection: Mapped[str] = mapped_column(ForeignKey("hub.connection.name"))
    company: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="")
    from_on: Mapped[date | None]
    until_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    domain: Mapped[str] = mapped_column(server_default="")
    mode: Mapped[str] = mapped_column(server_default="live")
    share: Mapped[int] = mapped_column(SmallInteger, server_default="100")
    zone: Mapped[str] = mapped_column(server_default="UTC")
    added_by: Mapped[str] = mapped_column(server_default="")

    def value(self) -> Route:
        return Route(
            id=self.id, role=self.role, connection=self.connection, domain=self.domain, company=self.company,
            channel=self.channel, from_on=self.from_on, until_on=self.until_on, mode=self.mode, share=self.share,
            zone=self.zone,
        )  # fmt: skip


class Routes:
    """This process' picture of the routes, at most a second old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: list[Route] = []
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def targets(self, uow: UnitOfWork, role: str, domain: str, fact: Fact, *, reads: bool) -> tuple[Target, ...]:
        """The connections of a role for a fact, by its `company` and `channel`. What only `reads` and is about neither
        goes to all who may hold something.
        """
        company, channel = getattr(fact, "company", None), getattr(fact, "channel", None)
        if reads and company is None and channel is None:
            return everyone(self._all(uow), role, domain, self._day)
        asked = Asked(role=role, domain=domain, company=company or "", channel=channel or "", key=fact.lane_key)
        return choose(self._all(uow), asked, self._day)

    def find(
        self, uow: UnitOfWork, role: str, company: str = "", channel: str = "", *, domain: str = "", key: str = ""
    ) -> tuple[str, ...]:
        """Who plays a role live for an order of a company and channel now; `key` is its lane key."""
        asked = Asked(role=role, domain=domain, company=company, channel=channel, key=key)
        found = choose(self._all(uow), asked, self._day)
        return tuple(target.connection for target in found if not target.shadow)

    def day(self) -> Callable[[str], date]:
        """The day it is in a zone."""
        return self._day

    def forget(self) -> None:
        """Read the table again at the next question."""
        self._read_at = float("-inf")

    def _day(self, zone: str) -> date:
        return self._clock.now().astimezone(ZoneInfo(zone)).date()

    def _all(self, uow: UnitOfWork) -> list[Route]:
        if monotonic() - self._read_at > FRESH_SECONDS:
            rows = read_routes(uow)
            with self._lock:
                self._rows, self._read_at = rows, monotonic()
        return self._rows


def read_routes(uow: UnitOfWork) -> list[Route]:
    """Every route as the database has it now, the oldest first."""
    found = select(RouteRow).order_by(RouteRow.id).execution_options(populate_existing=True)
    return [row.value() for row in uow.session.scalars(found)]


# Deliveries that found no route lie parked at connection '-'. A new route takes them over, in their order.
ADOPT = """
UPDATE hub.delivery d
   SET connection = %(connection)s, state = 'due', code = NULL, next_at = now(),
       lane = replace(d.lane, '|-|', '|' || %(connection)s || '|')
  FROM hub.event e
 WHERE e.id = d.event_id AND d.connection = '-' AND d.state = 'parked' AND d.subscriber = ANY(%(subscribers)s::text[])
   AND %(company)s IN ('', coalesce(e.payload->>'company', ''))
   AND %(channel)s IN ('', coalesce(e.payload->>'channel', ''))
RETURNING d.queue
"""


def add_route(
    uow: UnitOfWork, role: str, connection: str, *, company: str = "", channel: str = "", who: str = ""
) -> None:
    """Let a connection play a role from now on and for ever; work that found nobody to do it goes there, in its order.

    A route that is there already changes nothing. `app/infra/rerouting.py` has the checked way of people.
    """
    row = {"id": new_id(), "role": role, "connection": connection, "company": company, "channel": channel}
    row |= {"zone": zone_of(uow, connection), "added_by": who}
    uow.session.execute(insert(RouteRow).values(**row).on_conflict_do_nothing())
    adopt(uow, Route(role=role, connection=connection, company=company, channel=channel))
    uow.after_commit(uow.hub.routes.forget)


def adopt(uow: UnitOfWork, route: Route) -> int:
    """Give a live route the work that found nobody to do it; returns how many deliveries."""
    waiting = list(uow.hub.outbox.subscribers_of(route.role, route.domain))
    given = {"connection": route.connection, "company": route.company, "channel": route.channel}
    rows = uow.sql(ADOPT, {**given, "subscribers": waiting}).fetchall()
    uow.after_commit(lambda: uow.hub.bell.ring({Place(row[0], route.connection) for row in rows}))
    return len(rows)


GIVEN = """
SELECT DISTINCT d.connection FROM hub.event e JOIN hub.delivery d ON d.event_id = e.id AND d.subscriber = %(step)s
 WHERE e.key = %(key)s AND d.connection NOT IN ('', '-') AND NOT d.shadow ORDER BY 1
"""


def given_to(uow: UnitOfWork, step: str, key: str) -> list[str]:
    """The connections that a step's work for a key was given to, as far back as deliveries are kept."""
    return [row[0] for row in uow.sql(GIVEN, {"step": step, "key": key})]


def zone_of(uow: UnitOfWork, connection: str) -> str:
    """The zone of the company behind a connection, as its settings say; UTC where they say nothing."""
    row = uow.session.get(ConnectionRow, connection)
    return str((row.settings if row else {}).get("zone") or "UTC")

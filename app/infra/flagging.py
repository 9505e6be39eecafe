"""What operators do to flags: set a rule, take it away. Each leaves an act with a name, and wakes what waited."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.infra.acts import record_act
from app.infra.connections import ConnectionRow
from app.infra.flags import DIMENSIONS, DOMAINS, WHOLE, FlagRule, Scope, declared
from app.infra.ids import new_id
from app.infra.locks import hold_place
from app.infra.outbox import QUEUES, Place
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

WAITS = "flags.waits"  # the code of a delivery that a flag holds back
COLUMNS = ("connection", "domain", "region", "channel", "company")
REGION = re.compile(r"[A-Za-z0-9-]{1,20}")

WAKE = """
UPDATE hub.delivery SET next_at = now(), code = NULL
 WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'due' AND code = %(waits)s
"""


def set_flag(uow: UnitOfWork, name: str, percent: str | Decimal, scope: Scope, who: str, why: str = "") -> Decimal:
    """Give a flag a value in a scope; what it held back there goes on. Returns the percentage.

    Raises Invalid (`flags.unknown`, `flags.percent`, `flags.scope`) or NotFound (`connections.unknown`); then nothing
    was changed.
    """
    declared(name)
    share = percentage(percent)
    check_scope(uow, scope)
    given = {"percent": share, "changed_by": who, "why": why.strip(), "changed_at": text("now()")}
    dimensions = {dimension: getattr(scope, dimension) for dimension in DIMENSIONS}
    uow.session.execute(
        insert(FlagRule)
        .values(id=new_id(), flag=name, **dimensions, **given)
        .on_conflict_do_update(index_elements=["flag", *COLUMNS], set_=given)
    )
    facts = {"percent": str(share), "scope": scope.text}
    record_act(uow, who, "set a flag", kind="flag", key=name, why=why.strip(), facts=facts)
    _wake(uow, scope.connection)
    return share


def clear_flag(uow: UnitOfWork, name: str, scope: Scope, who: str, why: str = "") -> None:
    """Take a rule away: a less particular one holds there, or the default. Raises NotFound (`flags.no_rule`)."""
    declared(name)
    row = uow.session.scalar(
        select(FlagRule).filter_by(flag=name, **{dimension: getattr(scope, dimension) for dimension in DIMENSIONS})
    )
    if row is None:
        raise NotFound("flags.no_rule", f"{name} has no rule for {scope.text}", about=name)
    facts = {"was": str(row.percent), "scope": scope.text}
    uow.session.delete(row)
    record_act(uow, who, "cleared a flag", kind="flag", key=name, why=why.strip(), facts=facts)
    _wake(uow, scope.connection)


def all_rules(uow: UnitOfWork) -> list[FlagRule]:
    return list(uow.session.scalars(select(FlagRule).order_by(FlagRule.flag, FlagRule.connection, FlagRule.company)))


def percentage(given: str | Decimal) -> Decimal:
    """`on`, `off`, or a percentage with at most two decimals. Raises Invalid (`flags.percent`)."""
    words: dict[Any, Decimal] = {"on": WHOLE, "off": Decimal(0)}
    if given in words:
        return words[given]
    try:
        share = Decimal(given)
    except (InvalidOperation, ValueError):
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= WHOLE or share != round(share, 2):
        raise Invalid("flags.percent", f"{given} is no share: give on, off, or 0 to 100 with at most two decimals")
    return share


def check_scope(uow: UnitOfWork, scope: Scope) -> None:
    """Refuse a scope that names what the hub does not know."""
    for name in (scope.connection, scope.channel):
        if name and uow.session.get(ConnectionRow, name) is None:
            raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    if scope.domain and scope.domain not in DOMAINS:
        raise Invalid("flags.scope", f"there is no domain {scope.domain!r}; there are {', '.join(DOMAINS)}")
    if scope.region and not REGION.fullmatch(scope.region):
        raise Invalid("flags.scope", f"{scope.region!r} is no region: use letters, digits and -, 20 at most")
    if scope.company:
        companies = sorted(set(uow.session.scalars(select(ConnectionRow.company))) - {""})
        if scope.company not in companies:
            known = ", ".join(companies) or "none: give connections a company first"
            raise Invalid("flags.scope", f"no connection has company {scope.company!r}; there are {known}")


def _wake(uow: UnitOfWork, connection: str) -> None:
    """Let what a flag held back be looked at again. The decider's lock keeps a round by the old rules out."""
    uow.session.flush()
    named = select(ConnectionRow.name, ConnectionRow.number).order_by(ConnectionRow.number)
    if connection:
        named = named.where(ConnectionRow.name == connection)
    places = [(queue, name, number) for name, number in uow.session.execute(named) for queue in QUEUES]
    woken = set()
    for queue, name, number in sorted(places):
        hold_place(uow, queue, number)
        if uow.sql(WAKE, {"queue": queue, "connection": name, "waits": WAITS}).rowcount:
            woken.add(Place(queue, name))
    uow.after_commit(uow.hub.flags.forget)
    uow.after_commit(lambda: uow.hub.bell.ring(woken))

"""Flags: what an operator opens and closes while the hub runs, as a share of keys, part by part.

A flag is declared here, with what it means; rules give it another value than its default for a connection, domain,
region, channel or company. The most particular rule wins. A share is stable by key: to raise it only adds keys.
What a flag closes waits and counts no attempt.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from time import monotonic

from sqlalchemy import CheckConstraint, Numeric, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from app.infra.db import Base
from app.kernel.errors import Invalid

FRESH_SECONDS = 1.0  # how old a process' picture of the rules may be
WHOLE = Decimal(100)
SLOTS = 10_000  # a hundredth of a percent is the smallest share
DIMENSIONS = ("connection", "channel", "company", "region", "domain")  # of two equally particular rules the first wins
DOMAINS = ("orders", "inventory", "catalogue", "finance", "bulk", "procurement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A switch or a share. `default` is the percentage of keys that it lets through where no rule says otherwise."""

    name: str
    meaning: str
    owner: str
    default: Decimal = WHOLE


FLAGS: Mapping[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag(name="calls.outside", owner="operations", meaning="call a connection at all, whatever for"),
        Flag(name="erp.posting", owner="order desk", meaning="post accepted orders to their ERP"),
        Flag(name="erp.payments", owner="finance", meaning="book payments in the ERP"),
        Flag(name="channel.references", owner="order desk", meaning="show the ERP's order number at the channel"),
        Flag(name="channel.shipments", owner="customer care", meaning="show shipments and tracking at the channel"),
        Flag(name="channel.listings", owner="merchandising", meaning="publish products at channels"),
        Flag(name="channel.prices", owner="merchandising", meaning="show prices at channels"),
        Flag(name="channel.stock", owner="merchandising", meaning="tell channels how much they may sell"),
    )
}
EVERY_CALL = "calls.outside"


class FlagRule(Base):
    """A flag's value where a rule's dimensions fit; an empty one fits anything."""

    __tablename__ = "flag_rule"
    __table_args__ = (
        CheckConstraint("percent BETWEEN 0 AND 100", name="known_percent"),
        UniqueConstraint("flag", "connection", "domain", "region", "channel", "company"),
        {"schema": "hub"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    flag: Mapped[str]
    connection: Mapped[str] = mapped_column(server_default="")
    domain: Mapped[str] = mapped_column(server_default="")
    region: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="")
    company: Mapped[str] = mapped_column(server_default="")
    percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    changed_by: Mapped[str] = mapped_column(server_default="")
    why: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a flag is asked, or where a rule holds: then empty means any."""

    connection: str = ""
    domain: str = ""
    region: str = ""
    channel: str = ""
    company: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        return tuple(name for name in DIMENSIONS if getattr(self, name))

    @property
    def text(self) -> str:
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.named) or "everywhere"

    def covers(self, asked: Scope) -> bool:
        return all(getattr(self, name) == getattr(asked, name) for name in self.named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of `hub.flag_rule` as a value."""

    flag: str
    scope: Scope
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a flag says what it says: the rules that fit, the one that won (none: the default), and the key's slot."""

    flag: Flag
    asked: Scope
    key: str
    fitting: tuple[Rule, ...]
    winner: Rule | None
    percent: Decimal
    slot: Decimal  # from 0 to 99.99: the key passes where it is below the percentage
    passes: bool


Rules = Mapping[str, Sequence[Rule]]


def declared(name: str) -> Flag:
    """A flag by its name. Raises Invalid (`flags.unknown`)."""
    if name not in FLAGS:
        raise Invalid("flags.unknown", f"there is no flag {name!r}; there are {', '.join(sorted(FLAGS))}", about=name)
    return FLAGS[name]


def slot(name: str, key: str) -> int:
    """Where a key stands among the 10,000 slots of a flag: the same in every process and for ever."""
    return int.from_bytes(hashlib.sha256(f"{name}:{key}".encode()).digest()[:8]) % SLOTS


def passes(name: str, key: str, percent: Decimal) -> bool:
    """Whether a key is in a share."""
    return percent >= WHOLE or slot(name, key) < percent * (SLOTS // 100)


def particular(scope: Scope) -> tuple[int, tuple[bool, ...]]:
    """How particular a scope is: by how much it names, then by what."""
    return len(scope.named), tuple(bool(getattr(scope, name)) for name in DIMENSIONS)


def explain(rules: Rules, name: str, asked: Scope, key: str) -> Explanation:
    """What a flag says for a key, and why. Raises Invalid (`flags.unknown`)."""
    flag = declared(name)
    fitting = [rule for rule in rules.get(name, ()) if rule.scope.covers(asked)]
    fitting.sort(key=lambda rule: particular(rule.scope), reverse=True)
    winner = fitting[0] if fitting else None
    percent = winner.percent if winner else flag.default
    return Explanation(
        flag=flag, asked=asked, key=key, fitting=tuple(fitting), winner=winner, percent=percent,
        slot=Decimal(slot(name, key)) / (SLOTS // 100), passes=passes(name, key, percent),
    )  # fmt: skip


def lets(rules: Rules, names: Iterable[str], asked: Scope, key: str) -> bool:
    """Whether every one of these flags lets a key through."""
    ruled = (name for name in names if name in rules or FLAGS[name].default < WHOLE)
    return all(explain(rules, name, asked, key).passes for name in ruled)


def read_rules(session: Session) -> Rules:
    """Every rule by its flag, as the database has them now; those of flags that are declared no more are left out."""
    found: dict[str, list[Rule]] = {}
    for row in session.scalars(select(FlagRule).execution_options(populate_existing=True)):
        scope = Scope(**{name: getattr(row, name) for name in DIMENSIONS})
        if row.flag in FLAGS:
            found.setdefault(row.flag, []).append(Rule(flag=row.flag, scope=scope, percent=row.percent))
    return found


class Flags:
    """This process' picture of the rules, at most a second old.

    While the database is away it is the last that was read; the declared defaults, where none was.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._rules: Rules = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def allows(self, name: str, key: str, asked: Scope | None = None) -> bool:
        """Whether a flag lets a key through. Raises Invalid (`flags.unknown`)."""
        return explain(self.rules(), name, asked or Scope(), key).passes

    def rules(self, session: Session | None = None) -> Rules:
        """The rules; with a session they are read in its transaction."""
        if monotonic() - self._read_at > FRESH_SECONDS:
            try:
                if session is not None:
                    self._keep(read_rules(session))
                else:
                    with self._sessions() as own:
                        self._keep(read_rules(own))
            except DBAPIError:
                if session is not None:
                    raise
                self._read_at = monotonic()  # the database is away: not every question waits for it
        return self._rules

    def forget(self) -> None:
        """Read the rules again at the next question."""
        self._read_at = float("-inf")

    def _keep(self, rules: Rules) -> None:
        with self._lock:
            self._rules, self._read_at = rules, monotonic()

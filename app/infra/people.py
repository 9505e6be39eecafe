"""People who sign in: their passwords, roles and locks.

What a failed sign-in says is the same for an e-mail that exists and one that does not, the count of tries included:
a person's tries stand in the row, a stranger's in Redis, both forgotten a quarter of an hour after the last.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from redis import Redis
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.infra.web.scopes import Role
from app.infra.web.throttle import Tries
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid, NotFound, Refused

MOST_TRIES = 5
LOCK = timedelta(minutes=15)  # long enough to spoil guessing, short enough for one who forgot
FEWEST_CHARACTERS = 12
MOST_CHARACTERS = 200  # argon2 reads everything it is given
# 46 MiB, one pass, one lane: the first choice of OWASP's password storage cheat sheet; about 40 ms of one core.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)


class PersonRow(Base):
    """One person. `failures` count while `locked_until` is ahead, which every failure moves."""

    __tablename__ = "person"
    __table_args__ = ({"schema": "hub"},)

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(server_default="")
    password_hash: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default="true")
    failures: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[datetime | None]
    session_version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_seen_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The outcome of a try: the person, or a sentence about it."""

    person: PersonRow | None
    said: str = ""


def create_person(uow: UnitOfWork, *, email: str, role: str, name: str = "", password: str = "") -> tuple[str, str]:
    """Add a person; returns (id, password), the password made here where none is given."""
    known = _address(email)
    if role not in tuple(Role):
        raise Invalid("people.unknown_role", f"there is no role {role!r}; there are {', '.join(Role)}")
    if uow.session.scalar(select(PersonRow.id).filter_by(email=known)):
        raise Refused("people.exists", f"{known} is a person here already; use `flask user reset`", about=known)
    password = password or new_password()
    person_id = new_id()
    uow.session.add(
        PersonRow(id=person_id, email=known, name=name.strip(), role=str(role), password_hash=_hash(password))
    )
    uow.session.flush()
    return person_id, password


def first_person(session: Session, email: str) -> str:
    """Make the first administrator of an empty hub; returns the password."""
    password = new_password()
    session.add(PersonRow(id=new_id(), email=email, role=str(Role.ADMIN), password_hash=_hash(password)))
    return password


def reset_password(uow: UnitOfWork, email: str, password: str = "") -> str:
    """Give a person a new password, unlock it and end all its sessions; returns the password."""
    row = by_email(uow.session, email)
    password = password or new_password()
    row.password_hash, row.failures, row.locked_until = _hash(password), 0, None
    end_sessions(uow, email)
    return password


def sign_in(uow: UnitOfWork, redis: Redis, email: str, password: str) -> SignIn:
    """Check a try and count it. Never says whether the e-mail is known, nor by the time it takes."""
    known, now = email.strip().lower(), SYSTEM_CLOCK.now()
    tries = Tries(redis, "sign_in", seconds=int(LOCK.total_seconds()))
    row = uow.session.scalar(select(PersonRow).filter_by(email=known, active=True).with_for_update())
    if row is not None and (row.locked_until is None or row.locked_until <= now):
        row.failures, row.locked_until = 0, None
    failed = row.failures if row is not None else tries.count(known)
    right = _verify(row.password_hash if row is not None else _decoy(), password)
    if failed >= MOST_TRIES:
        return SignIn(person=None, said=_locked())
    if row is None:
        return SignIn(person=None, said=_refused(tries.add(known)))
    if not right:
        row.failures, row.locked_until = failed + 1, now + LOCK
        return SignIn(person=None, said=_refused(row.failures))
    row.failures, row.locked_until, row.last_seen_at = 0, None, now
    if _HASHER.check_needs_rehash(row.password_hash):
        row.password_hash = _hash(password)
    return SignIn(person=row)


def person_of_session(session: Session, token: str) -> PersonRow | None:
    """The person a session cookie names, if it still is one and its sessions were not ended since."""
    person_id, _, version = token.partition(".")
    row = session.get(PersonRow, person_id) if len(person_id) == 36 else None
    return row if row is not None and row.active and version == str(row.session_version) else None


def session_token(person: PersonRow) -> str:
    """What the session cookie keeps of a person."""
    return f"{person.id}.{person.session_version}"


def end_sessions(uow: UnitOfWork, email: str) -> str:
    """Sign a person out everywhere; returns the person's id. Raises NotFound."""
    row = by_email(uow.session, email)
    row.session_version += 1
    return row.id


def turn_off(uow: UnitOfWork, email: str) -> str:
    """Let a person in no more, from the next request on; returns the person's id. What the person did stays.

    Raises NotFound, or Refused `people.last_admin` for the last one who may let others in.
    """
    admins = select(PersonRow).filter_by(role=str(Role.ADMIN), active=True).order_by(PersonRow.id).with_for_update()
    row, left = by_email(uow.session, email), list(uow.session.scalars(admins))
    if left == [row]:
        raise Refused("people.last_admin", "nobody else may let people in: make another administrator first")
    row.active = False
    return end_sessions(uow, email)


def turn_on(uow: UnitOfWork, email: str) -> str:
    """Let a person in again, with the password it had; returns the person's id. Raises NotFound."""
    row = by_email(uow.session, email)
    row.active, row.failures, row.locked_until = True, 0, None
    return row.id


def by_email(session: Session, email: str) -> PersonRow:
    known = email.strip().lower()
    row = session.scalar(select(PersonRow).filter_by(email=known))
    if row is None:
        raise NotFound("people.unknown", f"nobody here has the e-mail {known}; `flask user list` shows who has one")
    return row


def everybody(session: Session) -> list[PersonRow]:
    return list(session.scalars(select(PersonRow).order_by(PersonRow.email)))


def new_password() -> str:
    """A password nobody guesses and a person can type: 4 groups of 5, about 98 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _address(email: str) -> str:
    known = email.strip().lower()
    name, at, domain = known.rpartition("@")
    if not (name and at and "." in domain) or len(known) > 254 or any(letter.isspace() for letter in known):
        raise Invalid("people.email", f"{email!r} is not an e-mail address; give one such as dana@shop.example")
    return known


def _hash(password: str) -> str:
    if not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise Invalid("people.password", f"a password has {FEWEST_CHARACTERS} to {MOST_CHARACTERS} characters")
    return _HASHER.hash(password)


@cache
def _decoy() -> str:
    """A stranger's try takes as long as a person's."""
    return _HASHER.hash(secrets.token_urlsafe())


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password[:MOST_CHARACTERS])
    except (VerifyMismatchError, InvalidHashError):
        return False


def _refused(failures: int) -> str:
    left = MOST_TRIES - failures
    if left <= 0:
        return _locked()
    tries = "1 try" if left == 1 else f"{left} tries"
    return f"That e-mail and password do not go together. {tries} left, then a {_minutes()}-minute pause."


def _locked() -> str:
    return f"Too many tries. Sign in again after a pause of {_minutes()} minutes, or ask an administrator for a reset."


def _minutes() -> int:
    return int(LOCK.total_seconds() // 60)

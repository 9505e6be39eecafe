"""`flask user …`: people who may sign in to the console."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from sqlalchemy import select

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.infra.acts import record_act
from app.infra.db import make_engine, make_sessions
from app.infra.people import (
    PersonRow,
    create_person,
    end_sessions,
    everybody,
    first_person,
    reset_password,
    turn_off,
    turn_on,
)
from app.infra.uow import UnitOfWork
from app.infra.web.scopes import Role
from app.infra.web.wiring import hub
from app.settings import Settings

FIRST = "admin@roundhouse.local"

users = Commands("user", help="People who may sign in to the console.")


@users.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice([str(role) for role in Role]), default="operator", show_default=True)
@click.option("--name", default="", help="How the console shows the person.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
@as_json
def create(email: str, role: str, name: str, password_stdin: bool, json_wanted: bool) -> None:
    """Add a person; prints the password once, unless it was given."""
    given = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    with hub().unit_of_work() as uow:
        person_id, password = create_person(uow, email=email, role=role, name=name, password=given)
        record_act(uow, who(), "added a person", kind="person", key=person_id, facts={"role": role})
    shown = {} if given else {"password": password}
    said = f"{email} may sign in as {role}." + ("" if given else f" Password, shown once: {password}")
    tell(said, {"email": email, "role": role, **shown}, json_wanted=json_wanted)


@users.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """Everybody who may sign in."""
    with hub().unit_of_work() as uow:
        people = everybody(uow.session)
    rows = [
        {
            "email": person.email, "name": person.name, "role": person.role, "active": person.active,
            "last_seen_at": person.last_seen_at,
        }
        for person in people
    ]  # fmt: skip
    columns = ("email", "name", "role", "active", "last_seen_at")
    listed(rows, columns, json_wanted=json_wanted, nothing="Nobody may sign in yet; `flask user create` adds a person.")


@users.command("reset")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")
@as_json
def reset(email: str, password_stdin: bool, json_wanted: bool) -> None:
    """Give a person a new password, unlock it and end all its sessions."""
    given = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    with hub().unit_of_work() as uow:
        password = reset_password(uow, email, given)
        record_act(uow, who(), "reset a password", kind="person", key=email.strip().lower())
    shown = {} if given else {"password": password}
    said = f"{email} has a new password" + ("." if given else f", shown once: {password}")
    tell(said, {"email": email, **shown}, json_wanted=json_wanted)


def _set(email: str, change: Callable[[UnitOfWork, str], str], did: str, why: str) -> None:
    with hub().unit_of_work() as uow:
        record_act(uow, who(), did, kind="person", key=change(uow, email), why=why)


@users.command("sign-out")
@click.argument("email")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def sign_out(email: str, why: str, json_wanted: bool) -> None:
    """Sign a person out everywhere, for example after a laptop was lost."""
    _set(email, end_sessions, "signed a person out", why)
    tell(f"{email} is signed out everywhere.", {"email": email}, json_wanted=json_wanted)


@users.command("disable")
@click.argument("email")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def disable(email: str, why: str, json_wanted: bool) -> None:
    """Let a person in no more; its sessions end at once, what it did stays."""
    _set(email, turn_off, "turned a person off", why)
    tell(f"{email} may not sign in any more.", {"email": email, "active": False}, json_wanted=json_wanted)


@users.command("enable")
@click.argument("email")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def enable(email: str, why: str, json_wanted: bool) -> None:
    """Let a person in again, with the password it had."""
    _set(email, turn_on, "turned a person on", why)
    tell(f"{email} may sign in again.", {"email": email, "active": True}, json_wanted=json_wanted)


def ensure_first_user(settings: Settings) -> str | None:
    """Make the first administrator where nobody may sign in yet; returns the password, None where somebody may."""
    engine = make_engine(settings.database_url, pool_size=1)
    try:
        with make_sessions(engine).begin() as session:
            if session.scalar(select(PersonRow.id).limit(1)):
                return None
            return first_person(session, FIRST)
    finally:
        engine.dispose()

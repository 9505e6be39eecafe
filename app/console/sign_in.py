"""Coming in and going out: the sign-in page, the session behind it, and who is on the other side of a request."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Flask, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from app.console.security import REST, WHOLE_DAY
from app.infra.acts import record_act
from app.infra.people import PersonRow, person_of_session, session_token
from app.infra.people import sign_in as try_to_sign_in
from app.infra.web.auth import Principal
from app.infra.web.scopes import Permission, may
from app.infra.web.throttle import Throttle
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Forbidden

BEGAN = "signed_in_at"
MOST_TRIES_A_MINUTE = 30  # from one address: an office behind one, but no list of passwords
blueprint = Blueprint("sign_in", __name__, url_prefix="/admin")


class SignedIn(UserMixin):
    """The person of a session, as views and templates see it."""

    def __init__(self, person: PersonRow) -> None:
        self.token = session_token(person)
        self.person_id, self.email, self.role = person.id, person.email, person.role
        self.name = person.name or person.email

    def get_id(self) -> str:
        return self.token

    @property
    def initials(self) -> str:
        parts = self.name.replace("@", " ").replace(".", " ").split()
        return "".join(part[0] for part in parts[:2]).upper()

    def may(self, permission: str) -> bool:
        return may(self.role, Permission(permission))


def register_sign_in(app: Flask) -> None:
    """Let the console's pages know who is there."""
    manager = LoginManager()
    manager.session_protection = None  # the address of a phone changes; the session's version guards instead
    manager.init_app(app)
    manager.user_loader(_load)
    app.register_blueprint(blueprint)


def actor(permission: Permission) -> str:
    """Who does it, for services and the audit; Forbidden unless the person's role may."""
    if not current_user.is_authenticated or not may(current_user.role, permission):
        raise Forbidden("auth.role", f"this needs a role that may {permission}; ask an administrator")
    g.principal = Principal(name=f"person:{current_user.email}", scopes=frozenset())
    return str(current_user.email)


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The page with the two fields."""
    return redirect(url_for("admin.index")) if current_user.is_authenticated else _page("")


@blueprint.post("/sign-in")
def come_in() -> ResponseReturnValue:
    """Try e-mail and password; says nothing about which of the two was wrong."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    gate = Throttle(hub().redis, "sign_in_address", limit=MOST_TRIES_A_MINUTE, seconds=60)
    welcome = gate.admit(request.remote_addr or "")
    if not welcome.welcome:
        return _page(f"Too many tries from your network. Try again in {welcome.seconds} s.", email), 429
    with hub().unit_of_work() as uow:
        tried = try_to_sign_in(uow, hub().redis, email, password)
        if tried.person is not None:
            record_act(uow, tried.person.email, "signed in", kind="person", key=tried.person.id)
    if tried.person is None:
        return _page(tried.said, email), 401
    session.clear()  # nothing that a stranger put into the session survives it
    session.permanent = True
    session[BEGAN] = int(SYSTEM_CLOCK.now().timestamp())
    login_user(SignedIn(tried.person))
    return redirect(_local(request.form.get("next", "")), 303)


@blueprint.post("/sign-out")
def go_out() -> ResponseReturnValue:
    """End this session."""
    logout_user()
    session.clear()
    return redirect(url_for("sign_in.sign_in"), 303)


def _load(token: str) -> SignedIn | None:
    began = session.get(BEGAN)
    if not isinstance(began, int) or SYSTEM_CLOCK.now() - datetime.fromtimestamp(began, UTC) > WHOLE_DAY:
        return None
    with hub().sessions() as reading:
        person = person_of_session(reading, token)
        return SignedIn(person) if person is not None else None


def _page(said: str, email: str = "") -> str:
    wanted = request.values.get("next", "")
    rest = int(REST.total_seconds() // 60)
    return render_template("console/sign_in.html", said=said, email=email, next=wanted, rest=rest)


def _local(address: str) -> str:
    """Where to go on: a page of the console, never somebody else's."""
    safe = address.startswith("/admin/") and not any(sign in address for sign in ("//", "\\", "\n", "\r"))
    return address if safe else str(url_for("admin.index"))

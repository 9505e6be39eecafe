"""What machines ask: is it alive, can it work, what has it counted.

/healthz   200 while the process answers; looks at nothing else, so that a lost database restarts nobody
/readyz    200, or 503 naming what is missing: database, migrations, Redis, relay
/metrics   for Prometheus; open to this machine, from elsewhere with an API key of scope `metrics`
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path

import redis
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.api import metrics as exposition
from app.api.limit_metrics import limit_families
from app.infra.hub import Hub
from app.infra.web.auth import admit
from app.infra.web.wiring import hub
from app.kernel.version import VERSION

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
RELAY_SECONDS = 10.0  # a relay beats twice a second; one that was restarted is back well within this
PATIENCE = "2s"  # whoever asks gives up after a few seconds itself
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="alive", version=VERSION)


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Whether this process can do its work, and what it lacks."""
    looks: dict[str, Callable[[Hub], str]] = {"database": _database, "redis": _redis}
    missing = {name: said for name, look in looks.items() if (said := look(hub()))}
    if "database" not in missing and (said := _migrations(hub())):
        missing["migrations"] = said
    elif "database" not in missing and (said := _relay(hub())):
        missing["relay"] = said
    ready = not missing
    return jsonify(ready=ready, version=VERSION, missing=missing), 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counts of all processes; raises Unauthenticated or Forbidden for a stranger without the scope."""
    if not _from_here():
        admit("metrics")
    with hub().unit_of_work() as uow:
        found = exposition.families(uow)
    found += limit_families(hub())
    return Response(exposition.render(found), content_type=exposition.CONTENT_TYPE)


def _from_here() -> bool:
    """Asked from this machine, and not through a proxy on it that speaks for somebody else."""
    if any(name in request.headers for name in FORWARDED) or not request.remote_addr:
        return False
    try:
        return ip_address(request.remote_addr).is_loopback
    except ValueError:
        return False


def _database(house: Hub) -> str:
    try:
        _ask(house, "SELECT 1")
    except SQLAlchemyError as error:
        return f"does not answer ({type(error).__name__})"
    return ""


def _redis(house: Hub) -> str:
    try:
        house.redis.ping()
    except redis.RedisError as error:
        return f"does not answer ({type(error).__name__})"
    return ""


def _migrations(house: Hub) -> str:
    """The database stands at this release's newest revision, or beyond: a revision that we do not know is newer."""
    try:
        found = _ask(house, "SELECT version_num FROM hub.alembic_version")
    except SQLAlchemyError:
        return "were never run: `alembic upgrade head`"
    if found == _revisions()[0] or found not in _revisions():
        return ""
    return f"stand at {found}, this release needs {_revisions()[0]}: `alembic upgrade head`"


def _relay(house: Hub) -> str:
    age = _ask(house, "SELECT extract(epoch FROM now() - max(beat_at))::float8 FROM hub.worker WHERE kind = 'relay'")
    if age is None:
        return "none is running: `python -m app.jobs.relay`"
    return "" if float(str(age)) <= RELAY_SECONDS else f"none has shown that it lives for {float(str(age)):.0f} s"


def _ask(house: Hub, question: str) -> object:
    with house.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
        return connection.scalar(text(question))


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision that this release knows, the newest first."""
    directory = import_module("alembic.script").ScriptDirectory  # a tenth of the web's start, for this question alone
    return tuple(script.revision for script in directory(str(MIGRATIONS)).walk_revisions())

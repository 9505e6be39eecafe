"""The frame around every page: assets, what the menu counts, the page of a refusal, reading for a view."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import text

from app.console import words
from app.console.marks import MARKS
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_SECONDS
from app.infra.web.problems import Problem, show_as_page
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.money import Money

ASSETS = Path(__file__).parent / "static"
KEPT = timedelta(days=365)  # an asset's address changes with it
MOST_COUNTED = 1000  # beyond that a menu says 999+
COUNTS = """
SELECT (SELECT count(*) FROM (SELECT FROM hub.exception_case
                               WHERE state NOT IN ('resolved', 'dismissed') LIMIT :most) c),
       (SELECT count(*) FROM (SELECT FROM hub.delivery WHERE state IN ('parked', 'rejected') LIMIT :most) d),
       (SELECT count(*) FROM hub.connection WHERE state <> 'on')
"""

blueprint = Blueprint(
    "console",
    __name__,
    url_prefix="/admin",
    static_folder="static",
    static_url_path="/assets",
    template_folder="templates",
)


def register_frame(app: Flask) -> None:
    """Register templates and assets before Flask-Admin's own, so that ours win."""
    app.register_blueprint(blueprint)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = KEPT
    app.jinja_env.globals.update(MARKS)
    app.jinja_env.globals.update(asset=asset, menu_counts=menu_counts, now=SYSTEM_CLOCK.now, Money=Money)
    app.jinja_env.filters.update(
        lasting=words.lasting,
        since=words.since,
        counted=words.count_of,
        moment=words.moment,
        money=words.money_words,
        worth=words.worth_words,
        sentence=words.sentence,
    )
    show_as_page(app, "/admin", refused)


@contextmanager
def reading() -> Iterator[UnitOfWork]:
    """A unit of work for a page: it cannot write, and ends after five seconds."""
    with hub().unit_of_work() as uow:
        uow.sql("SET TRANSACTION READ ONLY")
        uow.sql(f"SET LOCAL statement_timeout = '{PAGE_SECONDS}s'")
        yield uow


def asset(name: str) -> str:
    """The address of a file of ours; it changes with the file, so browsers may keep it."""
    return url_for("console.static", filename=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]


def menu_counts() -> dict[str, int]:
    """What waits behind the menu's entries; one statement for each page."""
    if "menu_counts" not in g:
        with hub().sessions() as session:
            cases, letters, connections = session.execute(text(COUNTS), {"most": MOST_COUNTED}).one()
        g.menu_counts = {"cases": cases, "letters": letters, "connections": connections}
    return dict(g.menu_counts)


def refused(problem: Problem) -> ResponseReturnValue:
    """A refusal for a person: what happened, what to do, and the number to tell."""
    headers = {name: value for name, value in problem.headers.items() if name == "Retry-After"}
    given: dict[str, Any] = {"problem": problem, "back": request.referrer or url_for("admin.index")}
    if current_user.is_authenticated:
        frame = current_app.extensions["admin"][0].index_view
        return frame.render("console/problem.html", **given), problem.status, headers
    return render_template("console/problem_outside.html", **given), problem.status, headers

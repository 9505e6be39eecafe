"""Storage: what the database takes, how it grows, how long the record is kept, and what leaves when."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.console.deeds import Question, ask, sure
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra.retention.ages import AGES, forgotten
from app.infra.retention.policy import plan, policies, set_policy
from app.infra.retention.storage import outlook, sizes
from app.infra.retention_rows import KINDS, RetiredPartition
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

TABLES = 12
SHOWN = 20  # partitions that left; `flask retention left` lists them all
WORDS = {
    "notice": "Messages, as they came",
    "event": "Facts",
    "delivery": "Deliveries",
    "attempt": "Attempts and what was said",
}


def size_words(count: float) -> str:
    """1234567 → 1.2 MB; a size that shrinks keeps its sign."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if abs(value) < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "B" or abs(value) >= 100 else f"{value:,.1f} {unit}"


def age_words(age: timedelta) -> str:
    """90 days; an hour."""
    if age.days:
        return f"{age.days} days"
    hours = round(age / timedelta(hours=1))
    return "an hour" if hours == 1 else f"{hours} hours"


class StoragePage(Page):
    """What the database takes and what leaves it."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            given = {
                "whole": outlook(uow), "tables": sizes(uow, TABLES), "kept": policies(uow), "partitions": plan(uow),
                "left": _left(uow), "ages": AGES, "forgotten": forgotten(uow),
            }  # fmt: skip
        return str(self.render("console/storage.html", words=WORDS, size=size_words, age=age_words, **given))

    @expose("/policy", methods=("POST",))
    def policy(self) -> ResponseReturnValue:
        """Keep a kind of record so many days, with or without an archive."""
        who = actor(Permission.CONNECT)
        kind, days, archive = request.form.get("kind", ""), _days(), request.form.get("archive") == "yes"
        if not sure():
            with hub().unit_of_work() as uow:  # refuse before asking; nothing is kept of it
                set_policy(uow, kind, who, keep_days=days, archive=archive)
                going = [one for one in plan(uow) if one.kind == kind and one.goes]
                uow.session.rollback()
            question = Question(
                title=f"Keep {WORDS[kind].lower()} for {days} days",
                sentences=(
                    "What is older leaves in the night, a whole partition at a time, and only with nothing open in it.",
                    "It is written to the archive first." if archive else "It is dropped without an archive.",
                ),
                facts=(("Leaves in the next night", f"{size_words(sum(one.bytes for one in going))}"),),
                button="Change the policy",
                back=url_for("storage.index"),
                given=(("kind", kind), ("days", str(days)), ("archive", "yes" if archive else "")),
                danger=not archive,
            )
            return ask(self, question)
        with hub().unit_of_work() as uow:
            set_policy(uow, kind, who, keep_days=days, archive=archive)
        flash(f"{WORDS[kind]} are kept for {days} days.")
        return redirect(url_for("storage.index"), 303)


def _days() -> int:
    text = request.form.get("days", "").strip()
    if not text.isdigit() or len(text) > 4:
        raise Invalid("retention.days", f"{text or 'nothing'} is no number of days: give one from 1 to 3650")
    return int(text)


def _left(uow: UnitOfWork) -> list[RetiredPartition]:
    statement = select(RetiredPartition).where(RetiredPartition.kind.in_(KINDS))
    return list(uow.session.scalars(statement.order_by(RetiredPartition.marked_at.desc()).limit(SHOWN)))

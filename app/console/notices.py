"""What remotes told us, as received: raw bytes, headers, what became of it."""

from __future__ import annotations

from typing import ClassVar

from flask import url_for
from flask_admin import expose
from flask_login import current_user
from sqlalchemy import select

from app.console.deliveries import word_of
from app.console.frame import reading
from app.console.masking import masked_body, masked_headers, plain_body
from app.console.sign_in import actor
from app.infra.acts import record_act
from app.infra.rows import DeliveryRow, EventRow, NoticeRow, RefusalRow
from app.infra.uow import UnitOfWork
from app.infra.views import ReadOnly
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.infra.whereabouts import not_here
from app.kernel.errors import NotFound

MOST_SHOWN = 200_000  # characters of a body on a page; a browser lays out no more without a pause


class Notices(ReadOnly):
    """Everything that arrived, newest first, with its raw bytes."""

    can_view_details = False
    list_template = "console/notices.html"
    narrow: ClassVar[dict[str, str]] = {"connection": "connection", "topic": "topic", "object": "object_id"}

    @expose("/<int:notice_id>")
    def one(self, notice_id: int) -> str:
        """A notice with its body masked."""
        with reading() as uow:
            row, told = _notice(uow, notice_id), _told(uow, notice_id)
        body = masked_body(row.body)
        return self._page(row, told, body, shown=False)

    @expose("/<int:notice_id>/whole", methods=("POST",))
    def whole(self, notice_id: int) -> str:
        """The body as it came, personal data included; who looked is kept."""
        who = actor(Permission.UNMASK)
        with hub().unit_of_work() as uow:
            row, told = _notice(uow, notice_id), _told(uow, notice_id)
            record_act(uow, who, "saw a notice whole", kind="notice", key=str(notice_id))
        return self._page(row, told, plain_body(row.body), shown=True)

    def _page(self, row: NoticeRow, told: list[tuple[EventRow, list[DeliveryRow]]], body: str, *, shown: bool) -> str:
        return self.render(
            "console/notice.html",
            row=row,
            headers=masked_headers(row.headers),
            body=body[:MOST_SHOWN],
            cut=len(body) > MOST_SHOWN,
            size=len(row.body),
            told=told,
            shown=shown,
            word_of=word_of,
            may_unmask=current_user.may(Permission.UNMASK),
            title=f"Notice {row.id}",
            search=url_for("search.index", q=row.correlation_id),
        )


def refusals(uow: UnitOfWork, connection: str) -> list[RefusalRow]:
    """Counts of refused arrivals at a connection, newest day first; their bodies are not kept."""
    newest = select(RefusalRow).filter_by(connection=connection).order_by(RefusalRow.day.desc()).limit(14)
    return list(uow.session.scalars(newest))


def _notice(uow: UnitOfWork, notice_id: int) -> NoticeRow:
    row = uow.session.scalar(select(NoticeRow).filter_by(id=notice_id))
    if row is None:
        unknown = NotFound("notices.unknown", f"notice {notice_id} is not kept any more")
        raise not_here(uow, "notice", notice_id, unknown)
    return row


def _told(uow: UnitOfWork, notice_id: int) -> list[tuple[EventRow, list[DeliveryRow]]]:
    """The events of a notice's story with their deliveries: what became of it."""
    row = _notice(uow, notice_id)
    events = list(
        uow.session.scalars(
            select(EventRow).filter_by(correlation_id=row.correlation_id).order_by(EventRow.id).limit(50)
        )
    )
    ids = [event.id for event in events]
    deliveries = list(
        uow.session.scalars(select(DeliveryRow).where(DeliveryRow.event_id.in_(ids)).order_by(DeliveryRow.id))
    )
    return [(event, [one for one in deliveries if one.event_id == event.id]) for event in events]

"""Hearing: a kept notice becomes canonical values, by its adapter's topics or by the hub's own contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from marshmallow import ValidationError

from app.domains.orders.schemas import CALLBACKS
from app.flows.runtime import Told
from app.infra.connections import Connection
from app.infra.imported import NoticeImported
from app.infra.notices import NoticeReceived, StoredNotice
from app.infra.remote.spec import Message
from app.infra.uow import UnitOfWork
from app.infra.whereabouts import not_here
from app.kernel.errors import Invalid, NotFound, Refused

Received = Told[NoticeReceived] | Told[NoticeImported]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A notice on its way: who told it, and when."""

    told: Received
    notice: StoredNotice
    connection: Connection
    at: datetime

    @property
    def triggered_at(self) -> datetime | None:
        """When the vendor says that it told this, where it says so."""
        said = self.notice.headers.get(self.connection.spec.triggered_header, "")
        try:
            moment = datetime.fromisoformat(said) if said else None
        except ValueError:
            return None
        return moment if moment is None or moment.tzinfo else None

    @property
    def imported(self) -> bool:
        """Whether the hub fetched this by itself."""
        return isinstance(self.told.fact, NoticeImported)

    @property
    def key(self) -> str:
        return f"{self.notice.topic} at {self.connection.name}"


def heard_of(uow: UnitOfWork, told: Received, kept: Mapping[int, StoredNotice]) -> Heard:
    """A delivery with its kept notice. Raises NotFound (`notices.unknown`) where it is kept no longer."""
    notice = kept.get(told.fact.notice_id)
    if notice is None:
        unknown = NotFound("notices.unknown", f"notice {told.fact.notice_id} is not kept any more")
        raise not_here(uow, "notice", told.fact.notice_id, unknown)
    connection = uow.hub.connections.get(uow.session, notice.connection)
    return Heard(told=told, notice=notice, connection=connection, at=uow.hub.clock.now())


def translate(heard: Heard) -> tuple[object, ...] | None:
    """The canonical values of a notice; None for a topic that this adapter does not read.

    Raises Invalid (`intake.unreadable`): the dead letter keeps the notice, and a topic is one case, whatever is wrong.
    """
    notice, connection = heard.notice, heard.connection
    try:
        if notice.topic in CALLBACKS:
            return (CALLBACKS[notice.topic]().load(json.loads(notice.body)),)
        read = connection.spec.topics.get(notice.topic)
        if read is None:
            return None
        message = Message(connection=connection.name, topic=notice.topic, headers=notice.headers, body=notice.body)
        value = read(message, connection.settings)
    except (Invalid, Refused) as wrong:
        raise _unreadable(heard, wrong.message, wrong.code, wrong.about) from wrong
    except (ValidationError, ValueError) as wrong:
        raise _unreadable(heard, str(wrong), "intake.bad_body", "body") from wrong
    return value if isinstance(value, tuple) else (value,)


def _unreadable(heard: Heard, said: str, rule: str, about: str) -> Invalid:
    return Invalid(
        "intake.unreadable",
        f"a notice ({heard.key}) cannot be read: {said[:300]}",
        about=heard.notice.topic,
        rule=rule,
        field=about,
        notice_id=heard.notice.notice_id,
    )

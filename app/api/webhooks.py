"""Webhooks in: raw bytes, verified, kept in one statement, acknowledged after commit. Nothing is parsed before that.

401 wrong signature or another shop (counted), 400 another topic in the path, 404 unknown connection, 413 too large,
429 too much of its kind waits (never orders), 202 kept or kept before. A vendor that punishes a 4xx gets what its
adapter's `refusal_status` says, and is never slowed: its messages are kept, and wait inside.

An arrival is answered in front of Flask, which costs as much as everything else here together; what is refused goes
on into the application, where every refusal is worded.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from app.infra.cases import open_case
from app.infra.connections import Connection
from app.infra.hub import Hub
from app.infra.ids import new_id
from app.infra.lines import COME_BACK_SECONDS
from app.infra.notices import Incoming, refuse
from app.infra.remote.spec import Arrival, Notice
from app.kernel.errors import HubError, NotFound, Transient

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

blueprint = Blueprint("webhooks", __name__)
PREFIX = "/webhooks/"
REFUSAL = "roundhouse.refusal"
NOT_KEPT = frozenset({"authorization", "cookie", "proxy-authorization"})
ACCEPTED = b'{"accepted":true}'


class TooLarge(HubError):
    """The body is larger than HUB_MAX_BODY."""

    status = 413


class Webhooks:
    """Answers /webhooks/<connection>/<topic> and hands everything else, refusals too, to the application."""

    def __init__(self, application: WSGIApplication, house: Hub) -> None:
        self._application, self._house = application, house

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if not path.startswith(PREFIX):
            return self._application(environ, start_response)
        try:
            body, status, kind = self._receive(path, environ)
        except HubError as refusal:
            environ[REFUSAL] = refusal
            return self._application(environ, start_response)
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _receive(self, path: str, environ: WSGIEnvironment) -> tuple[bytes, str, str]:
        name, _, topic = path.removeprefix(PREFIX).partition("/")
        connection = self._connection(name)
        if connection is None or not topic or (connection.spec.verify is None and connection.spec.echo is None):
            raise NotFound("webhooks.unknown_connection", f"no connection {name!r} takes webhooks", about=name)
        try:
            arrival = self._arrival(topic, environ)
            if connection.spec.echo is not None and (token := connection.spec.echo(arrival)) is not None:
                return token.encode(), "200 OK", "text/plain"
            if connection.spec.verify is None:
                raise NotFound("webhooks.unknown_connection", f"{name!r} takes no webhooks", about=name)
            notice = connection.spec.verify(arrival, connection.settings)
        except HubError as refusal:
            return self._refused(connection, refusal)
        queue = connection.spec.queue_of(notice.topic)
        if connection.spec.refusal_status is None and self._house.pressure.is_full(queue):
            raise self._house.pressure.slowed(connection.name, queue)
        self._house.intake.keep(incoming_of(connection, notice, arrival))
        return ACCEPTED, "202 Accepted", "application/json"

    def _connection(self, name: str) -> Connection | None:
        known = self._house.connections.fresh(name)
        if known is not None:
            return known
        try:
            with self._house.unit_of_work() as uow, suppress(NotFound):
                return self._house.connections.get(uow.session, name)  # looks again: it may have just been added
        except OperationalError as away:
            raise Transient("hub.database_away", "the database is away", retry_after=COME_BACK_SECONDS) from away
        return None

    def _arrival(self, topic: str, environ: WSGIEnvironment) -> Arrival:
        body = self._body(environ)
        headers = {key[5:].lower().replace("_", "-"): environ[key] for key in environ if key.startswith("HTTP_")}
        if "CONTENT_TYPE" in environ:
            headers["content-type"] = environ["CONTENT_TYPE"]
        query = environ.get("QUERY_STRING", "")
        return Arrival(topic=topic, headers=headers, query=dict(parse_qsl(query)) if query else {}, body=body)

    def _body(self, environ: WSGIEnvironment) -> bytes:
        most = self._house.settings.max_body_bytes
        length: str = environ.get("CONTENT_LENGTH") or ("" if "HTTP_TRANSFER_ENCODING" in environ else "0")
        if not length or (length.isdigit() and int(length) <= most):
            body: bytes = environ["wsgi.input"].read(int(length) if length else most + 1)
            if len(body) <= most:
                return body
        raise TooLarge("webhooks.too_large", f"the body is larger than HUB_MAX_BODY, {most} bytes")

    def _refused(self, connection: Connection, refusal: HubError) -> tuple[bytes, str, str]:
        """Leave a counted trace; where the vendor would punish our refusal, a case instead of a 4xx."""
        lenient = connection.spec.refusal_status
        with self._house.unit_of_work() as uow:
            refuse(uow, connection.name, refusal.code, refusal.message)
            uow.tally("refusals", f"{connection.name}|{refusal.code}")
            if lenient is not None:
                open_case(
                    uow, code="webhooks.refused", connection=connection.name, about=refusal.code,
                    title=f"{connection.name} was sent a webhook that the hub refuses: {refusal.message}",
                )  # fmt: skip
        if lenient is None:
            raise refusal
        return ACCEPTED, f"{lenient} Accepted", "application/json"


def incoming_of(connection: Connection, notice: Notice, arrival: Arrival) -> Incoming:
    """What is kept of a verified arrival: everything but what could be used to act as somebody."""
    return Incoming(
        connection=connection.name,
        topic=notice.topic,
        external_ids=notice.external_ids,
        kind=notice.kind,
        object_id=notice.object_id,
        headers={key: value for key, value in arrival.headers.items() if key not in NOT_KEPT},
        body=arrival.body,
        correlation_id=new_id(),
        queue=connection.spec.queue_of(notice.topic),
        remark=notice.remark,
        traceparent=arrival.headers.get("traceparent", ""),
    )


@blueprint.route("/webhooks/<name>/<path:topic>", methods=["GET", "POST"])
def refused(name: str, topic: str) -> ResponseReturnValue:
    """Word a refusal; where none came along, there is nothing here."""
    refusal = request.environ.get(REFUSAL)
    raise refusal or NotFound("webhooks.unknown_connection", f"no connection {name!r} takes webhooks", about=name)

"""Webhooks in: raw bytes, verified, kept in one statement, acknowledged after commit. Nothing is parsed before that.

401 wrong signature or another shop (counted), 400 another topic in the path, 404 unknown connection, 413 too large,
202 kept or kept before. A vendor that punishes a 4xx gets what its adapter's `refusal_status` says.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from app.infra.cases import open_case
from app.infra.connections import Connection
from app.infra.hub import Hub
from app.infra.notices import Incoming, refuse
from app.infra.remote.spec import Arrival, Notice
from app.infra.web.problems import answer, correlation_id, of_hub
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, NotFound

blueprint = Blueprint("webhooks", __name__)
NOT_KEPT = frozenset({"authorization", "cookie", "proxy-authorization"})
ACCEPTED = b'{"accepted":true}'


class TooLarge(HubError):
    """The body is larger than HUB_MAX_BODY."""

    status = 413


@blueprint.route("/webhooks/<name>/<path:topic>", methods=["POST", "GET"])
def receive(name: str, topic: str) -> ResponseReturnValue:
    """Take a webhook in."""
    house = hub()
    connection = _connection(house, name)
    if connection is None or (connection.spec.verify is None and connection.spec.echo is None):
        raise NotFound("webhooks.unknown_connection", f"no connection {name!r} takes webhooks", about=name)
    try:
        arrival = _arrival(topic)
        if connection.spec.echo is not None and (token := connection.spec.echo(arrival)) is not None:
            return Response(token, content_type="text/plain")
        if connection.spec.verify is None:
            raise NotFound("webhooks.unknown_connection", f"{name!r} takes no webhooks", about=name)
        notice = connection.spec.verify(arrival, connection.settings)
    except HubError as refusal:
        return _refused(house, connection, refusal)
    return _keep(house, connection, notice, arrival)


def _connection(house: Hub, name: str) -> Connection | None:
    known = house.connections.fresh(name)
    if known is not None:
        return known
    with house.unit_of_work() as uow:
        return house.connections.all(uow.session).get(name)


def _arrival(topic: str) -> Arrival:
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge as large:
        raise TooLarge("webhooks.too_large", "the body is larger than HUB_MAX_BODY") from large
    return Arrival(
        topic=topic,
        headers={key.lower(): value for key, value in request.headers.items()},
        query=request.args.to_dict(),
        body=body,
    )


def _keep(house: Hub, connection: Connection, notice: Notice, arrival: Arrival) -> ResponseReturnValue:
    incoming = Incoming(
        connection=connection.name,
        topic=notice.topic,
        external_ids=notice.external_ids,
        kind=notice.kind,
        object_id=notice.object_id,
        headers={key: value for key, value in arrival.headers.items() if key not in NOT_KEPT},
        body=arrival.body,
        correlation_id=correlation_id(),
        remark=notice.remark,
        traceparent=arrival.headers.get("traceparent", ""),
    )
    with house.unit_of_work() as uow:
        house.intake.accept(uow, incoming)
    return Response(ACCEPTED, status=202, content_type="application/json")


def _refused(house: Hub, connection: Connection, refusal: HubError) -> ResponseReturnValue:
    """Leave a counted trace; where the vendor would punish our refusal, a case instead of a 4xx."""
    lenient = connection.spec.refusal_status
    with house.unit_of_work() as uow:
        refuse(uow, connection.name, refusal.code, refusal.message)
        uow.tally("refusals", f"{connection.name}|{refusal.code}")
        if lenient is not None:
            open_case(
                uow, code="webhooks.refused", connection=connection.name, about=refusal.code,
                title=f"{connection.name} was sent a webhook that the hub refuses: {refusal.message}",
            )  # fmt: skip
    if lenient is not None:
        return Response(ACCEPTED, status=lenient, content_type="application/json")
    return answer(of_hub(refusal))

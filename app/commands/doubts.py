"""`flask doubt …`: writes that may have had their effect, and a person's word on them."""

from __future__ import annotations

from dataclasses import asdict

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.flows.doubting import it_did_not_happen, it_happened, look_of, sent
from app.infra.locate import Key, locate
from app.infra.replay.doubts import doubts
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

COLUMNS = ("delivery_id", "step", "connection", "state", "key", "sent_at", "said", "looks", "look")

doubt = Commands("doubt", help="In doubt: calls that were not answered, and whether they had their effect.")


@doubt.command("list")
@click.option("--connection", default="", help="At one connection.")
@as_json
def list_all(connection: str, json_wanted: bool) -> None:
    """What is in doubt: what was asked, when, and what a look can tell. What waits for a person comes first."""
    with hub().unit_of_work() as uow:
        rows = [{**asdict(one), "look": look_of(uow, one.step, one.connection)} for one in doubts(uow, connection)]
    listed(rows, COLUMNS, json_wanted=json_wanted, nothing="Nothing is in doubt.")


@doubt.command("show")
@click.argument("delivery_id", type=int)
@as_json
def show(delivery_id: int, json_wanted: bool) -> None:
    """What DELIVERY_ID asks the other side for, personal data masked."""
    with hub().unit_of_work() as uow:
        key = _key(locate(uow, [delivery_id]), delivery_id)
    one({"event_id": key[0], "delivery_id": key[1], "asks": sent(hub(), key)}, json_wanted=json_wanted)


@doubt.command("happened")
@click.argument("delivery_id", type=int)
@click.option("--number", required=True, help="The document's number at the other side.")
@click.option("--why", default="", help="Where you saw it; kept in the audit.")
@as_json
def happened(delivery_id: int, number: str, why: str, json_wanted: bool) -> None:
    """DELIVERY_ID had its effect: record its number, and let what waits behind it go on."""
    with hub().unit_of_work() as uow:
        it_happened(uow, _key(locate(uow, [delivery_id]), delivery_id), number, who(), why)
    tell(f"Recorded as {number}.", {"delivery": delivery_id, "number": number}, json_wanted=json_wanted)


@doubt.command("resend")
@click.argument("delivery_id", type=int)
@click.option("--why", required=True, help="Where you looked for it; kept in the audit.")
@as_json
def resend(delivery_id: int, why: str, json_wanted: bool) -> None:
    """DELIVERY_ID had no effect: send it once more. Only where the other side cannot be asked."""
    with hub().unit_of_work() as uow:
        it_did_not_happen(uow, _key(locate(uow, [delivery_id]), delivery_id), who(), why)
    tell("It is sent once more.", {"delivery": delivery_id, "state": "due"}, json_wanted=json_wanted)


def _key(keys: list[Key], delivery_id: int) -> Key:
    if not keys:
        raise NotFound("deliveries.unknown", f"there is no delivery {delivery_id}", about=str(delivery_id))
    return keys[0]

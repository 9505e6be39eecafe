"""In doubt: a write that got no answer and nobody can look up is settled by a person's word.

"It happened" records the answer that the document's number stands for, as if the call had come back. "It did not
happen" sends it once more. Where the other side can be asked, the hub asks it, and a replay is all that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from app.flows.runtime import STEPS, Answered, Step, Steps, Told
from app.infra.acts import record_act
from app.infra.hub import Hub
from app.infra.locate import Key
from app.infra.masking import masked_document, masked_text
from app.infra.remote.spec import Dedupe
from app.infra.replay.again import conclude, send_again
from app.infra.replay.edits import payload_of
from app.infra.rows import DeliveryRow, EventRow
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec
from app.kernel.errors import HubError, Invalid, NotFound, Refused
from app.kernel.events import load_as

LOOKS = {
    Dedupe.REMOTE_KEY: "the other side knows our key: a repeat changes nothing",
    Dedupe.LOOKUP: "the hub looks before it writes",
    Dedupe.NONE: "nobody can look: a person decides",
    Dedupe.READS: "it only reads: a repeat is harmless",
}


def it_happened(uow: UnitOfWork, key: Key, number: str, who: str, why: str = "", *, steps: Steps = STEPS) -> None:
    """The call had its effect, under this number at the other side: record that, and let the lane go on.

    Raises Invalid without a number, Refused where it is not in doubt or a number does not say enough.
    """
    if not number.strip():
        raise Invalid("doubts.number_missing", "number: give the document's number at the other side")
    row, fact = _in_doubt(uow, key)
    if not conclude(uow, key, who, f"it happened: {number.strip()}"):
        raise Refused("doubts.not_in_doubt", f"delivery {key[1]} is not in doubt any more", about=str(key[1]))
    step = _step(steps, row.subscriber)
    told = told_of(row, fact, step)
    before, uow.trail = uow.trail, told.trail
    (plan,) = step.plans(uow, [told])
    if plan is not None:
        if step.happened is None:
            said = (
                f"{step.name} needs more of its document than a number: replay it and let the hub look, or dismiss it"
            )
            raise Refused("doubts.number_is_not_enough", said, about=step.name)
        answer = step.happened(plan, number.strip())
        step.records(uow, [Answered(told=told, plan=plan, answer=answer)])
    uow.trail = before
    facts = {"number": number.strip(), "step": step.name}
    record_act(uow, who, "confirmed a call in doubt", kind="delivery", key=str(key[1]), why=why, facts=facts)


def it_did_not_happen(uow: UnitOfWork, key: Key, who: str, why: str, *, steps: Steps = STEPS) -> None:
    """The call had no effect: send it once more. Only where nobody can look; Raises Refused elsewhere."""
    if not why.strip():
        raise Invalid("doubts.reason_missing", "say where you looked: if it did happen, this makes a second one")
    row, _ = _in_doubt(uow, key)
    if dedupe_of(uow, row, steps) is not Dedupe.NONE:
        said = f"{row.connection} can be asked: replay delivery {row.id}, and the hub looks before it writes"
        raise Refused("doubts.can_look", said, about=str(row.id))
    if not send_again(uow, key, who, f"it did not happen: {why.strip()}"):
        raise Refused("doubts.not_in_doubt", f"delivery {row.id} is {row.state}: only a parked one is sent again")
    record_act(uow, who, "sent again a call in doubt", kind="delivery", key=str(key[1]), why=why)


def dedupe_of(uow: UnitOfWork, row: DeliveryRow, steps: Steps = STEPS) -> Dedupe:
    """How the delivery's connection recognises a repeat of what its step writes."""
    return dedupe_at(uow, _step(steps, row.subscriber), row.connection)


def dedupe_at(uow: UnitOfWork, step: Step, connection: str) -> Dedupe:
    """How a connection recognises a repeat of a step's call; one that only reads is repeated whatever its port says."""
    if step.reads:
        return Dedupe.READS
    assert step.port is not None
    return uow.hub.connections.get(uow.session, connection).capability(step.port).dedupe


def look_of(uow: UnitOfWork, step: str, connection: str, steps: Steps = STEPS) -> str:
    """What a look-up can tell of a step's call at a connection, in words."""
    known = steps.by_name.get(step)
    if known is None or known.port is None:
        return "this release does not know the step"
    return LOOKS[dedupe_at(uow, known, connection)]


class Looked(Exception):
    """Ends the unit of work of a look, so that it changes nothing."""

    def __init__(self, shown: Mapping[str, Any] | str) -> None:
        super().__init__()
        self.shown = shown


def sent(hub: Hub, key: Key, *, steps: Steps = STEPS) -> Mapping[str, Any] | str:
    """What the call asks for, planned anew and masked, or a sentence where nothing can be shown. Changes nothing."""
    try:
        with hub.unit_of_work() as uow:
            row, fact = payload_of(uow, key)
            step = _step(steps, row.subscriber)
            raise Looked(_shown(*step.plans(uow, [told_of(row, fact, step)])))
    except Looked as looked:
        return looked.shown
    except (HubError, psycopg.Error, DBAPIError, LookupError, ValueError, TypeError) as wrong:
        return f"it cannot be planned: {wrong.message if isinstance(wrong, HubError) else type(wrong).__name__}"


def _shown(plan: Any) -> Mapping[str, Any] | str:
    if plan is None:
        return "nothing: the hub needs it no more"
    try:
        dumped = plan if isinstance(plan, str | dict) else codec.dump(plan)
    except TypeError:
        return f"a {type(plan).__name__}, which has no written form"
    return masked_document(dumped) if isinstance(dumped, dict) else masked_text(str(dumped))


def told_of(row: DeliveryRow, fact: EventRow, step: Step) -> Told[Any]:
    """A delivery as its step is told it, again."""
    payload = row.edited if row.edited is not None else fact.payload
    trail = Trail(
        correlation_id=fact.correlation_id, causation_id=fact.id, origin=fact.origin, traceparent=fact.traceparent
    )
    return Told(
        fact=load_as(step.fact, fact.type, payload), trail=trail, event_id=fact.id, delivery_id=row.id,
        connection=row.connection, attempt=max(row.attempt, 1), again=True,
    )  # fmt: skip


def _in_doubt(uow: UnitOfWork, key: Key) -> tuple[DeliveryRow, EventRow]:
    row, fact = payload_of(uow, key)
    if not row.in_doubt or row.connection == "":
        raise Refused("doubts.not_in_doubt", f"delivery {row.id} is not in doubt", about=str(row.id))
    return row, fact


def _step(steps: Steps, name: str) -> Step:
    if name not in steps.by_name or steps.by_name[name].call is None:
        raise NotFound("doubts.unknown_step", f"this release has no step {name!r} that calls outside", about=name)
    return steps.by_name[name]

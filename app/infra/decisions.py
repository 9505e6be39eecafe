"""Decisions: a case with choices. What a person chooses is a fact, and the flow that asked goes on with it.

The facts of the choices are stored with the case, so a decision may be taken weeks later, by another release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.infra.acts import record_act
from app.infra.cases import CLOSED, ExceptionCase, open_case
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec
from app.kernel.errors import Invalid, NotFound, Refused
from app.kernel.events import Fact, load_as, newest

CHOICES, CHOSEN = "choices", "chosen"
TAKEN_BY = "decided_by"  # a fact with this field is told who chose


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to go on. `title` says what a person does by it, `small` what follows."""

    name: str
    title: str
    small: str
    fact: Fact


def ask(
    uow: UnitOfWork, *, code: str, title: str, about: str, key: str, choices: Sequence[Choice], connection: str = "",
    facts: Mapping[str, Any] | None = None, said: str = "",
) -> str:  # fmt: skip
    """Open a case that waits for a choice; returns its id. Asked again, the open one has the newest choices."""
    offered = [
        {
            "name": one.name, "title": one.title, "small": one.small, "type": one.fact.event_type,
            "payload": codec.dump(one.fact), "correlation_id": uow.trail.correlation_id, "origin": uow.trail.origin,
            "cause": uow.trail.causation_id,
        }
        for one in choices
    ]  # fmt: skip
    given = {**(facts or {}), CHOICES: offered}
    return open_case(uow, code=code, connection=connection, about=about, title=title, facts=given, said=said, key=key)


def choices_of(case: ExceptionCase) -> list[Mapping[str, Any]]:
    """What may be chosen: name, title, small. Empty for a case that asks for no choice."""
    return list(case.facts.get(CHOICES, ()))


def choose(uow: UnitOfWork, case_id: str, name: str, who: str, why: str = "") -> ExceptionCase:
    """Take a decision: its fact is told and the case ends, once however often the button is pressed.

    Raises NotFound, Refused (`cases.closed`), Invalid (`cases.no_such_choice`), which names the choices there are.
    """
    case = uow.session.get(ExceptionCase, case_id, with_for_update=True)
    if case is None:
        raise NotFound("cases.unknown", f"there is no case {case_id}", about=case_id)
    if case.state in CLOSED:
        raise Refused("cases.closed", f"the case is {case.state} already", about=case_id)
    chosen = next((one for one in choices_of(case) if one["name"] == name), None)
    if chosen is None:
        offered = ", ".join(one["name"] for one in choices_of(case)) or "none: this case asks for no choice"
        raise Invalid("cases.no_such_choice", f"{name!r} is no choice of this case; there are {offered}", about=name)
    trail = Trail(
        correlation_id=chosen["correlation_id"], causation_id=chosen["cause"], origin=chosen["origin"],
        traceparent=uow.trail.traceparent,
    )  # fmt: skip
    uow.publish(_fact(chosen, who), trail)
    case.state, case.closed_by, case.closed_at = "resolved", who, uow.hub.clock.now()
    case.facts, case.reason = {**case.facts, CHOSEN: name}, why or chosen["title"]
    record_act(uow, who, "decided a case", kind="case", key=case_id, why=why, facts={"code": case.code, "chose": name})
    return case


def _fact(chosen: Mapping[str, Any], who: str) -> Fact:
    kind = newest(chosen["type"])
    if kind is None:
        raise Refused("cases.choice_gone", f"this release knows no {chosen['type']}: dismiss the case", about="choice")
    payload = chosen["payload"]
    return load_as(kind, chosen["type"], {**payload, TAKEN_BY: who} if TAKEN_BY in payload else payload)

"""`flask case …`: what a person must decide."""

from __future__ import annotations

import click
from sqlalchemy import select

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.infra.cases import CLOSED, ExceptionCase
from app.infra.decisions import choices_of, choose
from app.infra.replay.again import dismiss_case, resolve_case
from app.infra.web.wiring import hub

cases = Commands("case", help="What a person must decide before something can go on.")


@cases.command("list")
@click.option("--code", default="", help="Of one cause, such as orders.sku_unmapped.")
@click.option("--closed", is_flag=True, help="Closed ones instead of open ones.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@as_json
def list_all(code: str, closed: bool, limit: int, json_wanted: bool) -> None:
    """Cases, the one that has been open longest first."""
    wanted = ExceptionCase.state.in_(CLOSED) if closed else ExceptionCase.state.not_in(CLOSED)
    statement = select(ExceptionCase).where(wanted).order_by(ExceptionCase.opened_at).limit(limit)
    if code:
        statement = statement.where(ExceptionCase.code == code)
    with hub().unit_of_work() as uow:
        found = list(uow.session.scalars(statement))
    rows = [
        {
            "id": case.id, "code": case.code, "connection": case.connection, "about": case.about, "state": case.state,
            "count": case.count, "opened_at": case.opened_at, "assignee": case.assignee, "title": case.title,
            "said": case.said, "choices": [one["name"] for one in choices_of(case)],
        }
        for case in found
    ]  # fmt: skip
    columns = ("id", "code", "connection", "state", "count", "opened_at", "title")
    listed(rows, columns, json_wanted=json_wanted, nothing="No case: nothing needs a decision.")


@cases.command("resolve")
@click.argument("case_id", type=click.UUID)
@click.option("--why", default="", help="What was mended; kept in the audit.")
@as_json
def resolve(case_id: object, why: str, json_wanted: bool) -> None:
    """The cause of CASE_ID is mended: let what waits for it go on."""
    with hub().unit_of_work() as uow:
        count = resolve_case(uow, str(case_id), who(), why)
    tell(f"Resolved; {count} deliveries set due again.", {"case": case_id, "due": count}, json_wanted=json_wanted)


@cases.command("dismiss")
@click.argument("case_id", type=click.UUID)
@click.option("--why", required=True, help="Why it is not needed; kept in the audit.")
@as_json
def dismiss(case_id: object, why: str, json_wanted: bool) -> None:
    """Nobody needs what waits for CASE_ID: dismiss it too."""
    with hub().unit_of_work() as uow:
        count = dismiss_case(uow, str(case_id), who(), why)
    tell(f"Dismissed, with {count} deliveries.", {"case": case_id, "dismissed": count}, json_wanted=json_wanted)


@cases.command("choose")
@click.argument("case_id", type=click.UUID)
@click.argument("choice")
@click.option("--why", default="", help="Why so; kept in the audit.")
@as_json
def take(case_id: object, choice: str, why: str, json_wanted: bool) -> None:
    """Decide CASE_ID by one of its choices, which `flask case list --json` names: its flow goes on so."""
    with hub().unit_of_work() as uow:
        case = choose(uow, str(case_id), choice, who(), why)
        said = case.reason
    tell(f"Decided: {said}", {"case": case_id, "chose": choice}, json_wanted=json_wanted)

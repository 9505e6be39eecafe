"""`flask customer …`: who the hub's customers are, and what a person may ask of their data."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.customers.canonical import Ask
from app.domains.customers.service import Subject
from app.flows import merging, privacy
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

customer = Commands("customer", help="Who customers are, and what a person may ask of their data.")


def _subject(account_id: object, email: str) -> Subject:
    """Whom a command is about. Raises Invalid unless exactly one of the two is given."""
    if (account_id is None) == (not email):
        raise Invalid("customers.nobody_named", "name the person by --account or by --email, one of them")
    return Subject(email=email, account_ids=(str(account_id),) if account_id else ())


@customer.command("find")
@click.argument("text")
@as_json
def find(text: str, json_wanted: bool) -> None:
    """The customers that TEXT names: an e-mail, phone, tax id, id, or number in any system."""
    with hub().unit_of_work() as uow:
        rows = [asdict(row) for row in queries.found(uow, text)]
    columns = ("account_id", "kind", "name", "company", "country", "guest", "created_at")
    listed(rows, columns, json_wanted=json_wanted, nothing="Nobody is called so.")


@customer.command("find-duplicates")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def find_duplicates(why: str, json_wanted: bool) -> None:
    """Begin a run that compares all accounts with those that share an e-mail, phone, address or tax id."""
    with hub().unit_of_work() as uow:
        run = merging.find_duplicates(uow, who(), why)
    tell(f"Begun: run {run}.", {"run": run}, json_wanted=json_wanted)


@customer.command("duplicates")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@as_json
def duplicates(limit: int, json_wanted: bool) -> None:
    """Pairs of accounts that may be one customer, the likeliest first."""
    with hub().unit_of_work() as uow:
        found = queries.pairs(uow, most=limit)
    rows = [
        {
            "account": pair.one.account_id, "other": pair.other.account_id, "score": pair.score,
            "signs": list(pair.signs), "found_at": pair.found_at,
        }
        for pair in found
    ]  # fmt: skip
    listed(rows, ("account", "other", "score", "signs"), json_wanted=json_wanted, nothing="No two look like one.")


@customer.command("merge")
@click.argument("survivor", type=click.UUID)
@click.argument("merged", type=click.UUID)
@click.option("--why", required=True, help="Why they are one; kept in the audit.")
@as_json
def merge(survivor: object, merged: object, why: str, json_wanted: bool) -> None:
    """Let the account MERGED become SURVIVOR: its orders and numbers follow."""
    with hub().unit_of_work() as uow:
        made = merging.merge(uow, str(survivor), str(merged), who(), why)
    tell(f"Merged; `flask customer unmerge {made}` takes it back.", {"merge": made}, json_wanted=json_wanted)


@customer.command("unmerge")
@click.argument("merge_id", type=click.UUID)
@click.option("--why", required=True, help="Why they are two; kept in the audit.")
@as_json
def unmerge(merge_id: object, why: str, json_wanted: bool) -> None:
    """Take a merge back: what went over goes back, what came since stays."""
    with hub().unit_of_work() as uow:
        merging.unmerge(uow, str(merge_id), who(), why)
    tell("They are two again.", {"merge": merge_id}, json_wanted=json_wanted)


@customer.command("export")
@click.option("--account", type=click.UUID, help="The person's account.")
@click.option("--email", default="", help="The person's e-mail; every account with it is meant.")
@click.option("--why", required=True, help="Who asked, and how you know them; kept in the audit.")
@as_json
def export(account: object, email: str, why: str, json_wanted: bool) -> None:
    """Put all that is held of a person into a file. It is ready within minutes: `flask customer file ID`."""
    with hub().unit_of_work() as uow:
        request = privacy.ask_for(uow, Ask.EXPORT, _subject(account, email), who(), why, source="command")
    tell(f"Asked: request {request}.", {"request": request}, json_wanted=json_wanted)


@customer.command("erase")
@click.option("--account", type=click.UUID, help="The person's account.")
@click.option("--email", default="", help="The person's e-mail; every account with it is meant.")
@click.option("--why", required=True, help="Who asked, and how you know them; kept in the audit. Do not name them.")
@click.option("--yes", is_flag=True, help="Do not ask again: what is erased does not come back.")
@as_json
def erase(account: object, email: str, why: str, yes: bool, json_wanted: bool) -> None:
    """Erase a person, in whatever channel. Sums and what proves the tax stay; open orders are waited for."""
    subject = _subject(account, email)
    if not yes:
        click.confirm("What is erased does not come back. Erase?", abort=True)
    with hub().unit_of_work() as uow:
        request = privacy.ask_for(uow, Ask.ERASE, subject, who(), why, source="command")
    tell(f"Begun: request {request}.", {"request": request}, json_wanted=json_wanted)


@customer.command("requests")
@click.option("--all", "whole", is_flag=True, help="Answered ones too.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@as_json
def requests(whole: bool, limit: int, json_wanted: bool) -> None:
    """What people asked of their data, with the day by which it is to be answered."""
    with hub().unit_of_work() as uow:
        found = queries.requests_listed(uow, pending=not whole, most=limit)
    rows = [_row(request) for request in found]
    columns = ("id", "kind", "state", "connection", "asked_at", "due_at", "said")
    listed(rows, columns, json_wanted=json_wanted, nothing="Nobody waits for an answer.")


@customer.command("request")
@click.argument("request_id", type=click.UUID)
@as_json
def show(request_id: object, json_wanted: bool) -> None:
    """One request, with the proof of what was done."""
    with hub().unit_of_work() as uow:
        found = queries.request_view(uow, str(request_id))
    one({**_row(found), "why": found.why, "proof": dict(found.proof)}, json_wanted=json_wanted)


@customer.command("file")
@click.argument("request_id", type=click.UUID)
@click.option("--to", type=click.File("w", encoding="utf-8", lazy=False), default=None, help="Write it there.")
def file(request_id: object, to: object) -> None:
    """Fetch the file that answers a request; that you did is kept in the audit."""
    with hub().unit_of_work() as uow:
        text = customers.read_export(uow, str(request_id), who())
    click.echo(text, file=to or sys.stdout)  # type: ignore[arg-type]


@customer.command("handed-over")
@click.argument("request_id", type=click.UUID)
@click.option("--why", default="", help="How it was handed over.")
@as_json
def handed_over(request_id: object, why: str, json_wanted: bool) -> None:
    """The person has the file: the request is answered, and the file is deleted."""
    with hub().unit_of_work() as uow:
        privacy.hand_over(uow, str(request_id), who(), why)
    tell("Answered; the file is deleted.", {"request": request_id, "state": "answered"}, json_wanted=json_wanted)


@customer.command("erase-now")
@click.argument("request_id", type=click.UUID)
@click.option("--why", required=True, help="Why open orders are not waited for; kept in the audit.")
@as_json
def erase_now(request_id: object, why: str, json_wanted: bool) -> None:
    """Erase in spite of open orders."""
    with hub().unit_of_work() as uow:
        privacy.erase_now(uow, str(request_id), who(), why)
    tell("It goes on now.", {"request": request_id}, json_wanted=json_wanted)


@customer.command("withdraw")
@click.argument("request_id", type=click.UUID)
@click.option("--why", required=True, help="Why nobody wants it any more; kept in the audit.")
@as_json
def withdraw(request_id: object, why: str, json_wanted: bool) -> None:
    """End a request that nobody wants any more. What is erased already stays erased."""
    with hub().unit_of_work() as uow:
        privacy.withdraw(uow, str(request_id), who(), why)
    tell("Withdrawn.", {"request": request_id, "state": "withdrawn"}, json_wanted=json_wanted)


def _row(found: queries.PrivacyRequest) -> dict[str, object]:
    names = ("kind", "state", "connection", "asked_by", "asked_at", "due_at", "said", "ended_at", "ended_by")
    return {
        "id": found.request_id, "run_id": found.run_id, "file_until": found.file_until,
        **{name: getattr(found, name) for name in names},
    }  # fmt: skip

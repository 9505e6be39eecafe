"""`flask customer …`: who the hub's customers are, and what a person may ask of their data."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.domains.customers import queries
from app.domains.customers import service as customers
from app.domains.customers.canonical import Address, Ask
from app.domains.customers.service import Subject, Writer
from app.flows import credit, customer_alignment, customers_in, merging, privacy
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

customer = Commands("customer", help="Who customers are, and what a person may ask of their data.")

ROOM = ("balance", "open_orders", "open_count", "left")


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


@customer.command("show")
@click.argument("account_id", type=click.UUID)
@as_json
def show_account(account_id: object, json_wanted: bool) -> None:
    """One customer without personal data: its numbers, tax ids, credit, places, people, and what may be the same."""
    with hub().unit_of_work() as uow:
        found, room = queries.whole(uow, str(account_id)), credit.room_of(uow, str(account_id))
        alike = customers.possible_duplicates(uow, found.brief.account_id)
    parts = found.parts
    row = {
        "account_id": found.brief.account_id, "kind": found.brief.kind, "company": found.brief.company,
        "country": found.brief.country, "groups": list(found.brief.groups),
        "known_as": [f"{one['connection']}: {one['number'] or one['external_id']}" for one in parts["known_as"]],
        "tax_ids": [f"{one['number']} ({one['verdict']})" for one in parts["tax_ids"]],
        "credit": dict(parts["credit_terms"][0]) if parts["credit_terms"] else None,
        "room": None if room is None else {name: str(getattr(room, name)) for name in ROOM},
        "places": [one["name"] for one in parts["locations"]],
        "people": [one["account_id"] for one in parts["members"]],
        "possible_duplicates": alike,
    }  # fmt: skip
    one(row, json_wanted=json_wanted)


@customer.command("import")
@click.argument("connection")
@click.option(
    "--whole", is_flag=True, help="All that it holds; what changed since the last import, where it is left out."
)
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def import_customers(connection: str, whole: bool, why: str, json_wanted: bool) -> None:
    """Take in what CONNECTION holds of customers, as a run that can be stopped and resumed (`flask runs`)."""
    with hub().unit_of_work() as uow:
        known = uow.hub.connections.get(uow.session, connection)
        run = customers_in.start(uow, known, whole=whole, who=who(), why=why)
    tell(
        f"The import is under way. `flask runs show {run}` tells how far it is.", {"run": run}, json_wanted=json_wanted
    )


@customer.command("align")
@click.argument("connection")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def align(connection: str, why: str, json_wanted: bool) -> None:
    """Compare all customers of CONNECTION with the hub; nothing is repaired."""
    with hub().unit_of_work() as uow:
        run = customer_alignment.start(uow, uow.hub.connections.get(uow.session, connection), who=who(), why=why)
    tell(f"Begun. `flask runs show {run}` lists who differs.", {"run": run}, json_wanted=json_wanted)


@customer.command("add-place")
@click.argument("account_id", type=click.UUID)
@click.argument("name")
@click.option("--at", "connection", default="", help="The channel that knows the place.")
@click.option("--external-id", default="", help="What the channel calls it: orders for it are the company's.")
@click.option("--street", default="", help="Street and number.")
@click.option("--city", default="")
@click.option("--postal-code", default="")
@click.option("--country", default="", help="Two letters, such as DE.")
@as_json
def add_place(
    account_id: object, name: str, connection: str, external_id: str, street: str, city: str, postal_code: str,
    country: str, json_wanted: bool,
) -> None:  # fmt: skip
    """Keep a place of a company; the same name again changes it."""
    address = Address(name=name, line1=street, city=city, postal_code=postal_code, country_code=country.upper())
    with hub().unit_of_work() as uow:
        if connection:
            uow.hub.connections.get(uow.session, connection)
        made = customers.add_location(
            uow, str(account_id), name, address, Writer(who=who()), connection=connection, external_id=external_id
        )
    tell(f"Kept: place {made}.", {"location": made}, json_wanted=json_wanted)


@customer.command("add-person")
@click.argument("company_id", type=click.UUID)
@click.argument("person_id", type=click.UUID)
@click.option("--role", default="", help="Such as buyer.")
@click.option("--place", type=click.UUID, default=None, help="One of the company's places; all where it is left out.")
@as_json
def add_person(company_id: object, person_id: object, role: str, place: object, json_wanted: bool) -> None:
    """Let a person act for a company: what that person orders on account counts on the company's credit."""
    with hub().unit_of_work() as uow:
        customers.add_member(
            uow, str(company_id), str(person_id), Writer(who=who()), role=role,
            location_id=str(place) if place else None,
        )  # fmt: skip
    tell("Done.", {"company": company_id, "person": person_id}, json_wanted=json_wanted)


@customer.command("remove-person")
@click.argument("company_id", type=click.UUID)
@click.argument("person_id", type=click.UUID)
@as_json
def remove_person(company_id: object, person_id: object, json_wanted: bool) -> None:
    """A person acts for a company no more."""
    with hub().unit_of_work() as uow:
        customers.remove_member(uow, str(company_id), str(person_id), Writer(who=who()))
    tell("Done.", {"company": company_id, "person": person_id}, json_wanted=json_wanted)


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

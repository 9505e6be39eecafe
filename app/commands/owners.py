"""`flask owner …`: which system may change which group of fields, and what was refused or held."""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.flows import owning
from app.infra.foreign import STATES, standing
from app.infra.ownership import DEFAULTS, owner_in, read_rules, set_owner, unset_owner
from app.infra.web.wiring import hub

owners = Commands("owner", help="Which system may change which group of fields.")


@owners.command("list")
@click.option("--company", default="", help="As it is for one company.")
@as_json
def list_all(company: str, json_wanted: bool) -> None:
    """Every group with its owner: `*` is anybody."""
    with hub().unit_of_work() as uow:
        rules = read_rules(uow)
    keys = {(entity, group) for entity, groups in DEFAULTS.items() for group in groups}
    keys |= {(entity, group) for of, entity, group in rules if of in ("", company)}
    rows = []
    for entity, group in sorted(keys):
        found = owner_in(rules, company, entity, group)
        said = "a rule" if found.ruled else "the default"
        rows.append({"entity": entity, "group": group, "owner": found.owner, "others": found.otherwise, "by": said})
    listed(rows, ("entity", "group", "owner", "others", "by"), json_wanted=json_wanted, nothing="nothing is owned")


@owners.command("set")
@click.argument("entity")
@click.argument("group")
@click.argument("owner")
@click.option("--company", default="", help="In one company; in all without.")
@click.option("--hold", is_flag=True, help="Keep others' updates for a person, where they can be taken over later.")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def set_one(entity: str, group: str, owner: str, company: str, hold: bool, why: str, json_wanted: bool) -> None:
    """Let OWNER (a connection, role:erp, hub, or *) own GROUP of ENTITY; `-` is the whole entity.

    The groups of stock are locations.
    """
    of = "" if group == "-" else group
    with hub().unit_of_work() as uow:
        set_owner(uow, company, entity, of, owner, who(), why, otherwise="hold" if hold else "refuse")
    facts = {"company": company, "entity": entity, "group": of, "owner": owner}
    tell(f"{owner} owns {entity} {of or 'as a whole'} of {company or 'all companies'}", facts, json_wanted=json_wanted)


@owners.command("clear")
@click.argument("entity")
@click.argument("group")
@click.option("--company", default="")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def clear(entity: str, group: str, company: str, why: str, json_wanted: bool) -> None:
    """Take a rule away: a wider one holds, or the default."""
    of = "" if group == "-" else group
    with hub().unit_of_work() as uow:
        unset_owner(uow, company, entity, of, who(), why)
    facts = {"company": company, "entity": entity, "group": of}
    tell(f"nobody is named for {entity} {of or 'as a whole'} any more", facts, json_wanted=json_wanted)


@owners.command("updates")
@click.option("--state", type=click.Choice(STATES), help="Of one state.")
@click.option("--source", default="", help="Of one system.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@as_json
def updates(state: str | None, source: str, limit: int, json_wanted: bool) -> None:
    """What systems said of fields that they do not own, the newest first."""
    with hub().unit_of_work() as uow:
        rows = [
            {
                "id": row.id, "state": row.state, "source": row.source, "owner": row.owner, "entity": row.entity,
                "group": row.field_group, "key": row.key, "count": row.count, "last_at": row.last_at, "told": row.told,
            }
            for row in standing(uow, state=state or "", source=source, most=limit)
        ]  # fmt: skip
    columns = ("id", "state", "source", "entity", "group", "key", "count", "told")
    listed(rows, columns, json_wanted=json_wanted, nothing="nobody spoke of what is not theirs")


@owners.command("take")
@click.argument("update", type=click.UUID)
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def take(update: object, why: str, json_wanted: bool) -> None:
    """Write a held UPDATE as its source told it."""
    with hub().unit_of_work() as uow:
        owning.take(uow, str(update), who(), why)
    tell("taken over", {"update": update, "state": "taken"}, json_wanted=json_wanted)


@owners.command("drop")
@click.argument("update", type=click.UUID)
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def drop(update: object, why: str, json_wanted: bool) -> None:
    """Leave things as they are; the same word is not asked about again."""
    with hub().unit_of_work() as uow:
        owning.drop(uow, str(update), who(), why)
    tell("dropped", {"update": update, "state": "dropped"}, json_wanted=json_wanted)

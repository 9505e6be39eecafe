"""`flask flag …`: what an operator opens and closes while the hub runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from app.commands.terminal import Commands, as_json, listed, one, tell, who
from app.infra.flagging import all_rules, check_scope, clear_flag, set_flag
from app.infra.flags import DIMENSIONS, FLAGS, Scope, explain, read_rules
from app.infra.web.wiring import hub

F = TypeVar("F", bound=Callable[..., Any])
flags = Commands("flag", help="Switches and shares, by connection, domain, region, channel and company.")


def scoped(command: F) -> F:
    """Give a command an option for each dimension of a flag."""
    for name in reversed(DIMENSIONS):
        command = click.option(f"--{name}", default="", help=f"Of this {name}; any without.")(command)
    return command


@flags.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """Every flag with its default and its rules."""
    with hub().unit_of_work() as uow:
        rules = all_rules(uow)
    rows = []
    for flag in FLAGS.values():
        mine = [rule for rule in rules if rule.flag == flag.name]
        rows.append(
            {
                "flag": flag.name, "default": f"{flag.default} %", "owner": flag.owner, "meaning": flag.meaning,
                "rules": [
                    {"scope": _scope(rule).text, "percent": str(rule.percent), "by": rule.changed_by, "why": rule.why}
                    for rule in mine
                ],
            }
        )  # fmt: skip
    columns = ("flag", "default", "owner", "meaning", "rules")
    listed(rows, columns, json_wanted=json_wanted, nothing="No flag is declared.")


@flags.command("set")
@click.argument("name")
@click.argument("value")
@scoped
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def set_one(name: str, value: str, why: str, json_wanted: bool, **scope: str) -> None:
    """Set flag NAME to VALUE: on, off, or a percentage of the keys. What it closes waits; no attempt is counted."""
    with hub().unit_of_work() as uow:
        percent = set_flag(uow, name, value, Scope(**scope), who(), why)
    said = f"{name} lets {percent} % through, {Scope(**scope).text}; every process knows within a second."
    tell(said, {"flag": name, "percent": str(percent), "scope": scope}, json_wanted=json_wanted)


@flags.command("clear")
@click.argument("name")
@scoped
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def clear(name: str, why: str, json_wanted: bool, **scope: str) -> None:
    """Take the rule of flag NAME away: a less particular one holds there, or the default."""
    with hub().unit_of_work() as uow:
        clear_flag(uow, name, Scope(**scope), who(), why)
    tell(
        f"{name} has no rule any more, {Scope(**scope).text}.", {"flag": name, "scope": scope}, json_wanted=json_wanted
    )


@flags.command("explain")
@click.argument("name")
@click.option("--key", required=True, help="What is decided on, such as orders:<order id>.")
@scoped
@as_json
def explain_one(name: str, key: str, json_wanted: bool, **scope: str) -> None:
    """Why flag NAME lets a key through or not: the rules that fit, the one that wins, the key's place in the share."""
    with hub().unit_of_work() as uow:
        check_scope(uow, Scope(**scope))
        found = explain(read_rules(uow.session), name, Scope(**scope), key)
    facts = {
        "flag": name, "key": key, "asked": found.asked.text, "passes": found.passes, "percent": str(found.percent),
        "slot": str(found.slot), "because": found.winner.scope.text if found.winner else "the default",
        "rules": [{"scope": rule.scope.text, "percent": str(rule.percent)} for rule in found.fitting],
    }  # fmt: skip
    one(facts, json_wanted=json_wanted)


def _scope(rule: Any) -> Scope:
    return Scope(**{name: getattr(rule, name) for name in DIMENSIONS})

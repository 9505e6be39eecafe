"""`flask gate …`: what orders, customers and items must be like before they go to an ERP."""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.flows import validating
from app.infra.validation import CHECKS, KINDS, GateRule, read_gates
from app.infra.web.wiring import hub

gates = Commands("gate", help="What documents must be like before they go to an ERP.")
KIND, CHECK = click.Choice(KINDS), click.Choice(CHECKS)


@gates.command("list")
@click.option("--kind", type=KIND, help="Of one type of document.")
@as_json
def list_rules(kind: str | None, json_wanted: bool) -> None:
    """Every rule, by type and field."""
    with hub().unit_of_work() as uow:
        found = [
            {
                "id": one.id, "kind": one.kind, "field": one.field, "rule": one.rule, "value": one.value,
                "company": one.company, "fix": one.fix,
            }
            for one in read_gates(uow)
            if kind in (None, one.kind)
        ]  # fmt: skip
    columns = ("id", "kind", "field", "rule", "value", "company", "fix")
    listed(found, columns, json_wanted=json_wanted, nothing="no gate: every document goes as it is")


@gates.command("set")
@click.argument("kind", type=KIND)
@click.argument("field")
@click.argument("rule", type=CHECK)
@click.argument("value", default="")
@click.option("--company", default="", help="For one company; for all without.")
@click.option("--fix", default="", help="What a person is to do where it fails.")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def set_rule(
    kind: str, field: str, rule: str, value: str, company: str, fix: str, why: str, json_wanted: bool
) -> None:  # fmt: skip
    """Let documents of KIND pass where FIELD, such as ship_to.city or lines.sku, keeps RULE with VALUE."""
    one = GateRule(kind=kind, field=field, rule=rule, value=value, company=company, fix=fix)
    with hub().unit_of_work() as uow:
        again = validating.set_rule(uow, one, who(), why)
    facts = {"kind": kind, "field": field, "rule": rule, "value": value, "company": company, "looked_at_again": again}
    tell(f"{kind} {field}: {rule} {value}; {again} deliveries are looked at again", facts, json_wanted=json_wanted)


@gates.command("remove")
@click.argument("rule", type=click.UUID)
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def remove(rule: object, why: str, json_wanted: bool) -> None:
    """Take a RULE away, by its id."""
    with hub().unit_of_work() as uow:
        again = validating.unset_rule(uow, str(rule), who(), why)
    said = f"the rule is gone; {again} deliveries are looked at again"
    tell(said, {"id": rule, "looked_at_again": again}, json_wanted=json_wanted)


@gates.command("test")
@click.argument("kind", type=KIND)
@click.argument("field")
@click.argument("rule", type=CHECK)
@click.argument("value")
@click.argument("text")
@as_json
def test(kind: str, field: str, rule: str, value: str, text: str, json_wanted: bool) -> None:
    """Say whether TEXT would keep a rule; nothing is set. For `required` VALUE is ''."""
    fault = validating.try_value(GateRule(kind=kind, field=field, rule=rule, value=value), text)
    said = f"no: {fault.said}" if fault else "yes: it passes"
    tell(said, {"passes": fault is None, "said": fault.said if fault else ""}, json_wanted=json_wanted)

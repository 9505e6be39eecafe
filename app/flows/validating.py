"""Validating: no order reaches an ERP that fails the gate of its type; the case names the field, the rule and the fix.

An order is judged itself, with its customer and with what the catalogue says of the items in it. What a changed rule
may let pass is looked at again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domains.orders.canonical import Order, Party
from app.domains.orders.ports import Posting
from app.domains.product.queries.items import Item, items
from app.flows.sku_names import names_in
from app.infra.replay.again import resolve_case
from app.infra.uow import UnitOfWork
from app.infra.validation import Fault, GateRule, check_gate, fault_of, faults, set_gate, unset_gate
from app.kernel.errors import NeedsAttention

CODE = "validation.failed"
DOCUMENTS: Mapping[str, type] = {"sales_order": Order, "customer": Party, "item": Item}
WAITING = """
SELECT id::text FROM hub.exception_case
 WHERE code = %(code)s AND state NOT IN ('resolved', 'dismissed') AND facts -> 'rules' ? %(rule)s ORDER BY id
"""


def check_postings(uow: UnitOfWork, erp: str, postings: Sequence[Posting]) -> None:
    """Raises NeedsAttention (`validation.failed`) for the first document that its gates do not let pass.

    An order's case is its own; that of an item is one for all orders that want it.
    """
    company = uow.hub.connections.get(uow.session, erp).company
    rules = {kind: uow.hub.validations.rules(uow, kind, company) for kind in DOCUMENTS}
    if not any(rules.values()):
        return
    for posting in postings:
        order = posting.order
        found = faults(rules["sales_order"], order)
        found += faults(rules["customer"], order.customer) if order.customer else []
        if found:
            raise _failed(found, f"order {order.name}", posting)
    if rules["item"]:
        _check_items(uow, company, rules["item"], postings)


def _check_items(uow: UnitOfWork, company: str, rules: Sequence[GateRule], postings: Sequence[Posting]) -> None:
    """Judge what the catalogue says of the SKUs in these orders; whether it knows them at all is for the ERP to say."""
    names = names_in(uow, [posting.order for posting in postings])
    wanted = [
        {of.get(line.sku, line.sku) for line in posting.order.lines if line.sku}
        for posting, of in zip(postings, names, strict=True)
    ]
    found = {one.sku: faults(rules, one) for one in items(uow, company, set().union(*wanted))}
    for posting, skus in zip(postings, wanted, strict=True):
        for sku in sorted(skus):
            if found.get(sku):
                raise _failed(found[sku], f"sku {sku}", posting)


def _failed(found: Sequence[Fault], about: str, posting: Posting) -> NeedsAttention:
    first = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    errors = [{"field": one.field, "rule": one.rule, "said": one.said, "fix": one.fix} for one in found]
    return NeedsAttention(
        CODE, f"{first.said} ({first.rule}){more}: {first.fix}", about=about, errors=errors,
        order_id=posting.order_id, rules=[one.rule_id for one in found],
    )  # fmt: skip


def set_rule(uow: UnitOfWork, rule: GateRule, who: str, why: str = "") -> int:
    """Set a rule; the orders that it held are looked at again. Returns how many. Raises Invalid (`validation.rule`)."""
    check(rule)
    return _again(uow, set_gate(uow, rule, who, why), who)


def check(rule: GateRule) -> None:
    """Raises Invalid (`validation.rule`) naming what of a rule cannot be."""
    check_gate(rule, DOCUMENTS.get(rule.kind, Order))


def try_value(rule: GateRule, value: str) -> Fault | None:
    """What a rule says of a value; nothing is kept. Raises Invalid (`validation.rule`)."""
    check(rule)
    return fault_of(rule, value.strip())


def unset_rule(uow: UnitOfWork, rule_id: str, who: str, why: str = "") -> int:
    """Take a rule away; the orders that it held are looked at again. Returns how many."""
    unset_gate(uow, rule_id, who, why)
    return _again(uow, rule_id, who)


def _again(uow: UnitOfWork, rule_id: str, who: str) -> int:
    """Every process knows the rule within a second: until then a look by the old one opens the case anew."""
    cases = [row[0] for row in uow.sql(WAITING, {"code": CODE, "rule": rule_id})]
    return sum(resolve_case(uow, case, who, "the gate was changed") for case in cases)

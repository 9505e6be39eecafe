"""Validating: no order reaches an ERP that fails the gate of its type; the case names the field, the rule and the fix.

What a changed rule may let pass is looked at again by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.domains.orders.canonical import Order, Party
from app.domains.orders.ports import Posting
from app.infra.replay.again import resolve_case
from app.infra.uow import UnitOfWork
from app.infra.validation import GateRule, check_gate, faults, set_gate, unset_gate
from app.kernel.errors import NeedsAttention

CODE = "validation.failed"
DOCUMENTS: Mapping[str, type] = {"sales_order": Order, "customer": Party}
WAITING = """
SELECT id::text FROM hub.exception_case
 WHERE code = %(code)s AND state NOT IN ('resolved', 'dismissed') AND facts -> 'rules' ? %(rule)s ORDER BY id
"""


def check_postings(uow: UnitOfWork, erp: str, postings: Iterable[Posting]) -> None:
    """Raises NeedsAttention (`validation.failed`) for the first order that its gates do not let pass."""
    company = uow.hub.connections.get(uow.session, erp).company
    rules = {kind: uow.hub.validations.rules(uow, kind, company) for kind in DOCUMENTS}
    if not any(rules.values()):
        return
    for posting in postings:
        order = posting.order
        found = faults(rules["sales_order"], order) + (
            faults(rules["customer"], order.customer) if order.customer else []
        )
        if found:
            first = found[0]
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            errors = [{"field": one.field, "rule": one.rule, "said": one.said, "fix": one.fix} for one in found]
            raise NeedsAttention(
                CODE, f"{first.said} ({first.rule}){more}: {first.fix}", about=f"order {order.name}", errors=errors,
                order_id=posting.order_id, rules=[one.rule_id for one in found],
            )  # fmt: skip


def set_rule(uow: UnitOfWork, rule: GateRule, who: str, why: str = "") -> int:
    """Set a rule; the orders that it held are looked at again. Returns how many. Raises Invalid (`validation.rule`)."""
    check_gate(rule, DOCUMENTS.get(rule.kind, Order))
    return _again(uow, set_gate(uow, rule, who, why), who)


def unset_rule(uow: UnitOfWork, rule_id: str, who: str, why: str = "") -> int:
    """Take a rule away; the orders that it held are looked at again. Returns how many."""
    unset_gate(uow, rule_id, who, why)
    return _again(uow, rule_id, who)


def _again(uow: UnitOfWork, rule_id: str, who: str) -> int:
    """Every process knows the rule within a second: until then a look by the old one opens the case anew."""
    cases = [row[0] for row in uow.sql(WAITING, {"code": CODE, "rule": rule_id})]
    return sum(resolve_case(uow, case, who, "the gate was changed") for case in cases)

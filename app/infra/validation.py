"""Gates: what a document of a type must be like before it goes to an ERP. Rules as data, by company.

A field is named by its way through the document, such as `ship_to.city` or `lines.sku`; a way through a list means
each of its entries. A rule looks at the text of a value; none is ''.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import CheckConstraint, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

FRESH_SECONDS = 1.0  # how old a process' picture of the rules may be
KINDS = ("sales_order", "customer", "item")
CHECKS = ("required", "max_length", "min_length", "pattern", "one_of", "none_of")
LONGEST_PATTERN = 200
LONGEST_VALUE = 1000  # signs that a pattern looks at: a longer text fails it


class GateRow(Base):
    """Documents of `kind` of `company` (empty: any) pass where `field` passes `check` with `value`."""

    __tablename__ = "gate_rule"
    __table_args__ = (
        CheckConstraint(f"rule IN ({', '.join(repr(one) for one in CHECKS)})", name="known_rule"),
        UniqueConstraint("kind", "company", "field", "rule", name="uq_gate_rule_what"),
        {"schema": "hub"},
    )  # fmt: skip

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    kind: Mapped[str]
    company: Mapped[str] = mapped_column(server_default="")
    field: Mapped[str]
    rule: Mapped[str]
    value: Mapped[str] = mapped_column(server_default="")
    fix: Mapped[str] = mapped_column(server_default="")
    changed_by: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """A row as a value. `value` is a number, a pattern for the whole text, or words with commas between."""

    kind: str
    field: str
    rule: str
    value: str = ""
    company: str = ""
    fix: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A field that does not pass, without its value: `said` is what the rule wants, `fix` what to do."""

    field: str
    rule: str
    said: str
    fix: str
    rule_id: str


class Validations:
    """This process' picture of the rules by kind, at most a second old."""

    def __init__(self) -> None:
        self._rules: dict[str, list[GateRule]] = {}
        self._read_at = float("-inf")

    def rules(self, uow: UnitOfWork, kind: str, company: str) -> list[GateRule]:
        """The rules for documents of a kind and company."""
        if monotonic() - self._read_at > FRESH_SECONDS:
            found: dict[str, list[GateRule]] = {}
            for rule in read_gates(uow):
                found.setdefault(rule.kind, []).append(rule)
            self._rules, self._read_at = found, monotonic()
        return [rule for rule in self._rules.get(kind, ()) if rule.company in ("", company)]

    def forget(self) -> None:
        """Read the table again at the next question."""
        self._read_at = float("-inf")


def read_gates(uow: UnitOfWork) -> list[GateRule]:
    """Every rule as the database has it now, by kind and field."""
    rows = uow.driver.execute(
        "SELECT id::text, kind, company, field, rule, value, fix FROM hub.gate_rule ORDER BY kind, field, rule, company"
    )
    names = ("id", "kind", "company", "field", "rule", "value", "fix")
    return [GateRule(**dict(zip(names, row, strict=True))) for row in rows]


def faults(rules: Sequence[GateRule], document: object) -> list[Fault]:
    """What of a document does not pass, each field and rule once, in the order of the rules."""
    found: dict[tuple[str, str], Fault] = {}
    for rule in rules:
        for value in _values(document, rule.field.split(".")):
            if (rule.field, rule.rule) not in found and (fault := fault_of(rule, value)):
                found[rule.field, rule.rule] = fault
    return list(found.values())


def fault_of(rule: GateRule, value: str) -> Fault | None:
    """What of a value does not pass one rule."""
    if not (said := _PASSES[rule.rule](value, rule.value)):
        return None
    fix = rule.fix or f"correct {rule.field} where the document comes from"
    return Fault(field=rule.field, rule=rule.rule, said=f"{rule.field} {said}", fix=fix, rule_id=rule.id)


def _values(document: object, way: Sequence[str]) -> Iterator[str]:
    if isinstance(document, list | tuple):
        for one in document:
            yield from _values(one, way)
    elif way:
        yield from _values(getattr(document, way[0], None), way[1:])
    else:
        yield "" if document is None else str(document).strip()


def _one_of(given: str) -> set[str]:
    return {word.strip() for word in given.split(",")}


_PASSES: Mapping[str, Callable[[str, str], str]] = {
    "required": lambda value, given: "" if value else "is missing",
    "max_length": lambda value, given: (
        "" if len(value) <= int(given) else f"has {len(value)} signs; {given} are allowed"
    ),
    "min_length": lambda value, given: (
        "" if not value or len(value) >= int(given) else f"has {len(value)} signs; {given} are needed"
    ),
    "pattern": lambda value, given: (
        "" if not value or (len(value) <= LONGEST_VALUE and re.fullmatch(given, value)) else f"is not like {given}"
    ),
    "one_of": lambda value, given: "" if not value or value in _one_of(given) else f"is none of {given}",
    "none_of": lambda value, given: "" if not value or value not in _one_of(given) else f"is one of {given}",
}


def check_gate(rule: GateRule, document: type) -> None:
    """Raises Invalid (`validation.rule`) naming what of a rule cannot be, its way through the document among it."""
    wrong = ""
    if rule.kind not in KINDS:
        wrong = f"kind {rule.kind!r}: give one of {', '.join(KINDS)}"
    elif rule.rule not in CHECKS:
        wrong = f"rule {rule.rule!r}: give one of {', '.join(CHECKS)}"
    elif is_dataclass(document) and rule.field.split(".")[0] not in {one.name for one in fields(document)}:
        wrong = f"field {rule.field!r}: a {rule.kind} has {', '.join(one.name for one in fields(document))}"
    elif rule.rule in ("max_length", "min_length") and not (rule.value.isdecimal() and int(rule.value) > 0):
        wrong = f"value {rule.value!r}: give a whole number above 0"
    elif rule.rule in ("one_of", "none_of") and not all(_one_of(rule.value)):
        wrong = "value: give words with commas between"
    elif rule.rule == "pattern":
        wrong = _wrong_pattern(rule.value)
    if wrong:
        raise Invalid("validation.rule", wrong, about=rule.field)


def _wrong_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"value {pattern[:60]!r} is no pattern: {error}"
    if not pattern or len(pattern) > LONGEST_PATTERN or re.search(r"[+*}]\)[+*{]", pattern):
        return f"value: give a pattern of at most {LONGEST_PATTERN} signs without a repeat of a repeat"
    return ""


SET = """
INSERT INTO hub.gate_rule (id, kind, company, field, rule, value, fix, changed_by)
VALUES (%(id)s, %(kind)s, %(company)s, %(field)s, %(rule)s, %(value)s, %(fix)s, %(who)s)
    ON CONFLICT ON CONSTRAINT uq_gate_rule_what DO UPDATE
   SET value = excluded.value, fix = excluded.fix, changed_by = excluded.changed_by, changed_at = now()
RETURNING id::text
"""


def set_gate(uow: UnitOfWork, rule: GateRule, who: str, why: str = "") -> str:
    """Keep a rule; the same field and rule of a kind and company is replaced. Returns its id."""
    given = {name: getattr(rule, name) for name in ("kind", "company", "field", "rule", "value", "fix")}
    row = uow.sql(SET, {**given, "id": new_id(), "who": who}).fetchone()
    assert row is not None
    record_act(uow, who, "set a gate", kind="gate", key=f"{rule.kind}.{rule.field}", why=why, facts=given)
    uow.after_commit(uow.hub.validations.forget)
    return str(row[0])


def unset_gate(uow: UnitOfWork, rule_id: str, who: str, why: str = "") -> None:
    """Take a rule away. Raises NotFound (`validation.unknown`)."""
    row = uow.session.get(GateRow, rule_id, with_for_update=True)
    if row is None:
        raise NotFound("validation.unknown", f"there is no gate {rule_id}", about=rule_id)
    facts = {"rule": row.rule, "value": row.value, "company": row.company}
    record_act(uow, who, "took a gate away", kind="gate", key=f"{row.kind}.{row.field}", why=why, facts=facts)
    uow.session.delete(row)
    uow.after_commit(uow.hub.validations.forget)

"""What an account has besides itself, set by whoever owns it: contact points, tax ids, consent, terms, groups, B2B."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.domains.customers.canonical import Address, Kind
from app.domains.customers.events import AccountChanged
from app.domains.customers.models import (
    AccountRow,
    ConsentRow,
    ContactPointRow,
    CreditTermsRow,
    LocationRow,
    MemberRow,
    TaxIdRow,
)
from app.domains.customers.policy import TaxId, email_of, phone_of, tax_id_of, words_of
from app.infra.acts import record_act
from app.infra.foreign import Foreign, note_foreign
from app.infra.ids import new_id
from app.infra.ownership import allowed, owner_of
from app.infra.uow import UnitOfWork
from app.kernel.errors import Forbidden, Invalid, NotFound, Refused
from app.kernel.money import Money

PURPOSES, STATES = ("email", "sms", "post"), ("granted", "pending", "withdrawn")
MOST_DAYS = 730
ENTITY = "customer"
NOT_OWNED = "customers.not_owned"


class Part(StrEnum):
    """A part of an account that one system owns."""

    CONTACT = "contact"
    TAX = "tax"
    CONSENT = "consent"
    TERMS = "terms"
    GROUPS = "groups"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who changes an account: `who` for the audit, `source` the connection that said so, empty for a person."""

    who: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long and how much an account may owe; without a limit where `limit` is None."""

    currency: str
    limit: Money | None = None
    days: int = 0
    blocked: bool = False


def owns(uow: UnitOfWork, writer: Writer, part: Part) -> bool:
    """Whether this writer's word counts for a part of an account: the one place that asks who owns what."""
    return allowed(uow, _company_of(uow, writer.source), ENTITY, part.value, writer.source)


def note_refused(uow: UnitOfWork, account_id: str, writer: Writer, part: Part) -> None:
    """Keep that a system was refused a part that it does not own: once for each account, and counted."""
    company = _company_of(uow, writer.source)
    owner = owner_of(uow, company, ENTITY, part.value)
    told = Foreign(
        company=company, entity=ENTITY, group=part.value, key=account_id, source=writer.source, owner=owner, told={}
    )
    note_foreign(uow, [told])


def _company_of(uow: UnitOfWork, source: str) -> str:
    found = uow.hub.connections.all(uow.session).get(source) if source else None
    return found.company if found else ""


def add_contact_point(
    uow: UnitOfWork, account_id: str, kind: str, text: str, writer: Writer, *, verified: bool = False
) -> str:
    """Keep an e-mail or phone number; returns it as it is compared. Raises Invalid for what is none.

    A number without a country code is read by the account's country.
    """
    row = _account(uow, account_id, writer, Part.CONTACT)
    value = email_of(text) if kind == "email" else phone_of(text, row.country) if kind == "phone" else ""
    if not value:
        fix = "give an e-mail such as ada@example.org, or a phone number such as +44 20 7946 0000"
        raise Invalid("customers.contact_point", f"{text[:80]!r} is no {kind}: {fix}", about=kind)
    made = insert(ContactPointRow).values(
        account_id=row.id, kind=kind, value=value, verified=verified, source=writer.source or writer.who
    )
    kept = ContactPointRow.verified.op("OR")(made.excluded.verified)
    uow.session.execute(
        made.on_conflict_do_update(index_elements=["account_id", "kind", "value"], set_={"verified": kept})
    )
    if not getattr(row, kind):
        setattr(row, kind, value)
    _note(uow, row, writer, f"added a contact point ({kind})")
    return value


def add_tax_id(uow: UnitOfWork, account_id: str, text: str, writer: Writer) -> TaxId:
    """Keep a tax id. Raises Invalid where it is of a known country and not what its numbers look like."""
    row = _account(uow, account_id, writer, Part.TAX)
    made = tax_id_of(text, row.country)
    if made.verdict.value == "wrong" or not made.number:
        country = made.country or row.country
        said = f"{text[:40]!r} is no tax id of {country or 'any country'}: its form or check digits are wrong"
        raise Invalid("customers.tax_id", f"{said}; read it again from the customer's papers", about="tax_id")
    given = {"account_id": row.id, "number": made.number}
    facts = {"country": made.country, "verdict": made.verdict.value, "source": writer.source or writer.who}
    statement = insert(TaxIdRow).values(**given, **facts)
    uow.session.execute(statement.on_conflict_do_update(index_elements=list(given), set_=facts))
    row.tax_ids = sorted({*row.tax_ids, made.number})
    _note(uow, row, writer, "added a tax id")
    return made


def record_consent(
    uow: UnitOfWork, account_id: str, purpose: str, state: str, given_at: datetime, writer: Writer
) -> None:  # fmt: skip
    """Keep that somebody agreed or withdrew, where and when; the latest by `given_at` counts. Raises Invalid."""
    row = _account(uow, account_id, writer, Part.CONSENT)
    if purpose not in PURPOSES or state not in STATES:
        said = f"a consent is for one of {', '.join(PURPOSES)} and one of {', '.join(STATES)}"
        raise Invalid("customers.consent", said, about="consent")
    if given_at.tzinfo is None or given_at > uow.hub.clock.now():
        raise Invalid("customers.consent", "given_at is an instant gone by, with its zone", about="given_at")
    made = insert(ConsentRow).values(
        id=new_id(), account_id=row.id, purpose=purpose, state=state, given_at=given_at,
        source=writer.source or writer.who,
    )  # fmt: skip
    uow.session.execute(made.on_conflict_do_nothing())
    _note(uow, row, writer, f"recorded consent for {purpose}: {state}")


def set_terms(uow: UnitOfWork, account_id: str, terms: Terms, writer: Writer) -> None:
    """Set how much and how long an account may owe. Raises Invalid; Forbidden where the source does not own it."""
    row = _account(uow, account_id, writer, Part.TERMS)
    if not 0 <= terms.days <= MOST_DAYS:
        raise Invalid("customers.terms", f"days is {terms.days}: give 0 to {MOST_DAYS}", about="days")
    if terms.limit is not None and (terms.limit.currency != terms.currency or terms.limit.minor < 0):
        raise Invalid("customers.terms", f"the limit is not an amount of 0 or more in {terms.currency}", about="limit")
    facts = {
        "currency": terms.currency, "limit_minor": terms.limit.minor if terms.limit else None, "days": terms.days,
        "blocked": terms.blocked, "source": writer.source or writer.who, "changed_at": uow.hub.clock.now(),
    }  # fmt: skip
    statement = insert(CreditTermsRow).values(account_id=row.id, **facts)
    uow.session.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=facts))
    _note(uow, row, writer, "blocked credit" if terms.blocked else "set credit terms")
    uow.publish(AccountChanged(account_id=row.id, source=writer.source, changed=(Part.TERMS.value,)))


def set_groups(uow: UnitOfWork, account_id: str, groups: Collection[str], writer: Writer) -> tuple[str, ...]:
    """Set the groups an account is in, by name; returns them."""
    row = _account(uow, account_id, writer, Part.GROUPS)
    row.groups = sorted({words_of(group) for group in groups if words_of(group)})
    _note(uow, row, writer, "set groups")
    return tuple(row.groups)


def add_location(
    uow: UnitOfWork, account_id: str, name: str, address: Address, writer: Writer, *, connection: str = "",
    external_id: str = "",
) -> str:  # fmt: skip
    """Keep a place of a company, once for each name; returns its id. Raises Invalid, or Refused for a person.

    `external_id` is what `connection` calls it, the writer's own where none is named: orders for it are the company's.
    """
    row = _company(uow, account_id, writer)
    if not words_of(name):
        raise Invalid("customers.location", "a place needs a name, such as the one on its door", about="name")
    parts = ("line1", "line2", "city", "province_code", "postal_code", "country_code")
    facts = {part: getattr(address, part) for part in parts} | {
        "connection": connection or writer.source, "external_id": external_id
    }  # fmt: skip
    statement = insert(LocationRow).values(id=new_id(), account_id=row.id, name=words_of(name), **facts)
    kept = statement.on_conflict_do_update(index_elements=["account_id", "name"], set_=facts)
    _note(uow, row, writer, "kept a place")
    return str(uow.session.execute(kept.returning(LocationRow.id)).scalar_one())


def add_member(
    uow: UnitOfWork, account_id: str, person_id: str, writer: Writer, *, role: str = "", location_id: str | None = None
) -> None:
    """Let a person act for a company. Raises Refused where the two are not a company and a person, or Invalid."""
    row = _company(uow, account_id, writer)
    person = uow.session.get(AccountRow, person_id)
    if person is None or person.kind != Kind.PERSON:
        raise Refused("customers.not_a_person", f"account {person_id} is no person", about=person_id)
    if location_id is not None and uow.session.scalar(
        select(LocationRow.id).filter_by(id=location_id, account_id=row.id)
    ) is None:  # fmt: skip
        raise Invalid("customers.location", "that is no place of this company: name one of its places", about="place")
    facts = {"role": words_of(role), "location_id": location_id}
    statement = insert(MemberRow).values(account_id=row.id, person_id=person_id, **facts)
    uow.session.execute(
        statement.on_conflict_do_update(index_elements=["account_id", "person_id"], set_=facts)
    )  # fmt: skip
    _note(uow, row, writer, "let a person act for it")


def remove_member(uow: UnitOfWork, account_id: str, person_id: str, writer: Writer) -> None:
    """A person acts for a company no more. Raises NotFound where none did."""
    row = _company(uow, account_id, writer)
    gone = uow.session.get(MemberRow, (account_id, person_id))
    if gone is None:
        raise NotFound("customers.no_member", f"account {person_id} does not act for this company", about=person_id)
    uow.session.delete(gone)
    _note(uow, row, writer, "let a person act for it no more")


def _account(uow: UnitOfWork, account_id: str, writer: Writer, part: Part) -> AccountRow:
    row = uow.session.get(AccountRow, account_id, with_for_update=True)
    if row is None:
        raise NotFound("customers.unknown", f"there is no account {account_id}", about=account_id)
    if row.erased_at is not None or row.merged_into is not None:
        said = "was erased" if row.erased_at else f"is {row.merged_into} now: change that one"
        raise Refused("customers.not_alive", f"account {account_id} {said}", about=account_id)
    if not owns(uow, writer, part):
        said = f"{writer.source} does not own the {part.value} of customers: change it where it is owned"
        raise Forbidden(NOT_OWNED, said, about=part.value)
    return row


def _company(uow: UnitOfWork, account_id: str, writer: Writer) -> AccountRow:
    row = _account(uow, account_id, writer, Part.BUSINESS)
    if row.kind != Kind.COMPANY:
        raise Refused("customers.not_a_company", "only a company has places and people", about=account_id)
    return row


def _note(uow: UnitOfWork, row: AccountRow, writer: Writer, did: str) -> None:
    row.changed_at = uow.hub.clock.now()
    record_act(uow, writer.who, did, kind="account", key=row.id, facts={"source": writer.source})

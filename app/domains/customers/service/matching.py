"""Matching: one account for a buyer, by the channel's id, else by e-mail, else a new one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from app.domains.customers import queries
from app.domains.customers.canonical import Address, Buyer, Kind, Purpose
from app.domains.customers.events import AccountCompleted, AccountMatched
from app.domains.customers.policy import (
    SAME_EMAIL,
    TaxId,
    email_of,
    fingerprint,
    identity_of,
    own_identity,
    phone_of,
    tax_id_of,
    words_of,
)
from app.infra.bindings import Tie, bind_many, known
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork

Who = tuple[str, str, str]  # connection, the channel's customer id, a guest's identity
KIND = "channel_customer"  # the kind of binding: account id ↔ the channel's customer id

GIVEN = """
WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (g.id) g.id::uuid AS id, g.identity, g.kind, g.guest, g.withheld, g.name, g.company, g.email,
           g.phone, g.country, g.tax_ids
      FROM unnest(%(ids)s::text[], %(identities)s::text[], %(kinds)s::text[], %(guests)s::boolean[],
                  %(withheld)s::boolean[], %(names)s::text[], %(companies)s::text[], %(emails)s::text[],
                  %(phones)s::text[], %(countries)s::text[], %(tax_ids)s::jsonb[]) WITH ORDINALITY
           g(id, identity, kind, guest, withheld, name, company, email, phone, country, tax_ids, n)
     ORDER BY g.id, g.n)
"""
CREATE = f"""{GIVEN}
INSERT INTO customers.account
       (id, identity, kind, guest, withheld, name, company, email, phone, country, tax_ids)
SELECT id, identity, kind, guest, withheld, name, company, email, phone, country, tax_ids FROM given ORDER BY identity
    ON CONFLICT (identity) DO NOTHING RETURNING identity, id::text
"""
COMPLETE = f"""{GIVEN},
lacking AS MATERIALIZED (
    SELECT a.id FROM customers.account a JOIN given g USING (id)
     WHERE a.name = '' AND g.name <> '' OR a.email = '' AND g.email <> '' OR a.phone = '' AND g.phone <> ''
        OR a.company = '' AND g.company <> '' OR a.country = '' AND g.country <> ''
        OR a.tax_ids = '[]' AND g.tax_ids <> '[]' OR a.withheld AND NOT g.withheld
        OR a.guest AND NOT g.guest AND NOT g.withheld
     ORDER BY a.id FOR NO KEY UPDATE OF a)
UPDATE customers.account a
   SET name = coalesce(nullif(a.name, ''), g.name), email = coalesce(nullif(a.email, ''), g.email),
       phone = coalesce(nullif(a.phone, ''), g.phone), company = coalesce(nullif(a.company, ''), g.company),
       country = coalesce(nullif(a.country, ''), g.country), changed_at = now(),
       tax_ids = CASE a.tax_ids WHEN '[]' THEN g.tax_ids ELSE a.tax_ids END,
       guest = a.guest AND (g.guest OR g.withheld), withheld = a.withheld AND g.withheld
  FROM given g JOIN lacking USING (id) WHERE a.id = g.id RETURNING a.id::text
"""
PARTS = (
    "name", "company", "line1", "line2", "city", "province_code", "postal_code", "country_code", "phone",
)  # fmt: skip
KEEP_ADDRESSES = f"""
INSERT INTO customers.address AS a (account_id, purpose, fingerprint, {", ".join(PARTS)})
SELECT * FROM unnest(%(accounts)s::uuid[], %(purposes)s::text[], %(fingerprints)s::text[],
                     {", ".join(f"%({part})s::text[]" for part in PARTS)}) ORDER BY 1, 2, 3
    ON CONFLICT (account_id, purpose, fingerprint) DO UPDATE SET last_at = now()
 WHERE a.last_at < now() - interval '1 day'
"""
KEEP_TAX_IDS = """
INSERT INTO customers.tax_id (account_id, number, country, verdict, source)
SELECT * FROM unnest(%(ids)s::uuid[], %(numbers)s::text[], %(countries)s::text[], %(verdicts)s::text[],
                     %(sources)s::text[]) ORDER BY 1, 2
    ON CONFLICT DO NOTHING
"""
SUSPECT = f"""
INSERT INTO customers.duplicate (account_id, other_id, reason, score, signs)
SELECT least(a.id, o.id), greatest(a.id, o.id), 'same e-mail', {SAME_EMAIL}, '["same e-mail"]'
  FROM customers.account a CROSS JOIN LATERAL (
       SELECT id FROM customers.account
        WHERE email = a.email AND email <> '' AND kind = a.kind AND id <> a.id AND merged_into IS NULL
        ORDER BY id LIMIT 5) o
 WHERE a.merged_into IS NULL AND a.id = ANY(%(ids)s::uuid[]) AND a.email <> '' ORDER BY 1, 2
    ON CONFLICT DO NOTHING
"""


def match(
    uow: UnitOfWork, connection: str, *, external_id: str, email: str, phone: str, name: str, company: str,
    withheld: bool, country: str = "", order_key: str = "", tax_ids: Sequence[str] = (),
) -> str:  # fmt: skip
    """The account of one buyer, made if need be: see `match_many`."""
    buyer = Buyer(
        connection=connection, order_key=order_key, external_id=external_id, email=email, phone=phone, name=name,
        company=company, country=country, tax_ids=tuple(tax_ids), withheld=withheld,
    )  # fmt: skip
    return match_many(uow, [buyer])[0]


def match_many(
    uow: UnitOfWork, buyers: Sequence[Buyer], trails: Sequence[Trail] = (), *, kind: str = KIND
) -> list[str]:  # fmt: skip
    """The account id of each buyer: by the channel's customer id, a company's tax id, by e-mail, else a new one.

    An account keeps what it knows and gains what it lacks; two accounts are never merged. A channel's second customer
    with an e-mail that its first one has gets an account of its own, and the pair waits for a person to look at it.
    What is told of an account goes by the trail of the first buyer it is of, where `trails` has one for each buyer.
    `kind` is under which the ids of these customers are bound.
    """
    named = {(buyer.connection, buyer.external_id) for buyer in buyers if buyer.external_id}
    bound = queries.bound_customers(uow, kind, named)
    strangers: dict[Who, Buyer] = {}
    for buyer in buyers:
        if (buyer.connection, buyer.external_id) not in bound:
            strangers.setdefault(_who(buyer), buyer)
    taxed = _by_tax_id(uow, strangers)
    rest = {who: (buyer, identity_of(buyer)) for who, buyer in strangers.items() if who not in taxed}
    matched, fresh = _settle(uow, rest)
    matched |= taxed
    sharing, ties = _tie(uow, strangers, matched, kind)
    if sharing:
        own, made = _settle(uow, {who: (strangers[who], own_identity(strangers[who])) for who in sharing})
        matched, fresh = matched | own, fresh | made
        _, ties = _tie(uow, strangers, matched, kind)
    bind_many(uow, ties)
    answers = [bound.get((buyer.connection, buyer.external_id)) or matched[_who(buyer)] for buyer in buyers]
    first = dict(reversed(list(zip(answers, trails, strict=True)))) if trails else {}
    _tell(uow, {(tie.key, tie.connection) for tie in ties} | _made(strangers, matched, fresh), fresh, first)
    older = [(buyer, found, "") for buyer, found in zip(buyers, answers, strict=True) if found not in fresh]
    _suspect(uow, fresh | _complete(uow, older, first))
    together = list(zip(buyers, answers, strict=True))
    _keep_tax_ids(uow, together)
    _keep_addresses(
        uow, ((found, *used) for buyer, found in together if not buyer.withheld for used in buyer.addresses)
    )
    return answers


def keep_address(uow: UnitOfWork, account_id: str, purpose: Purpose, address: Address) -> None:
    """Remember an address that an account used; one that differs in spaces or capitals only is the same."""
    _keep_addresses(uow, [(account_id, purpose, address)])


def _keep_addresses(uow: UnitOfWork, used: Iterable[tuple[str, Purpose, Address]]) -> None:
    """Remember what accounts used, once for each purpose; one that is known is touched once a day at most."""
    kept = {(found, purpose.value, fingerprint(address)): address for found, purpose, address in used}
    if not kept:
        return
    given: dict[str, object] = {
        "accounts": [found for found, _, _ in kept], "purposes": [purpose for _, purpose, _ in kept],
        "fingerprints": [sign for _, _, sign in kept],
    }  # fmt: skip
    for part in PARTS:
        given[part] = [words_of(getattr(address, part)) for address in kept.values()]
    uow.sql(KEEP_ADDRESSES, given)


def _who(buyer: Buyer) -> Who:
    """What tells the buyers of one batch apart."""
    return buyer.connection, buyer.external_id, "" if buyer.external_id else identity_of(buyer)


def _by_tax_id(uow: UnitOfWork, strangers: Mapping[Who, Buyer]) -> dict[Who, str]:
    """Companies that are known by a tax id whose digits are right; a person's tax id tells nobody."""
    said = {
        who: tax_ids_of(buyer) for who, buyer in strangers.items() if buyer.kind is Kind.COMPANY and buyer.tax_ids
    }  # fmt: skip
    known_ids = queries.companies_by_tax_id(uow, {one.number for ids in said.values() for one in ids})
    return {
        who: known_ids[one.number] for who, ids in said.items() for one in reversed(ids) if one.number in known_ids
    }  # fmt: skip


def _keep_tax_ids(uow: UnitOfWork, matched: Iterable[tuple[Buyer, str]]) -> None:
    """Keep what buyers say of their tax ids with what a check says of them; asks nothing where nobody says any."""
    kept = {
        (found, one.number): (one, buyer.connection)
        for buyer, found in matched if buyer.tax_ids and not buyer.withheld for one in tax_ids_of(buyer)
    }  # fmt: skip
    if kept:
        given = {
            "ids": [found for found, _ in kept], "numbers": [number for _, number in kept],
            "countries": [one.country for one, _ in kept.values()],
            "verdicts": [one.verdict.value for one, _ in kept.values()],
            "sources": [source for _, source in kept.values()],
        }  # fmt: skip
        uow.sql(KEEP_TAX_IDS, given)


def tax_ids_of(buyer: Buyer) -> list[TaxId]:
    """A buyer's tax ids as they are compared."""
    made = [tax_id_of(text, buyer.country) for text in buyer.tax_ids]
    return [one for one in made if one.number]


def _settle(uow: UnitOfWork, wanted: Mapping[Who, tuple[Buyer, str]]) -> tuple[dict[Who, str], set[str]]:
    """Each one's account by identity, and which accounts are new. Whoever makes one first makes it for all."""
    if not wanted:
        return {}, set()
    found = queries.ids_by_identity(uow, {identity for _, identity in wanted.values()})
    missing: dict[str, Buyer] = {}
    for buyer, identity in wanted.values():
        if identity not in found:
            missing.setdefault(identity, buyer)
    made: dict[str, str] = {}
    if missing:
        rows = [(buyer, new_id(), identity) for identity, buyer in missing.items()]
        made = dict(uow.sql(CREATE, _columns(rows)).fetchall())
        if late := missing.keys() - made.keys():
            found |= queries.ids_by_identity(uow, late)
    found |= made
    return {who: found[identity] for who, (_, identity) in wanted.items()}, set(made.values())


def _tie(
    uow: UnitOfWork, strangers: Mapping[Who, Buyer], matched: Mapping[Who, str], kind: str
) -> tuple[list[Who], list[Tie]]:
    """Which customers share an account that is another's at their channel, and the bindings of those that do not.

    First come, first bound.
    """
    sharing: list[Who] = []
    ties: list[Tie] = []
    for connection in {buyer.connection for buyer in strangers.values() if buyer.external_id}:
        here = [who for who, buyer in strangers.items() if buyer.connection == connection and buyer.external_id]
        owners = known(uow, connection, {kind: {matched[who] for who in here}})[kind]
        for who in here:
            external_id, number, found = strangers[who].external_id, strangers[who].number, matched[who]
            if found not in owners:
                owners[found] = external_id
                ties.append(Tie(connection=connection, kind=kind, key=found, external_id=external_id, number=number))
            elif owners[found] != external_id:
                sharing.append(who)
    return sharing, ties


def _made(strangers: Mapping[Who, Buyer], matched: Mapping[Who, str], fresh: Collection[str]) -> set[tuple[str, str]]:
    return {(found, strangers[who].connection) for who, found in matched.items() if found in fresh}


def _tell(
    uow: UnitOfWork, news: Collection[tuple[str, str]], fresh: Collection[str], trails: Mapping[str, Trail]
) -> None:
    """One fact for each customer that was bound and each guest's account that was made."""
    for found, connection in sorted(news):
        fact = AccountMatched(account_id=found, connection=connection, created=found in fresh)
        uow.publish(fact, trails.get(found))


def _complete(uow: UnitOfWork, older: Sequence[tuple[Buyer, str, str]], trails: Mapping[str, Trail]) -> set[str]:
    """Fill what accounts lack from what their buyers say now; gives those that gained something."""
    if not older:
        return set()
    gained = {found for (found,) in uow.sql(COMPLETE, _columns(older))}
    for found in sorted(gained):
        uow.publish(AccountCompleted(account_id=found), trails.get(found))
    return gained


def _suspect(uow: UnitOfWork, ids: Collection[str]) -> None:
    if ids:
        uow.sql(SUSPECT, {"ids": list(ids)})


def _columns(rows: Sequence[tuple[Buyer, str, str]]) -> dict[str, object]:
    """(buyer, account id, identity) as the columns of GIVEN; of a withheld buyer nothing personal is kept."""
    buyers = [buyer for buyer, _, _ in rows]
    return {
        "ids": [account_id for _, account_id, _ in rows],
        "identities": [identity for _, _, identity in rows],
        "kinds": [buyer.kind.value for buyer in buyers],
        "guests": [buyer.guest for buyer in buyers],
        "withheld": [buyer.withheld for buyer in buyers],
        "names": ["" if buyer.withheld else words_of(buyer.name) for buyer in buyers],
        "companies": [words_of(buyer.company) for buyer in buyers],
        "emails": ["" if buyer.withheld else email_of(buyer.email) for buyer in buyers],
        "phones": ["" if buyer.withheld else phone_of(buyer.phone, buyer.country) for buyer in buyers],
        "countries": [buyer.country.strip().upper() for buyer in buyers],
        "tax_ids": [json.dumps(buyer.tax_ids) for buyer in buyers],
    }

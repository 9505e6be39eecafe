"""Accounts that are one customer: found with their reasons, merged by a person, and apart again where that was wrong.

A merged account stays as it is and names the one that it is now, so that an undo has nothing to guess.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.domains.customers.events import AccountMerged
from app.domains.customers.models import AccountRow, DuplicateRow, MergeRow
from app.domains.customers.policy import SUSPICIOUS, WEIGHTS, Sign
from app.infra.acts import record_act
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

MOST_ALIKE = 20  # accounts that share one e-mail, phone or address; where more do, it tells nobody apart
FILLED = ("name", "company", "email", "phone", "country", "tax_ids")
NIL = "00000000-0000-0000-0000-000000000000"
PAGE = """
SELECT id::text FROM customers.account WHERE id > %(after)s::uuid AND merged_into IS NULL AND erased_at IS NULL
 ORDER BY id LIMIT %(most)s
"""
FIND = f"""
WITH mine AS MATERIALIZED (SELECT * FROM customers.account WHERE id = ANY(%(ids)s::uuid[])),
pair(one, other, shared) AS (
    SELECT m.id, o.id, 'email' FROM mine m CROSS JOIN LATERAL (
        SELECT id FROM customers.account WHERE email = m.email AND email <> '' AND id <> m.id LIMIT {MOST_ALIKE + 1}) o
     WHERE m.email <> ''
     UNION SELECT m.id, o.id, 'phone' FROM mine m CROSS JOIN LATERAL (
        SELECT id FROM customers.account WHERE phone = m.phone AND phone <> '' AND id <> m.id LIMIT {MOST_ALIKE + 1}) o
     WHERE m.phone <> ''
     UNION SELECT m.id, o.account_id, x.fingerprint FROM mine m JOIN customers.address x ON x.account_id = m.id
     CROSS JOIN LATERAL (SELECT account_id FROM customers.address
        WHERE fingerprint = x.fingerprint AND account_id <> m.id LIMIT {MOST_ALIKE + 1}) o
     UNION SELECT m.id, t.account_id, x.number FROM mine m JOIN customers.tax_id x ON x.account_id = m.id
        JOIN customers.tax_id t ON t.number = x.number AND t.account_id <> m.id AND t.verdict <> 'wrong'),
few AS (SELECT DISTINCT one, other FROM pair p WHERE NOT EXISTS (
            SELECT FROM pair q WHERE q.one = p.one AND q.shared = p.shared HAVING count(*) > {MOST_ALIKE})),
signs AS (
    SELECT least(a.id, o.id) AS account_id, greatest(a.id, o.id) AS other_id, s.sign, s.weight
      FROM few JOIN customers.account a ON a.id = few.one JOIN customers.account o ON o.id = few.other
       AND o.kind = a.kind AND o.merged_into IS NULL AND o.erased_at IS NULL
     CROSS JOIN LATERAL (VALUES
        (%(tax_id)s, %(tax_id_n)s::int, EXISTS (SELECT FROM customers.tax_id x JOIN customers.tax_id y USING (number)
                                      WHERE x.account_id = a.id AND y.account_id = o.id AND x.verdict <> 'wrong')),
        (%(email)s, %(email_n)s, a.email <> '' AND a.email = o.email),
        (%(phone)s, %(phone_n)s, a.phone <> '' AND a.phone = o.phone),
        (%(address)s, %(address_n)s, EXISTS (SELECT FROM customers.address x JOIN customers.address y
                                  USING (fingerprint) WHERE x.account_id = a.id AND y.account_id = o.id)),
        (%(name)s, %(name_n)s, a.name <> '' AND lower(a.name) = lower(o.name)),
        (%(other_name)s, %(other_name_n)s, a.name <> '' AND o.name <> '' AND lower(a.name) <> lower(o.name)))
        s(sign, weight, holds)
     WHERE s.holds GROUP BY 1, 2, 3, 4)
INSERT INTO customers.duplicate AS d (account_id, other_id, reason, score, signs)
SELECT account_id, other_id, (array_agg(sign ORDER BY weight DESC))[1], least(100, sum(weight)),
       jsonb_agg(sign ORDER BY weight DESC)
  FROM signs GROUP BY 1, 2 HAVING sum(weight) >= %(suspicious)s ORDER BY 1, 2
    ON CONFLICT (account_id, other_id) DO UPDATE SET score = excluded.score, signs = excluded.signs,
       reason = excluded.reason
 WHERE d.state = 'open' AND (d.score, d.signs) IS DISTINCT FROM (excluded.score, excluded.signs)
RETURNING account_id
"""
FOLLOW = """
UPDATE hub.binding b SET key = %(to)s
 WHERE b.key = %(from)s AND NOT EXISTS (
       SELECT FROM hub.binding o WHERE o.connection = b.connection AND o.kind = b.kind AND o.key = %(to)s)
RETURNING b.connection, b.kind, b.external_id
"""
GO_BACK = """
UPDATE hub.binding b SET key = %(to)s
  FROM jsonb_to_recordset(%(ties)s::jsonb) t(connection text, kind text, external_id text)
 WHERE (b.connection, b.kind, b.external_id) = (t.connection, t.kind, t.external_id) AND b.key = %(from)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A merge as it was done or undone: the accounts, and which of the orders move with it (None: all)."""

    merge_id: str
    survivor_id: str
    merged_id: str
    orders: tuple[str, ...] | None = None


def accounts_after(uow: UnitOfWork, after: str, most: int) -> list[str]:
    """The next accounts by id that stand for themselves."""
    return [row[0] for row in uow.sql(PAGE, {"after": after or NIL, "most": most})]


def find_alike(uow: UnitOfWork, account_ids: Collection[str]) -> int:
    """Look for accounts that may be one of these, with a score of 100 and reasons; the pairs that are new or differ.

    What a person decided stays decided.
    """
    words = {sign.name.lower(): sign.value for sign in Sign}
    weights = {f"{sign.name.lower()}_n": weight for sign, weight in WEIGHTS.items()}
    given = {"ids": list(account_ids), "suspicious": SUSPICIOUS, **words, **weights}
    return len(uow.sql(FIND, given).fetchall())


def merge(uow: UnitOfWork, survivor_id: str, merged_id: str, who: str, why: str) -> Merged:
    """One account becomes another. The survivor keeps what it has and gains what it lacks.

    Raises Invalid (`customers.reason_missing`), NotFound, or Refused where the two cannot be one.
    """
    _reason(why)
    survivor, gone = _pair(uow, survivor_id, merged_id)
    row = MergeRow(id=new_id(), survivor_id=survivor.id, merged_id=gone.id, who=who, why=why, filled={}, orders=[])
    for name in FILLED:
        if not getattr(survivor, name) and getattr(gone, name):
            row.filled[name] = getattr(gone, name)
            setattr(survivor, name, getattr(gone, name))
    survivor.guest = survivor.guest and gone.guest
    followers = list(uow.session.scalars(select(AccountRow).filter_by(merged_into=gone.id).with_for_update()))
    for follower in (*followers, gone):
        follower.merged_into = survivor.id
    row.followed = [follower.id for follower in followers]
    uow.session.flush()
    ties = uow.sql(FOLLOW, {"from": gone.id, "to": survivor.id}).fetchall()
    names = ("connection", "kind", "external_id")
    row.filled = {**row.filled, "ties": [dict(zip(names, tie, strict=True)) for tie in ties]}
    uow.session.add(row)
    _decide(uow, survivor.id, gone.id, "merged", who)
    record_act(uow, who, "merged accounts", kind="account", key=survivor.id, why=why, facts={"merged": gone.id})
    uow.publish(AccountMerged(account_id=survivor.id, merged_id=gone.id))
    return Merged(merge_id=row.id, survivor_id=survivor.id, merged_id=gone.id)


def keep_moved(uow: UnitOfWork, merge_id: str, orders: Sequence[str]) -> None:
    """Remember which orders went over with a merge."""
    uow.session.get_one(MergeRow, merge_id).orders = list(orders)


def unmerge(uow: UnitOfWork, merge_id: str, who: str, why: str) -> Merged:
    """Two accounts are two again: what went over goes back; what came since stays with the survivor.

    Raises Invalid without a reason, NotFound, or Refused where it was undone, merged further or erased.
    """
    _reason(why)
    row = uow.session.get(MergeRow, merge_id, with_for_update=True)
    if row is None:
        raise NotFound("customers.unknown_merge", f"there is no merge {merge_id}", about=merge_id)
    survivor, gone = _locked(uow, row.survivor_id, row.merged_id)
    if row.undone_at is not None or gone.merged_into != survivor.id or survivor.erased_at is not None:
        raise Refused("customers.merge_over", "it was undone, merged further or erased since", about=merge_id)
    for name, value in row.filled.items():
        if name in FILLED and getattr(survivor, name) == value:
            setattr(survivor, name, [] if name == "tax_ids" else "")
    gone.merged_into = None
    for follower in uow.session.scalars(select(AccountRow).where(AccountRow.id.in_(row.followed)).with_for_update()):
        follower.merged_into = gone.id
    uow.session.flush()
    ties = json.dumps(row.filled.get("ties", []))
    uow.sql(GO_BACK, {"from": survivor.id, "to": gone.id, "ties": ties})
    row.undone_at, row.undone_by = uow.hub.clock.now(), who
    _decide(uow, survivor.id, gone.id, "open", who)
    record_act(uow, who, "undid a merge", kind="account", key=survivor.id, why=why, facts={"merged": gone.id})
    uow.publish(AccountMerged(account_id=survivor.id, merged_id=gone.id, undone=True))
    return Merged(merge_id=row.id, survivor_id=survivor.id, merged_id=gone.id, orders=tuple(row.orders))


def keep_apart(uow: UnitOfWork, account_id: str, other_id: str, who: str, why: str) -> None:
    """A person says that two accounts are two customers: nobody is asked again. Raises Invalid, NotFound."""
    _reason(why)
    if not _decide(uow, account_id, other_id, "distinct", who):
        raise NotFound("customers.unknown_pair", "nothing says that these two may be one", about=account_id)
    record_act(uow, who, "kept accounts apart", kind="account", key=account_id, why=why, facts={"other": other_id})


def _pair(uow: UnitOfWork, survivor_id: str, merged_id: str) -> tuple[AccountRow, AccountRow]:
    if survivor_id == merged_id:
        raise Refused("customers.same_account", "an account cannot be merged with itself", about=survivor_id)
    survivor, gone = _locked(uow, survivor_id, merged_id)
    for row in (survivor, gone):
        if row.erased_at is not None or row.merged_into is not None:
            said = "was erased" if row.erased_at else f"is {row.merged_into} already"
            raise Refused("customers.cannot_merge", f"account {row.id} {said}", about=row.id)
    if survivor.kind != gone.kind:
        raise Refused("customers.cannot_merge", "a person and a company are never one account", about=gone.id)
    return survivor, gone


def _locked(uow: UnitOfWork, *ids: str) -> list[AccountRow]:
    """These accounts in the order they were asked for, locked in the order of their ids."""
    wanted = select(AccountRow).where(AccountRow.id.in_(ids)).order_by(AccountRow.id).with_for_update()
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for one in ids:
        if one not in found:
            raise NotFound("customers.unknown", f"there is no account {one}", about=one)
    return [found[one] for one in ids]


def _decide(uow: UnitOfWork, one: str, other: str, state: str, who: str) -> bool:
    row = uow.session.get(DuplicateRow, (min(one, other), max(one, other)), with_for_update=True)
    if row is not None:
        open_again = state == "open"
        row.state, row.decided_by = state, "" if open_again else who
        row.decided_at = None if open_again else uow.hub.clock.now()
    return row is not None


def _reason(why: str) -> None:
    if not why.strip():
        raise Invalid("customers.reason_missing", "say why; it is kept with your name", about="why")

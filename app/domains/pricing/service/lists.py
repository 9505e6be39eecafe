"""Price lists and their prices: made, changed, closed. A change is whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from app.domains.pricing.canonical.prices import CODE, CODE_WORDS, Price, PriceList
from app.domains.pricing.events import PriceChanged
from app.domains.pricing.policy.periods import laid_out, zone_of
from app.domains.pricing.queries.lists import KeptList, price_list
from app.infra.acts import record_act
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused
from app.kernel.money import Money

SKUS_IN_A_FACT = 500
# One at a time: two lists of one scope must not both pass the look at what is there.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('pricing.price_list', 0))"
TAKEN = """
SELECT code FROM pricing.price_list
 WHERE currency = %(currency)s AND company = %(company)s AND channel = %(channel)s
   AND customer_group = %(customer_group)s AND customer = %(customer)s AND code <> %(code)s
"""
KEEP_LIST = """
INSERT INTO pricing.price_list
       (id, code, title, currency, company, channel, customer_group, customer, includes_tax, zone, open, changed_by)
VALUES (%(id)s, %(code)s, %(title)s, %(currency)s, %(company)s, %(channel)s, %(customer_group)s, %(customer)s,
        %(includes_tax)s, %(zone)s, %(open)s, %(who)s)
    ON CONFLICT (code) DO UPDATE
   SET (title, currency, company, channel, customer_group, customer, includes_tax, zone, open, changed_by, changed_at)
     = (excluded.title, excluded.currency, excluded.company, excluded.channel, excluded.customer_group,
        excluded.customer, excluded.includes_tax, excluded.zone, excluded.open, excluded.changed_by, now())
"""
# Of the SKUs named, what is not given goes, what is given stays or comes; gives the SKUs that really changed.
KEEP_PRICES = """
WITH given AS (
     SELECT * FROM unnest(%(skus)s::text[], %(units)s::text[], %(least)s::numeric[], %(from)s::timestamptz[],
                          %(until)s::timestamptz[], %(amounts)s::numeric[])
                AS g (sku, unit, min_quantity, from_at, until_at, amount)),
gone AS (
     DELETE FROM pricing.price p
      WHERE p.list_id = %(list)s::uuid AND p.sku = ANY(%(named)s::text[])
        AND NOT EXISTS (SELECT FROM given g WHERE (g.sku, g.unit, g.min_quantity, g.from_at)
                                                = (p.sku, p.unit, p.min_quantity, p.from_at))
     RETURNING p.sku),
kept AS (
     INSERT INTO pricing.price AS p (list_id, sku, unit, min_quantity, from_at, until_at, amount)
     SELECT %(list)s::uuid, g.* FROM given g
         ON CONFLICT (list_id, sku, unit, min_quantity, from_at) DO UPDATE
        SET until_at = excluded.until_at, amount = excluded.amount
      WHERE (p.until_at, p.amount) IS DISTINCT FROM (excluded.until_at, excluded.amount)
     RETURNING p.sku)
SELECT sku FROM gone UNION SELECT sku FROM kept ORDER BY sku
"""
COMING = """
SELECT t.at FROM pricing.price p CROSS JOIN LATERAL (VALUES (p.from_at), (p.until_at)) AS t (at)
 WHERE p.list_id = %(list)s::uuid AND p.sku = ANY(%(skus)s::text[]) AND t.at > %(now)s GROUP BY t.at ORDER BY t.at
"""


def keep_list(uow: UnitOfWork, wanted: PriceList, who: str) -> None:
    """Make or change a price list.

    Raises Refused where another list has its scope (`pricing.scope_taken`), or where its currency, zone or kind of
    price is to change under prices that it has (`pricing.list_has_prices`); Invalid for an unknown zone or currency.
    """
    zone_of(wanted.zone)
    Money.parse(0, wanted.currency)
    if not CODE.fullmatch(wanted.code):
        raise Invalid("pricing.list", f"code: {wanted.code!r} is no code; write {CODE_WORDS}")
    uow.sql(ONE_AT_A_TIME)
    before = _before(uow, wanted.code)
    scope = wanted.scope
    named = {
        "code": wanted.code, "title": wanted.title, "currency": wanted.currency, "company": scope.company,
        "channel": scope.channel, "customer_group": scope.customer_group, "customer": scope.customer,
        "includes_tax": wanted.includes_tax, "zone": wanted.zone, "open": wanted.open,
    }  # fmt: skip
    if before is not None:
        _require_same_kind(uow, before, wanted)
    if (other := uow.sql(TAKEN, named).fetchone()) is not None:
        raise Refused(
            "pricing.scope_taken",
            f"price list {other[0]!r} is already the one in {wanted.currency} for {scope}; put the prices there, or "
            "give this one another scope",
            about=f"price list {wanted.code}",
        )
    uow.sql(KEEP_LIST, {**named, "id": new_id(), "who": who})
    did = "made a price list" if before is None else "changed a price list"
    record_act(uow, who, did, kind="price_list", key=wanted.code, facts=named)
    if before is not None and (before.list.scope, before.list.open) != (scope, wanted.open):
        _tell(uow, before.list, before, _skus(uow, before))
        _tell(uow, wanted, before, _skus(uow, before))


def keep_prices(
    uow: UnitOfWork, code: str, wanted: Sequence[Price], who: str, *, without: Collection[str] = ()
) -> list[str]:
    """Give the SKUs named these prices in a list, in place of all they had; gives the SKUs that changed.

    `without` names SKUs that the list shall have no price of. Raises Refused(`pricing.overlap_in_time`,
    `pricing.gap_in_time`), NotFound for an unknown list, Invalid for prices in another currency.
    """
    kept = price_list(uow, code, lock=True)
    if strange := {price.amount.currency for price in wanted} - {kept.list.currency}:
        raise Invalid("pricing.price", f"currency: {code} is a list in {kept.list.currency}, not in {min(strange)}")
    rows = laid_out(wanted)
    changed = [row[0] for row in uow.sql(KEEP_PRICES, _arrays(kept, rows, without)).fetchall()]
    if changed:
        uow.sql(
            "UPDATE pricing.price_list SET changed_at = now(), changed_by = %(who)s WHERE id = %(list)s::uuid",
            {"who": who, "list": kept.list_id},
        )
        record_act(
            uow, who, "changed prices", kind="price_list", key=code,
            facts={"skus": len(changed), "first": changed[:20]},
        )  # fmt: skip
        _tell(uow, kept.list, kept, changed)
    return changed


def _arrays(kept: KeptList, rows: Sequence[Price], without: Collection[str]) -> dict[str, Any]:
    return {
        "list": kept.list_id,
        "named": sorted({*without, *(row.sku for row in rows)}),
        "skus": [row.sku for row in rows],
        "units": [row.unit for row in rows],
        "least": [row.min_quantity for row in rows],
        "from": [row.from_at for row in rows],
        "until": [row.until_at for row in rows],
        "amounts": [row.amount.amount for row in rows],
    }


def _before(uow: UnitOfWork, code: str) -> KeptList | None:
    try:
        return price_list(uow, code, lock=True)
    except NotFound:
        return None


def _require_same_kind(uow: UnitOfWork, before: KeptList, wanted: PriceList) -> None:
    kinds = ("currency", "zone", "includes_tax")
    changed = [name for name in kinds if getattr(before.list, name) != getattr(wanted, name)]
    found = uow.sql("SELECT FROM pricing.price WHERE list_id = %(list)s::uuid LIMIT 1", {"list": before.list_id})
    if changed and found.fetchone() is not None:
        raise Refused(
            "pricing.list_has_prices",
            f"{changed[0]}: the prices in {wanted.code!r} were given for {getattr(before.list, changed[0])}; make "
            "a new list, or take the prices out first",
            about=f"price list {wanted.code}",
        )


def _skus(uow: UnitOfWork, kept: KeptList) -> list[str]:
    rows = uow.sql(
        "SELECT DISTINCT sku FROM pricing.price WHERE list_id = %(list)s::uuid ORDER BY sku", {"list": kept.list_id}
    )
    return [row[0] for row in rows]


def _tell(uow: UnitOfWork, told: PriceList, kept: KeptList, skus: Sequence[str]) -> None:
    """Tell that prices changed, with the instants to come at which they change again."""
    for start in range(0, len(skus), SKUS_IN_A_FACT):
        some = list(skus[start : start + SKUS_IN_A_FACT])
        coming = uow.sql(COMING, {"list": kept.list_id, "skus": some, "now": uow.hub.clock.now()})
        uow.publish(
            PriceChanged(
                price_list=told.code, company=told.scope.company, channel=told.scope.channel, currency=told.currency,
                skus=tuple(some), instants=tuple(row[0] for row in coming),
            )
        )  # fmt: skip


def switch_list(uow: UnitOfWork, code: str, who: str, why: str = "", *, on: bool) -> bool:
    """Let the prices of a list count, or count no more; false where it was so. Raises NotFound for an unknown list."""
    kept = price_list(uow, code, lock=True)
    if kept.list.open is on:
        return False
    uow.sql(
        "UPDATE pricing.price_list SET open = %(on)s, changed_by = %(who)s, changed_at = now() "
        "WHERE id = %(list)s::uuid",
        {"on": on, "who": who, "list": kept.list_id},
    )
    record_act(uow, who, f"{'opened' if on else 'closed'} a price list", kind="price_list", key=code, why=why)
    _tell(uow, kept.list, kept, _skus(uow, kept))
    return True

"""Which prices are due at channels, what counts for them, and what became of what was sent.

A SKU's row is due from a change on until what counts stands at the channel. Each change raises its `mark`, and what
was sent ends only the mark it was computed for: a change that comes meanwhile leaves it due. Rows are locked in the
order of their SKUs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.domains.pricing.canonical.promotions import Promotion
from app.domains.pricing.events import ChannelPricesDue, PriceCameDue, PriceChanged, PromotionCameDue
from app.domains.pricing.policy.channel_prices import ChannelRule, Shown, check_rule
from app.domains.pricing.policy.channel_promotions import why_not_a_price
from app.domains.pricing.ports import PriceAnswer, PriceBecame, PriceReported
from app.domains.pricing.queries.channels import channel_rule, channel_rules
from app.domains.pricing.service.channel_statements import (
    ASIDE,
    DUE,
    FOUGHT,
    HEARD,
    MARK_ALL,
    MARK_AT,
    MARK_CHANGED,
    MARK_KNOWN,
    MARK_PROMOTED,
    NEW_RATES,
    STAND,
    STRAYED,
    SWEEP,
    TRY,
)
from app.infra.acts import record_act
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import Invalid
from app.kernel.money import Money

NOT_LISTED, REFUSED, NO_PRICE = "pricing.not_listed", "pricing.price_refused", "pricing.no_price"
AT_ONCE = 5000  # SKUs marked in one transaction: a few tenths of a second
FOUGHT_OVER = "pricing.fought_over"
PEACE = timedelta(hours=1)
AGAIN_HOURS = 24  # what a channel did not list is looked for again after a day; at once where it was bound meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A SKU that is due at a channel: its mark, and what stands there as far as the hub knows."""

    sku: str
    mark: int
    sent: Shown | None


def set_channel_rule(uow: UnitOfWork, rule: ChannelRule, who: str, why: str = "") -> int:
    """Say how a channel shows prices; everything it shows is due. Returns how many SKUs that are.

    Raises NotFound for a channel that is no connection, Invalid(`pricing.channel_rule`).
    """
    uow.hub.connections.get(uow.session, rule.channel)
    check_rule(rule)
    given = {
        "channel": rule.channel, "company": rule.company, "currency": rule.currency, "country": rule.country,
        "includes_tax": rule.includes_tax, "region": rule.region, "compare_list": rule.compare_list,
        "ending": rule.ending, "open": rule.open,
    }  # fmt: skip
    known = uow.sql("SELECT code FROM pricing.price_list WHERE code = %(c)s", {"c": rule.compare_list}).fetchone()
    if rule.compare_list and known is None:
        said = f"compare_list: there is no price list {rule.compare_list!r}"
        raise Invalid("pricing.channel_rule", said, about="compare_list")
    uow.sql(
        "INSERT INTO pricing.channel_rule (channel, company, currency, includes_tax, country, region, compare_list, "
        "ending, open, changed_by) VALUES (%(channel)s, %(company)s, %(currency)s, %(includes_tax)s, %(country)s, "
        "%(region)s, %(compare_list)s, %(ending)s, %(open)s, %(who)s) ON CONFLICT (channel) DO UPDATE SET "
        "company = excluded.company, currency = excluded.currency, includes_tax = excluded.includes_tax, "
        "country = excluded.country, region = excluded.region, compare_list = excluded.compare_list, "
        "ending = excluded.ending, open = excluded.open, changed_at = now(), changed_by = excluded.changed_by",
        {**given, "who": who},
    )
    facts = {name: str(value) for name, value in given.items()}
    record_act(uow, who, "set how a channel shows prices", kind="prices", key=rule.channel, why=why, facts=facts)
    return mark_all(uow, rule.channel) if rule.open else 0


def mark_changed(uow: UnitOfWork, facts: Iterable[PriceChanged]) -> int:
    """What changed in lists is due at the channels that show it; the channels are told so. Returns how many."""
    pairs = {(fact.price_list, sku) for fact in facts for sku in fact.skus}
    ordered = sorted(pairs)
    channels = [rule.channel for rule in channel_rules(uow) if rule.open]
    if not channels:
        return 0
    given = {
        "lists": [price_list for price_list, _ in ordered], "skus": [sku for _, sku in ordered], "channels": channels
    }  # fmt: skip
    return _tell(uow, uow.sql(MARK_CHANGED, given).fetchall())


def mark_at(uow: UnitOfWork, due: PriceCameDue, trail: Trail) -> int:
    """The prices of a list that begin or end at an instant are due; what is left of them is told again."""
    given = {"list": due.price_list, "at": due.at, "after": due.after, "most": AT_ONCE}
    rows = uow.sql(MARK_AT, given).fetchall()
    last, count = next((sku, number) for channel, sku, number in rows if not channel)
    if count == AT_ONCE:
        again = PriceCameDue(occasion=due.occasion, price_list=due.price_list, at=due.at, after=last)
        uow.publish(again, trail)
    return _tell(uow, [row for row in rows if row[0]])


def mark_promoted(uow: UnitOfWork, found: Promotion, due: PromotionCameDue, trail: Trail) -> int:
    """What a promotion lowers, lowered or may lower from now on is due; what is left of it is told again."""
    targets = found.targets
    given = {
        "code": found.code, "plain": not why_not_a_price(found), "channel": found.channel, "company": found.company,
        "currency": found.currency, "everything": targets.everything, "skus": list(targets.skus),
        "categories": list(targets.categories), "product_types": list(targets.product_types), "after": due.after,
        "most": AT_ONCE,
    }  # fmt: skip
    rows = uow.sql(MARK_PROMOTED, given).fetchall()
    last, count = next((sku, number) for channel, sku, number in rows if not channel)
    if count == AT_ONCE:
        again = PromotionCameDue(occasion=due.occasion, promotion=due.promotion, at=due.at, after=last)
        uow.publish(again, trail)
    return _tell(uow, [row for row in rows if row[0]])


def mark_known(uow: UnitOfWork, skus: Collection[str] = (), *, promoted: bool = False) -> int:
    """These SKUs are due where a channel shows them, or all that promotions lower. Returns how many."""
    if not skus and not promoted:
        return 0
    return _tell(uow, uow.sql(MARK_KNOWN, {"skus": sorted(skus), "promoted": promoted}).fetchall())


def mark_all(uow: UnitOfWork, channel: str, pattern: str = "*") -> int:
    """Everything at a channel that matches a pattern of SKUs is due, `*` for any letters. Returns how many."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return _tell(uow, uow.sql(MARK_ALL, {"channel": channel, "like": escaped}).fetchall())


def sweep(uow: UnitOfWork) -> int:
    """Look again for what a channel did not list or refused, once a day, and as soon as it was bound."""
    given = {"now": uow.hub.clock.now(), "hours": AGAIN_HOURS, "unlisted": NOT_LISTED, "most": AT_ONCE}
    return _tell(uow, uow.sql(SWEEP, given).fetchall())


def mark_taxed(uow: UnitOfWork, countries: Collection[str]) -> int:
    """Prices that the tax of these countries is a part of are due. Returns how many."""
    rules = [rule for rule in channel_rules(uow) if rule.open and rule.country and {rule.country, ""} & set(countries)]
    return sum(mark_all(uow, rule.channel) for rule in rules)


def mark_new_rates(uow: UnitOfWork, since: datetime, until: datetime) -> int:
    """Prices are due whose tax began or ended after one instant and up to another, by the zones of their rates."""
    countries = [row[0] for row in uow.sql(NEW_RATES, {"since": since, "until": until})]
    return mark_taxed(uow, countries) if countries else 0


def due(uow: UnitOfWork, channel: str, most: int, besides: Collection[str] = ()) -> list[Standing]:
    """The SKUs that wait longest, at most so many."""
    from_rule = channel_rule(uow, channel)
    if from_rule is None or not from_rule.open:
        return []
    rows = uow.sql(DUE, {"channel": channel, "most": most, "besides": list(besides)})
    return [Standing(sku=row[0], mark=row[1], sent=_sent(*row[2:])) for row in rows]


def try_prices(uow: UnitOfWork, channel: str, prices: Mapping[str, Shown]) -> None:
    """These prices are about to be sent: until an answer comes, nothing is known to stand there."""
    codes = [" ".join(one.promotions) for one in prices.values()]
    uow.sql(TRY, {"channel": channel, "skus": list(prices), "promotions": codes})


def forget_shown(uow: UnitOfWork, channel: str, skus: Collection[str]) -> None:
    """Nothing is known any more of what stands at the channel for these SKUs."""
    uow.sql(TRY, {"channel": channel, "skus": list(skus), "promotions": [""] * len(skus)})


def stand(
    uow: UnitOfWork, rule: ChannelRule, shown: Mapping[str, tuple[int, Shown]],
    answers: Mapping[str, PriceAnswer] | None = None,
) -> None:  # fmt: skip
    """These prices stand at the channel: SKU → mark and price, by its `answers` or because they stood there already."""
    if not shown:
        return
    said = answers or {}
    uow.sql(
        STAND,
        {
            "channel": rule.channel, "currency": rule.currency, "now": uow.hub.clock.now(),
            "sent": answers is not None, "skus": list(shown), "marks": [mark for mark, _ in shown.values()],
            "amounts": [one.amount.amount for _, one in shown.values()],
            "compares": [one.compare_at and one.compare_at.amount for _, one in shown.values()],
            "lists": [one.price_list for _, one in shown.values()],
            "promotions": [" ".join(one.promotions) for _, one in shown.values()],
            "ids": [said[sku].external_id if sku in said else "" for sku in shown],
        },
    )  # fmt: skip
    if answers is not None:
        uow.tally("prices_sent", rule.channel, len(shown))


def hear(uow: UnitOfWork, channel: str, told: Mapping[str, PriceReported], at: datetime) -> tuple[int, int]:
    """A channel says what it shows, SKU by SKU. What was sent is an echo; anything else is set back.

    What strays twice within the hour is not: somebody else sets it, and a person is told. Returns how many were set
    back, and how many not.
    """
    now = uow.hub.clock.now()
    rows = uow.sql(HEARD, {"channel": channel, "skus": list(told), "at": at}).fetchall()
    strayed = {
        sku: strayed_at
        for sku, amount, compare_at, strayed_at in rows
        if (told[sku].amount, told[sku].compare_at) != (amount, compare_at)
    }
    fought = [sku for sku, before in strayed.items() if before is not None and now - before < PEACE]
    back = [sku for sku in strayed if sku not in fought]
    if fought:
        said = "it was changed at the channel again within the hour: find who else sets it"
        uow.sql(FOUGHT, {"channel": channel, "skus": fought, "code": FOUGHT_OVER, "said": said, "now": now})
    if back:
        uow.tally("prices_strayed", channel, len(back))
        given = {
            "channel": channel, "skus": back, "amounts": [told[sku].amount for sku in back],
            "compares": [told[sku].compare_at for sku in back], "now": now,
        }  # fmt: skip
        _tell(uow, uow.sql(STRAYED, given).fetchall())
    return len(back), len(fought)


def put_aside(uow: UnitOfWork, channel: str, why: Mapping[str, tuple[int, str, str]]) -> None:
    """These could not be sent: SKU → mark, code and words. They wait for the next change."""
    if why:
        uow.sql(
            ASIDE,
            {
                "channel": channel, "skus": list(why), "marks": [mark for mark, _, _ in why.values()],
                "codes": [code for _, code, _ in why.values()], "saids": [said[:500] for _, _, said in why.values()],
                "now": uow.hub.clock.now(), "unlisted": NOT_LISTED,
            },
        )  # fmt: skip


def reason_of(answer: PriceAnswer) -> str:
    """The code under which a price that was not set is put aside."""
    return NOT_LISTED if answer.became is PriceBecame.UNLISTED else REFUSED


def _tell(uow: UnitOfWork, rows: Iterable[Sequence[object]]) -> int:
    count = 0
    for channel, _, number in rows:
        uow.publish(ChannelPricesDue(channel=str(channel)))
        count += int(str(number))
    return count


def _sent(
    currency: str, amount: Decimal | None, compare_at: Decimal | None, price_list: str, promotions: Sequence[str]
) -> Shown | None:
    if amount is None or not currency:
        return None
    struck = None if compare_at is None else Money.rounded(compare_at, currency)
    return Shown(
        amount=Money.rounded(amount, currency), compare_at=struck, price_list=price_list, promotions=tuple(promotions)
    )


def coming_due(price_list: str, at: datetime) -> PriceCameDue:
    """What is told at the instant at which prices of a list begin or end."""
    return PriceCameDue(occasion=f"{price_list}@{at.isoformat()}", price_list=price_list, at=at)

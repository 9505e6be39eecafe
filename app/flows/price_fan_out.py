"""Prices out: a price that changes, or whose instant comes, reaches every channel that shows it, once and the newest.

What changed is gathered into prices that are due, however often it changed. Each channel has one lane: a call takes
those that wait longest, as many as the channel takes at once, as they count at that moment. What stands there already
is not sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domains.pricing.events import ChannelPricesDue, PriceCameDue, PriceChanged, PromotionCameDue, PromotionChanged
from app.domains.pricing.policy.channel_prices import ChannelRule, Shown
from app.domains.pricing.ports import PriceAnswer, PriceBecame, PriceSink, PricesReported, PriceWish
from app.domains.pricing.queries.channels import channel_rule, refused_prices
from app.domains.pricing.queries.promotions import promotion, turning
from app.domains.pricing.service import channel_prices
from app.domains.pricing.service.showing import showing
from app.flows.hearing import Heard
from app.flows.runtime import Connected, Ended, Told, step
from app.flows.sku_names import Names, in_our_words, in_their_words, names_at
from app.infra.bindings import Tie, bind_many, keys_of, known, unbind
from app.infra.cases import end_for, open_case
from app.infra.deadlines import expect, expectation
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened, window_before

KIND = "variant"  # a listing at a channel; our key is the SKU
SWEEP = "channel_prices"
EARLIEST = timedelta(days=1)  # how far back the first sweep looks for taxes that began
PAGES = 8  # how often one plan looks on where what it found needs no sending
TROUBLE = channel_prices.REFUSED

COMING = expectation("prices", "instant", otherwise=PriceCameDue, unless=())
PROMOTED = expectation("prices", "promotion", otherwise=PromotionCameDue, unless=())


def note(uow: UnitOfWork, tolds: Sequence[Told[PriceChanged]]) -> None:
    """What changed in many transactions becomes due once; what changes by itself later is told at its instant."""
    channel_prices.mark_changed(uow, [told.fact for told in tolds])
    coming = {(told.fact.price_list, at): told.trail for told in tolds for at in told.fact.instants}
    for price_list, at in sorted(coming):
        fact = channel_prices.coming_due(price_list, at)
        expect(uow, COMING, fact, by=at, trail=coming[price_list, at])


step("price_fan_out.note", on=PriceChanged, queue="catalogue", ordered=False, do_many=note)


def reach(uow: UnitOfWork, told: Told[PriceCameDue]) -> None:
    """The instant is there: what begins or ends at it is due."""
    channel_prices.mark_at(uow, told.fact, told.trail)


step("price_fan_out.reach", on=PriceCameDue, queue="catalogue", do=reach)


def note_promotion(uow: UnitOfWork, told: Told[PromotionChanged]) -> None:
    """What a promotion lowers is due now, and again when it begins and when it ends."""
    code = told.fact.promotion
    uow.publish(_promotion_due(code, uow.hub.clock.now()), told.trail)
    for at in told.fact.instants:
        expect(uow, PROMOTED, _promotion_due(code, at), by=at, trail=told.trail)


step("price_fan_out.note_promotion", on=PromotionChanged, queue="catalogue", do=note_promotion)


def reach_promotion(uow: UnitOfWork, told: Told[PromotionCameDue]) -> None:
    """The instant is there at which a promotion begins, ends or has become another."""
    channel_prices.mark_promoted(uow, promotion(uow, told.fact.promotion), told.fact, told.trail)


step("price_fan_out.reach_promotion", on=PromotionCameDue, queue="catalogue", do=reach_promotion)


def _promotion_due(code: str, at: datetime) -> PromotionCameDue:
    return PromotionCameDue(occasion=f"{code}@{at.isoformat()}", promotion=code, at=at)


def sweep(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """What a channel did not list or refused is tried again in time; a tax that began changes prices that hold it.

    A promotion that turned and was not told, because it was kept by an earlier release, is told now.
    """
    if told.fact.name != SWEEP:
        return
    channel_prices.sweep(uow)
    until = told.fact.instant
    since = window_before(uow, SWEEP, until) or until - EARLIEST
    channel_prices.mark_new_rates(uow, since, until)
    for code, at in turning(uow, since, until):
        uow.publish(_promotion_due(code, at), told.trail)


step("price_fan_out.sweep", on=WindowOpened, queue="catalogue", do=sweep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The prices that a channel is about to be sent, by SKU with the marks they end.

    `bound` are ids that are known, `names` SKUs that the channel calls otherwise.
    """

    rule: ChannelRule
    wanted: Mapping[str, tuple[int, Shown]]
    bound: Mapping[str, str]
    names: Names
    more: bool


def plan_sending(uow: UnitOfWork, told: Told[ChannelPricesDue]) -> Plan | None:
    """The prices that wait longest and are not as they should be; None where all that were due stand so already."""
    channel = uow.hub.connections.get(uow.session, told.connection)
    rule = channel_rule(uow, channel.name)
    if rule is None or not rule.open or not channel.spec.offers(PriceSink):
        return None
    most, more = channel.port(PriceSink).most, True
    wanted: dict[str, tuple[int, Shown]] = {}
    for _ in range(PAGES):
        standings = channel_prices.due(uow, channel.name, most - len(wanted), wanted)
        if not standings:
            more = False
            break
        wanted |= _differing(uow, rule, standings)
        if len(wanted) >= most:
            break
    if wanted:
        channel_prices.try_prices(uow, channel.name, {sku: price for sku, (_, price) in wanted.items()})
        bound, names = known(uow, channel.name, {KIND: wanted})[KIND], names_at(uow, channel.name, wanted)
        return Plan(rule=rule, wanted=wanted, bound=bound, names=names, more=more)
    if more:
        uow.publish(ChannelPricesDue(channel=channel.name), told.trail)
    return None


def _differing(
    uow: UnitOfWork, rule: ChannelRule, standings: Sequence[channel_prices.Standing]
) -> dict[str, tuple[int, Shown]]:
    """Those that are to be sent; what stands so already is noted, what has no price that can be shown is put aside."""
    marks = {one.sku: one.mark for one in standings}
    sent = {one.sku: one.sent for one in standings}
    wanted = showing(uow, rule, list(marks))
    found = {sku: price for sku, price in wanted.prices.items() if price is not None}
    aside = {sku: (marks[sku], error.code, error.message) for sku, error in wanted.amiss.items()}
    for sku in wanted.prices.keys() - found.keys():
        aside[sku] = (marks[sku], channel_prices.NO_PRICE, "no list has a price for it now")
    channel_prices.put_aside(uow, rule.channel, aside)
    same = {sku: (marks[sku], price) for sku, price in found.items() if _stands(price, sent[sku])}
    channel_prices.stand(uow, rule, same)
    if same or any(code != channel_prices.NO_PRICE for _, code, _ in aside.values()):
        report(uow, rule.channel)
    return {sku: (marks[sku], price) for sku, price in found.items() if sku not in same}


def shown_now(uow: UnitOfWork, channel: str, skus: Sequence[str]) -> dict[str, Shown]:
    """What a channel would show of these SKUs at this moment; those that no price counts for are left out."""
    rule = channel_rule(uow, channel)
    if rule is None or not skus:
        return {}
    return {sku: price for sku, price in showing(uow, rule, skus).prices.items() if price is not None}


def _stands(price: Shown, sent: Shown | None) -> bool:
    """Whether a channel would show the same as before, whichever list it comes from."""
    return sent is not None and (price.amount, price.compare_at) == (sent.amount, sent.compare_at)


def call_sending(connection: Connected, plan: Plan) -> tuple[PriceAnswer, ...]:
    wishes = [
        PriceWish(sku=sku, amount=one.amount, compare_at=one.compare_at, external_id=plan.bound.get(sku, ""))
        for sku, (_, one) in sorted(plan.wanted.items())
    ]
    answers = in_our_words(connection.port(PriceSink).put(in_their_words(wishes, plan.names)), plan.names)
    others = [PriceAnswer(sku=sku, became=PriceBecame.UNLISTED) for sku, word in plan.names.items() if not word]
    return (*answers, *others)


def record_sending(
    uow: UnitOfWork, told: Told[ChannelPricesDue], plan: Plan, answers: tuple[PriceAnswer, ...]
) -> None:  # fmt: skip
    """What stands there now, what is not listed, what is refused; the rest of what waits goes on."""
    said = {answer.sku: answer for answer in answers}
    stood = {sku: plan.wanted[sku] for sku, answer in said.items() if answer.became is PriceBecame.SET}
    others = {sku: answer for sku, answer in said.items() if sku not in stood}
    channel_prices.stand(uow, plan.rule, stood, said)
    channel_prices.put_aside(
        uow, told.connection,
        {sku: (plan.wanted[sku][0], channel_prices.reason_of(one), one.said) for sku, one in others.items()},
    )  # fmt: skip
    _learn(uow, told.connection, plan.bound, answers)
    if plan.more:
        uow.publish(ChannelPricesDue(channel=told.connection), told.trail)
    report(uow, told.connection)


def _learn(uow: UnitOfWork, channel: str, bound: Mapping[str, str], answers: Collection[PriceAnswer]) -> None:
    """Keep the ids of listings that were met for the first time, forget those that are gone."""
    fresh = {one.sku: one.external_id for one in answers if one.external_id and one.sku not in bound}
    bind_many(uow, [Tie(connection=channel, kind=KIND, key=sku, external_id=one) for sku, one in fresh.items()])
    for one in answers:
        if one.became is PriceBecame.UNLISTED and one.sku in bound:
            unbind(uow, channel, KIND, one.sku)


def report(uow: UnitOfWork, channel: str) -> None:
    """One case for all prices that a channel does not take, while there are any."""
    count, some = refused_prices(uow, channel)
    if not count:
        end_for(uow, TROUBLE, f"prices:{channel}", "every listing takes its price")
        return
    open_case(
        uow, code=TROUBLE, connection=channel, about=channel, key=f"prices:{channel}",
        title=f"{count} prices cannot be shown at {channel}", said=some[0][1],
        facts={"count": count, "some": dict(some)},
    )  # fmt: skip


def hear(uow: UnitOfWork, heard: Heard, value: PricesReported) -> Ended | None:
    """A channel says what it shows. What the hub sent has no effect; what somebody else set is set back, once."""
    channel = heard.connection.name
    named = keys_of(uow, KIND, [(channel, price.external_id) for price in value.prices])
    told = {sku: price for price in value.prices if (sku := named.get((channel, price.external_id))) is not None}
    rule = channel_rule(uow, channel)
    if rule is None or not rule.open or not told:
        return Ended(code="pricing.price_not_ours")
    back, fought = channel_prices.hear(uow, channel, told, value.at)
    if fought:
        report(uow, channel)
    return None if back or fought else Ended(code="pricing.price_echo")


def set_by(plan: Plan, number: str) -> tuple[PriceAnswer, ...]:
    """The answers that a person's word stands for: all of it was set."""
    return tuple(
        PriceAnswer(sku=sku, became=PriceBecame.SET, external_id=plan.bound.get(sku, "")) for sku in plan.wanted
    )


send_to_channel = step(
    "price_fan_out.send_to_channel",
    on=ChannelPricesDue, queue="catalogue", at_fact="channel", latest_only=True, port=PriceSink,
    flag="channel.prices", plan=plan_sending, call=call_sending, record=record_sending, happened=set_by,
)  # fmt: skip

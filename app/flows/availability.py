"""Availability: a change of stock reaches every channel that the hub tells its stock, once, with the newest figure.

What changed is gathered into levels that are due, however often it changed. Each channel has one lane: a call takes
the levels that wait longest, as many as the channel takes at once, and tells what they are offered at that moment.
Nothing is set over a figure that was not expected there; what is found instead is read, and the figure computed anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import NOTHING
from app.domains.inventory.events import LevelsDue, OffersChanged, StockChanged
from app.domains.inventory.policy.telling import Standing, target_again, target_available, target_on_hand
from app.domains.inventory.ports import AvailabilitySink, Became, Figure, Level, LevelAnswer, LevelReported, Levels
from app.domains.inventory.queries.outgoing import is_known, troubled
from app.domains.inventory.service import outgoing
from app.flows.channel_orders import arrived_since, instant
from app.flows.hearing import Heard
from app.flows.runtime import Connected, Ended, Told, step
from app.flows.sku_names import Names, in_our_words, in_their_words, names_at
from app.flows.stock_places import placed, places_of
from app.infra.acts import record_act
from app.infra.bindings import Tie, bind_many, keys_of, known, unbind
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened

KIND = "inventory_item"  # a listing's stock at a channel; our key is the SKU
SWEEP = "channel_stock"
PAGES = 8  # how often one plan looks on where what it found needs no telling
MOST_SWEPT = 5000
EVER = datetime(1970, 1, 1, tzinfo=UTC)
TROUBLE = "inventory.listing_refused"
SPACE = uuid.UUID("8d7e3c1c-3a0b-5e4f-9d29-6b7f5f0f7a11")


def telling(uow: UnitOfWork) -> list[str]:
    """The connections that the hub tells its stock."""
    every = uow.hub.connections.all(uow.session)
    return sorted(name for name, connection in every.items() if figure_of(connection) is not None)


def figure_of(connection: Connection) -> Figure | None:
    """The one figure that the hub sets there; None where it leaves the stock alone."""
    if not connection.spec.offers(AvailabilitySink):
        return None
    named = connection.settings.get("stock_figure") or ""
    return Figure(named) if named else None


def gather(uow: UnitOfWork, tolds: Sequence[Told[StockChanged]]) -> None:
    """What changed in many transactions becomes due once."""
    channels = telling(uow)
    if not channels:
        return
    skus = {sku for told in tolds for sku in told.fact.skus}
    outgoing.mark(uow, channels, skus | inventory.bundles_with(uow, skus))


step("availability.gather", on=StockChanged, queue="inventory", ordered=False, do_many=gather)


def offer_anew(uow: UnitOfWork, told: Told[OffersChanged]) -> None:
    """What a policy, goods on their way in or a bundle's parts change is due."""
    channels = [name for name in telling(uow) if told.fact.channel in ("", name)]
    outgoing.mark_matching(uow, channels, told.fact.pattern)


step("availability.offer_anew", on=OffersChanged, queue="inventory", do=offer_anew)


def sweep(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """What nothing explained in time is told anew; a channel that was never told anything is told everything."""
    if told.fact.name != SWEEP:
        return
    channels = telling(uow)
    outgoing.sweep(uow, channels, MOST_SWEPT)
    for channel in channels:
        if not is_known(uow, channel):
            outgoing.mark_matching(uow, [channel], "*")
        report(uow, channel)


step("availability.sweep", on=WindowOpened, queue="inventory", do=sweep)


def report(uow: UnitOfWork, channel: str) -> None:
    """One case for all listings of a channel that take no figure, while there are any."""
    count, some = troubled(uow, channel)
    if not count:
        end_for(uow, TROUBLE, f"stock:{channel}", "every listing takes its stock")
        return
    open_case(
        uow, code=TROUBLE, connection=channel, about=channel, key=f"stock:{channel}",
        title=f"{count} listings at {channel} take no stock from the hub", said=some[0][1],
        facts={"count": count, "some": dict(some)},
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a channel is about to be told, and what it stands for here.

    `bound` are the ids that are known, `names` SKUs that the channel calls otherwise.
    """

    levels: Levels
    told: Mapping[str, outgoing.Told]
    bound: Mapping[str, str]
    names: Names
    more: bool


def plan_telling(uow: UnitOfWork, told: Told[LevelsDue]) -> Plan | None:
    """The levels that wait longest and are not as they should be; None where all that were due stand so already."""
    channel = uow.hub.connections.get(uow.session, told.connection)
    figure = figure_of(channel)
    if figure is None:
        return None
    if (repeated := _repeated(uow, told, channel)) is not None:
        return repeated
    most = channel.port(AvailabilitySink).most
    wanted: dict[str, outgoing.Told] = {}
    bound: dict[str, str] = {}
    more = True
    for _ in range(PAGES):
        standings, unlisted = outgoing.due(uow, channel.name, most - len(wanted), wanted)
        if not standings:
            more = False
            break
        ids = known(uow, channel.name, {KIND: [one.sku for one in standings]})[KIND]
        hopeless = [one for one in standings if one.sku in unlisted and one.sku not in ids]
        outgoing.skip(uow, channel.name, hopeless)
        looked = [one for one in standings if one not in hopeless]
        bound |= ids
        targets = _targets(uow, channel.name, figure, looked)
        wanted |= _differing(uow, channel.name, looked, targets, whole=places_of(channel) is None)
        if len(wanted) >= most:
            break
    if not wanted:
        if more:
            uow.publish(LevelsDue(channel=channel.name), told.trail)
        return None
    levels = placed(uow, channel, _levels(told, wanted, bound))
    outgoing.try_levels(uow, channel.name, list(wanted.values()), levels.key)
    names = names_at(uow, channel.name, wanted)
    return Plan(levels=levels, told=wanted, bound=bound, names=names, more=more)


def _repeated(uow: UnitOfWork, told: Told[LevelsDue], channel: Connection) -> Plan | None:
    """A call that got no answer, exactly as it was; what is newer follows it. None where each was answered."""
    key, standings = outgoing.unanswered(uow, told.connection)
    if not standings:
        return None
    now = uow.hub.clock.now()
    tells = {
        one.sku: outgoing.Told(
            sku=one.sku, wanted=0, target=target_again(one, now), paused=False, at=one.tried_at or now
        )
        for one in standings
    }  # fmt: skip
    bound = known(uow, told.connection, {KIND: list(tells)})[KIND]
    levels = replace(placed(uow, channel, _levels(told, tells, bound, key)), again=True)
    names = names_at(uow, told.connection, tells)
    return Plan(levels=levels, told=tells, bound=bound, names=names, more=True)


def _targets(
    uow: UnitOfWork, channel: str, figure: Figure, standings: Sequence[Standing]
) -> dict[str, outgoing.Told]:  # fmt: skip
    """What is to stand at the channel of each SKU that is offered."""
    skus = [one.sku for one in standings]
    offers = inventory.offered(uow, channel, skus)
    at = instant(uow)  # after what was read: what is committed between counts as not read
    whole = figure is Figure.ON_HAND
    own = arrived_since(uow, channel, {one.sku: EVER if whole else (one.sent_at or at) for one in standings})
    mixed = set() if whole else outgoing.entangled(uow, skus)
    now = uow.hub.clock.now()
    found: dict[str, outgoing.Told] = {}
    for one in standings:
        if (offer := offers.get(one.sku)) is None:
            continue
        quantity = NOTHING if offer.paused else offer.quantity
        arrived = own.get(one.sku, NOTHING)
        if whole:
            target = target_on_hand(quantity, one, arrived)
        else:
            target = target_available(quantity, one, arrived, now, shared=one.sku in mixed)
        found[one.sku] = outgoing.Told(sku=one.sku, wanted=one.wanted, target=target, paused=offer.paused, at=at)
    return found


def _differing(
    uow: UnitOfWork, channel: str, standings: Sequence[Standing], tells: Mapping[str, outgoing.Told], *, whole: bool
) -> dict[str, outgoing.Told]:  # fmt: skip
    """Those that are to be told; what stands so already is noted, what is not offered is left alone.

    Where it is not the `whole` that is told but each place, a sum that stands says nothing of its parts.
    """
    outgoing.skip(uow, channel, [one for one in standings if one.sku not in tells])
    outgoing.stand(uow, channel, [tell for tell in tells.values() if whole and tell.target.stands])
    strayed = {sku: tell.target for sku, tell in tells.items() if tell.target.strayed}
    outgoing.report_strayed(uow, channel, strayed)
    return {sku: tell for sku, tell in tells.items() if not (whole and tell.target.stands)}


def _levels(
    told: Told[LevelsDue], tells: Mapping[str, outgoing.Told], bound: Mapping[str, str], key: str = ""
) -> Levels:  # fmt: skip
    """The call's content. Its key, where it has none yet, is of this delivery and this content."""
    levels = tuple(
        Level(
            sku=sku, external_id=bound.get(sku, ""), quantity=int(one.target.quantity),
            expected=None if one.target.expected is None else int(one.target.expected),
        )
        for sku, one in sorted(tells.items())
    )  # fmt: skip
    key = key or str(uuid.uuid5(SPACE, f"{told.event_id} {[(one.sku, one.quantity, one.expected) for one in levels]}"))
    return Levels(key=key, reference=f"gid://roundhouse/StockUpdate/{key}", levels=levels, again=told.again)


def call_telling(connection: Connected, plan: Plan) -> tuple[LevelAnswer, ...]:
    levels = replace(plan.levels, levels=tuple(in_their_words(plan.levels.levels, plan.names)))
    answers = in_our_words(connection.port(AvailabilitySink).tell(levels), plan.names)
    others = [LevelAnswer(sku=sku, became=Became.UNLISTED) for sku, word in plan.names.items() if not word]
    return (*answers, *others)


def record_telling(uow: UnitOfWork, told: Told[LevelsDue], plan: Plan, answers: Sequence[LevelAnswer]) -> None:
    """What stands there now, what was not listed, what is refused; a figure that nobody expected is computed anew."""
    channel = told.connection
    said = {answer.sku: answer for answer in answers}
    stood = [plan.told[sku] for sku, answer in said.items() if answer.became is Became.SET]
    others = [answer for answer in answers if answer.became is not Became.SET]
    outgoing.stand(uow, channel, stood, said)
    wanted = {sku: one.wanted for sku, one in plan.told.items()}
    outgoing.put_aside(uow, channel, wanted, others, uow.hub.clock.now())
    _learn(uow, channel, plan.bound, answers)
    uow.tally("stock_told", channel, len(stood))
    if plan.more or any(answer.became is Became.STALE for answer in others):
        uow.publish(LevelsDue(channel=channel), told.trail)
    if any(answer.became is Became.REFUSED for answer in others):
        report(uow, channel)


def _learn(uow: UnitOfWork, channel: str, bound: Mapping[str, str], answers: Collection[LevelAnswer]) -> None:
    """Keep the ids of listings that were met for the first time, forget those that are gone."""
    fresh = {answer.sku: answer.external_id for answer in answers if answer.external_id and answer.sku not in bound}
    bind_many(uow, [Tie(connection=channel, kind=KIND, key=sku, external_id=one) for sku, one in fresh.items()])
    for answer in answers:
        if answer.became is Became.UNLISTED and answer.sku in bound:
            unbind(uow, channel, KIND, answer.sku)


def set_by(plan: Plan, number: str) -> tuple[LevelAnswer, ...]:
    """The answers that a person's word stands for: all of it was set."""
    return tuple(LevelAnswer(sku=one.sku, became=Became.SET, external_id=one.external_id) for one in plan.levels.levels)


tell_channel = step(
    "availability.tell_channel",
    on=LevelsDue, queue="inventory", at_fact="channel", latest_only=True, port=AvailabilitySink, flag="channel.stock",
    plan=plan_telling, call=call_telling, record=record_telling, happened=set_by,
)  # fmt: skip


def hear(uow: UnitOfWork, heard: Heard, value: LevelReported) -> Ended | None:
    """A channel says what stands there. What the hub set itself has no effect; anything else is what is expected next.

    Nothing is told because of it: an order that explains it is on its way. What nothing explains is swept.
    """
    channel = heard.connection
    place = str(channel.settings.get("stock_location") or value.place).rpartition("/")[2]
    named = keys_of(uow, KIND, [(channel.name, value.external_id)])
    if figure_of(channel) is not Figure.AVAILABLE or places_of(channel) or place != value.place or not named:
        return Ended(code="inventory.level_not_ours")
    (sku,) = named.values()
    if outgoing.hear(uow, channel.name, sku, Decimal(value.available), value.at):
        return None
    return Ended(code="inventory.level_echo")


def push(uow: UnitOfWork, channel: str, pattern: str = "*", *, who: str, why: str = "") -> int:
    """A person has a channel compared and told everything that matches, also what it did not list; how many are due."""
    due = outgoing.mark_matching(uow, [channel], pattern, anew=True)
    record_act(uow, who, "had stock told", kind="stock", key=channel, why=why, facts={"sku": pattern, "due": due})
    return due

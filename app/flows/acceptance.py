"""Acceptance: what a captured version means. Totals proved, customer known, stock reserved, or the order is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from app.domains.customers import service as customers
from app.domains.customers.canonical import Address as CustomerAddress
from app.domains.customers.canonical import Buyer, Purpose
from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Short
from app.domains.orders import service as orders
from app.domains.orders.canonical import Address, Party
from app.domains.orders.events import OrderHeld
from app.domains.orders.lifecycle import HoldKind, State
from app.domains.orders.policy import require_proof
from app.domains.orders.ports import OrderSource
from app.domains.orders.service import Acceptable, Became, Captured, Found, OpenHold, Standing
from app.flows import credit, order_changes
from app.flows.order_changes import goods, shortage
from app.flows.runtime import Outcome, Row, Told, step
from app.flows.sku_names import names_in
from app.infra.replay.again import replay_lane
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import NeedsAttention

ADDRESS = tuple(one.name for one in fields(CustomerAddress))
BY_RULE = frozenset({HoldKind.TOTALS, HoldKind.STOCK})  # looked at again by the hub itself; the others need a person
BY_WHOM = frozenset({HoldKind.PAYMENT, HoldKind.CREDIT})  # looked at again where the hub placed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why an order cannot go on yet."""

    captured: Captured
    kind: HoldKind
    error: NeedsAttention


def carry_on(uow: UnitOfWork, captured: Sequence[Captured], *, asked: bool = False) -> list[Hindrance]:
    """Take every captured version as far as it may go; returns what hinders the others, unchanged.

    An edited order that its message does not prove is fetched first: only an answer tells what was edited. `asked`
    says that the channel has been asked already.
    """
    new: list[Captured] = []
    hindered: list[Hindrance] = []
    for one in captured:
        if one.became in (Became.OLDER, Became.REPEATED) or one.standing.state in orders.AT_REST:
            continue
        if one.order.cancelled_at is not None:
            order_changes.cancel(uow, one)
            _let_go(uow, one, "the channel cancelled the order")
        elif _waits_for_a_person(uow, one) or _is_only_a_test(uow, one):
            continue
        elif (error := _unproved(uow, one)) is not None:
            if not asked and error.facts.get("edited") and _may_ask(uow, one):
                orders.request_refresh(uow, one.order.ref, "the totals of an edited order", one.trail)
                continue
            hindered.append(Hindrance(captured=one, kind=HoldKind.TOTALS, error=error))
        elif one.standing.state not in orders.UNASKED:
            if (error := order_changes.follow(uow, one)) is not None:
                hindered.append(Hindrance(captured=one, kind=HoldKind.STOCK, error=error))
            else:
                _let_go(uow, one, "a newer version of the order is right")
        elif (error := _unpaid(uow, one)) is not None:
            hindered.append(Hindrance(captured=one, kind=HoldKind.PAYMENT, error=error))
        else:
            new.append(one)
    return [*hindered, *_accept(uow, new)]


def catch_up(uow: UnitOfWork, standing: Standing, trail: Trail) -> None:
    """The channel was asked and told nothing newer: what is known by now goes on, or waits with its case."""
    if standing.accepted_version < standing.version:
        hold(uow, carry_on(uow, [newest(uow, standing, trail)], asked=True))


def hold(uow: UnitOfWork, hindered: Sequence[Hindrance]) -> None:
    """Let the orders wait, each with its case."""
    for one in hindered:
        orders.hold(uow, one.captured.standing, one.kind, one.error.message, one.captured.trail)


def _accept(uow: UnitOfWork, new: Sequence[Captured]) -> list[Hindrance]:
    """Customers matched, credit asked, stock reserved for whole orders, first come first served."""
    if not new:
        return []
    trails = {one.standing.order_id: one.standing.trail(one.trail) for one in new}
    accounts = customers.match_many(uow, [_buyer(one) for one in new], list(trails.values()))
    credible, hindered = _credible(uow, list(zip(new, accounts, strict=True)))
    accepted: list[tuple[Captured, str]] = []
    for company in dict.fromkeys(one.standing.company for one, _ in credible):
        ours = [(one, account) for one, account in credible if one.standing.company == company]
        names = names_in(uow, [one.order for one, _ in ours])
        wanted = [(one.standing.order_id, goods(one.order, own)) for (one, _), own in zip(ours, names, strict=True)]
        channels = {one.standing.order_id: one.standing.channel for one, _ in ours}
        carts = {one.standing.order_id: one.order.carts for one, _ in ours if one.order.carts}
        answers = inventory.reserve_many(uow, wanted, company=company, trails=trails, channels=channels, carts=carts)
        orders.find_many(uow, [found for answer in answers for found in order_changes.waiting(answer)])
        for (one, account), answer in zip(ours, answers, strict=True):
            if isinstance(answer, Short):
                error = shortage(answer, one.standing)
                hindered.append(Hindrance(captured=one, kind=HoldKind.STOCK, error=error))
            else:
                accepted.append((one, account))
    orders.accept_many(
        uow, [Acceptable(standing=one.standing, account_id=account, trail=one.trail) for one, account in accepted]
    )
    for one, _ in accepted:
        _let_go(uow, one, "the order can go on")
    return hindered


def _credible(
    uow: UnitOfWork, known: Sequence[tuple[Captured, str]]
) -> tuple[Sequence[tuple[Captured, str]], list[Hindrance]]:
    """Orders of customers whose credit has room for them, and what hinders the others; these keep whose they are."""
    refused = credit.check(uow, known)
    if not refused:
        return known, []
    waiting = [(one, account) for one, account in known if one.standing.order_id in refused]
    orders.tie_accounts(uow, {one.standing.order_id: account for one, account in waiting})
    hindered = [
        Hindrance(captured=one, kind=HoldKind.CREDIT, error=refused[one.standing.order_id]) for one, _ in waiting
    ]
    return [(one, account) for one, account in known if one.standing.order_id not in refused], hindered


def _buyer(one: Captured) -> Buyer:
    """Who bought. A customer that the source may not tell is not a guest."""
    order, standing = one.order, one.standing
    party = order.customer or Party()
    address = order.bill_to or order.ship_to or Address()
    return Buyer(
        connection=standing.channel,
        order_key=standing.external_id,
        external_id=party.external_id,
        email=party.email or order.email,
        phone=party.phone or order.phone,
        name=f"{party.first_name} {party.last_name}".strip() or address.name,
        company=order.company.name if order.company else "",
        country=address.country_code,
        tax_ids=tuple(one.value for one in order.tax_ids),
        withheld=party.withheld,
        addresses=tuple(
            (purpose, CustomerAddress(**{name: getattr(used, name) for name in ADDRESS}))
            for purpose, used in ((Purpose.BILLING, order.bill_to), (Purpose.SHIPPING, order.ship_to))
            if used is not None and used.line1
        ),
    )


def _unproved(uow: UnitOfWork, one: Captured) -> NeedsAttention | None:
    """Why the order's totals do not reproduce, or None; what fails beside the total is a finding."""
    try:
        proof = require_proof(one.order)
    except NeedsAttention as failing:
        return failing
    findings = [
        Found(
            order_id=one.standing.order_id, code=f"orders.proof_{row.equation.lower()}",
            about=f"{row.side.value} {row.about}".strip(),
            said=f"{row.equation} on the {row.side.value} side: stated {row.stated}, its parts make {row.computed}",
        )
        for row in proof.findings
    ]  # fmt: skip
    orders.find_many(uow, findings)
    return None


def _unpaid(uow: UnitOfWork, one: Captured) -> NeedsAttention | None:
    """Why an ERP that wants its orders paid, or authorised, is not asked yet. No stock is promised meanwhile."""
    standing = one.standing
    key = f"orders:{standing.order_id}"
    for erp in uow.hub.routes.find(uow, "erp", standing.company, standing.channel, domain="orders", key=key):
        when = orders.PostWhen(uow.hub.connections.get(uow.session, erp).settings.get("post_when", "always"))
        if not orders.is_payable(one.order, when) and not _is_let_through(uow, one):
            said = (
                f"{standing.name} is {one.order.financial_status or 'not paid'}; {erp} takes orders once {when.value}"
            )
            return NeedsAttention("orders.held_payment", said, about=f"order {standing.name}")
    return None


def _is_let_through(uow: UnitOfWork, one: Captured) -> bool:
    return one.became is not Became.NEW and orders.is_waived(uow, one.standing.order_id, HoldKind.PAYMENT)


def _may_ask(uow: UnitOfWork, one: Captured) -> bool:
    return uow.hub.connections.get(uow.session, one.standing.channel).spec.offers(OrderSource)


def newest(uow: UnitOfWork, standing: Standing, trail: Trail) -> Captured:
    """A locked order at its newest version, as if it had just been told."""
    order = orders.document(uow, standing.order_id, standing.version)
    return Captured(standing=standing, order=order, became=Became.NEWER, trail=trail)


def _is_only_a_test(uow: UnitOfWork, one: Captured) -> bool:
    if not one.order.test:
        return False
    settings = uow.hub.connections.get(uow.session, one.standing.channel).settings
    if settings.get("post_test_orders", False):
        return False
    orders.find(uow, one.standing.order_id, "orders.test_order", "a test order: kept and not posted")
    return True


def _waits_for_a_person(uow: UnitOfWork, one: Captured) -> bool:
    if one.became is Became.NEW:
        return False
    return any(_needs_a_person(held) for held in orders.open_holds(uow, one.standing.order_id))


def _needs_a_person(held: OpenHold) -> bool:
    """Whoever placed a hold lifts it: what the hub placed for want of a payment ends with the payment."""
    return held.kind not in BY_RULE and (held.kind not in BY_WHOM or held.placed_by != orders.HUB)


def _let_go(uow: UnitOfWork, one: Captured, why: str) -> None:
    """End the holds of an order that goes on, or ended, and the cases that only it waited for."""
    if one.became is Became.NEW:
        return
    if orders.release_holds(uow, one.standing.order_id, "hub", why):
        replay_lane(uow, f"{resume.name}||orders:{one.standing.order_id}", "hub", why)


def look_again(uow: UnitOfWork, told: Told[OrderHeld]) -> Outcome | None:
    """A held order, tried once more: it parks here, with the case of what hinders it, until that is mended.

    An order that waits for its payment is nobody's case: the channel says so when it is paid.
    """
    standing = orders.lock(uow, told.fact.order_id)
    held = orders.open_holds(uow, standing.order_id)
    for one in held:
        if _needs_a_person(one):
            raise NeedsAttention(
                f"orders.held_{one.kind.value}", f"{standing.name} is held: {one.reason}",
                about=f"order {standing.name}", order_id=standing.order_id,
            )  # fmt: skip
    if held or standing.state is State.HELD:
        for hindrance in carry_on(uow, [newest(uow, standing, told.trail)], asked=True):
            if hindrance.kind is not HoldKind.PAYMENT:
                raise hindrance.error
    return None


def take_up(uow: UnitOfWork, order_id: str, who: str, why: str) -> None:
    """A person wants a historical order posted after all; it goes on as if it had just come in."""
    catch_up(uow, orders.take_up(uow, order_id, who, why), uow.trail)


def release(uow: UnitOfWork, order_id: str, kind: HoldKind, who: str, why: str) -> None:
    """A person lets a held order go on; it is looked at again at once."""
    orders.release_by_person(uow, order_id, kind, who, why)
    if not replay_lane(uow, f"{resume.name}||orders:{order_id}", who, why):
        catch_up(uow, orders.lock(uow, order_id), uow.trail)


def rows_of_held(uow: UnitOfWork, tolds: Sequence[Told[OrderHeld]]) -> list[Row]:
    """Orders first, then the SKUs of their goods, each in one order for everybody, as intake locks them."""
    standings = orders.lock_many(uow, {told.fact.order_id for told in tolds})
    documents = [orders.document(uow, one.order_id, one.version) for one in standings]
    named = zip(documents, names_in(uow, documents), strict=True)
    return inventory.rows_to_lock(line for document, names in named for line in goods(document, names))


resume = step("acceptance.resume", on=OrderHeld, queue="orders", do=look_again, rows=rows_of_held)

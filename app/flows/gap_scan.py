"""Gap scan: what a channel changed and never told, found by asking for all that changed, and brought in once.

Each scan begins a little before the last one ended. What was told and waits to be taken in is not missing. What is
missing is fetched as if its bell had rung. An ERP is polled every minute anyway; on demand its poll goes further back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from app.domains.orders import service as orders
from app.domains.orders.canonical import DocumentChanged
from app.domains.orders.ports import ShipmentSource
from app.flows import shipments
from app.flows.runtime import Connected, Told, step
from app.infra.acts import record_act
from app.infra.cases import end_for, open_case
from app.infra.connections import Connection
from app.infra.notices import SubscriptionsDue
from app.infra.remote.history import By, History, Listed, Span
from app.infra.remote.spec import SubscriptionKeeper
from app.infra.uow import UnitOfWork
from app.infra.watch import GapScanDue, keep_scan, scanned_until, under_way, watch_key
from app.infra.windows import WindowOpened
from app.kernel.errors import Invalid, Refused
from app.kernel.identity import Ref

GAP_SCAN = "gap_scan"
SETTLING = timedelta(minutes=2)  # what was changed just now is told just now: webhooks take seconds, some a minute
OVERLAP = timedelta(minutes=10)  # a remote stamps a change before others can see it, and clocks differ
FIRST_LOOK = timedelta(days=1)  # how far the first scan of a connection goes back
MOST_PAGES = 10  # of one call: each is a request of about a second
FEW = 3  # so many may be missed by chance; more, or any while nothing at all is told, is a case
MISSING = "gap_scan.webhooks_missing"
QUIET = "subscriptions.quiet"
NAMED = 20  # ids in a case: enough to look at some


def ask_for_scans(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    if told.fact.name != GAP_SCAN:
        return
    for _, connection in sorted(uow.hub.connections.all(uow.session).items()):
        if connection.state == "on" and connection.spec.offers(History):
            request_scan(uow, connection, why="window")


step("gap_scan.ask", on=WindowOpened, queue="bulk", do=ask_for_scans)


def request_scan(
    uow: UnitOfWork, connection: Connection, *, why: str, since: datetime | None = None, who: str = "hub"
) -> None:
    """Have a connection's gap looked for, of every kind that it lists; an ERP's documents are polled from then."""
    until = uow.hub.clock.now() - SETTLING
    if connection.spec.offers(History):
        for kind in connection.port(History).kinds:
            uow.publish(
                GapScanDue(
                    scan_key=f"{connection.name}/{kind}", connection=connection.name, kind=kind, until=until,
                    since=since, why=why, who=who,
                )
            )  # fmt: skip
    elif connection.spec.offers(ShipmentSource):
        moved = DocumentChanged(kind="sales_order", external_id="", since=since or until - FIRST_LOOK)
        shipments.request_progress(uow, connection.name, moved, uow.trail)


def ask(uow: UnitOfWork, name: str, *, since: datetime | None, who: str, why: str = "") -> None:
    """A person wants a connection scanned. Raises NotFound, Refused(`gap_scan.nothing_to_ask`), Invalid."""
    connection = uow.hub.connections.get(uow.session, name)
    if not connection.spec.offers(History) and not connection.spec.offers(ShipmentSource):
        said = f"{connection.spec.title} lists nothing that could be missing"
        raise Refused("gap_scan.nothing_to_ask", said, about=name)
    now = uow.hub.clock.now()
    if since is not None and (since.tzinfo is None or since >= now - SETTLING):
        raise Invalid(
            "gap_scan.range", f"since must be an instant with its zone and before {now - SETTLING:%Y-%m-%d %H:%M} UTC"
        )  # fmt: skip
    record_act(
        uow, who, "asked for a gap scan", kind="connection", key=name, why=why, facts={"since": str(since or "")}
    )
    request_scan(uow, connection, why="asked", since=since, who=who)


def plan_scan(uow: UnitOfWork, told: Told[GapScanDue]) -> Span | None:
    fact = told.fact
    read = scanned_until(uow, fact.connection, fact.kind)
    since = fact.since or (read - OVERLAP if read else fact.until - FIRST_LOOK)
    if since >= fact.until or (fact.why == "window" and read is not None and read >= fact.until and not fact.after):
        return None  # a later scan, or one that waited with this one, has looked there
    return Span(kind=fact.kind, by=By.UPDATED, since=since, until=fact.until)


Found = tuple[tuple[Listed, ...], str]  # what was listed, and where a further call goes on


def call_scan(connection: Connected, asked: tuple[Span, str]) -> Found:
    span, after = asked
    port = connection.port(History)
    found: list[Listed] = []
    for _ in range(MOST_PAGES):
        page = port.page(span, after)
        found += page.items
        after = page.after
        if not after:
            break
    return tuple(found), after


def plan(uow: UnitOfWork, told: Told[GapScanDue]) -> tuple[Span, str] | None:
    span = plan_scan(uow, told)
    return None if span is None else (span, told.fact.after)


def record(uow: UnitOfWork, told: Told[GapScanDue], asked: tuple[Span, str], found: Found) -> None:
    items, after = found
    missing = _missing(uow, told.fact, items)
    for external_id in missing:
        ref = Ref(connection=told.connection, external_id=external_id)
        orders.request_refresh(uow, ref, "found by the gap scan", told.trail)
    fact = replace(
        told.fact, since=asked[0].since, after=after, listed=told.fact.listed + len(items),
        missing=told.fact.missing + len(missing),
    )  # fmt: skip
    if missing:
        _tell(uow, fact, missing)
    if after:
        uow.publish(fact, told.trail)
        return
    keep_scan(uow, fact, listed=fact.listed, missing=fact.missing)
    if fact.missing or fact.who != "hub":
        facts = {"kind": fact.kind, "since": str(fact.since), "listed": fact.listed, "missing": fact.missing}
        record_act(uow, fact.who, "scanned for gaps", kind="connection", key=fact.connection, why=fact.why, facts=facts)
    if not fact.missing:
        _calm(uow, fact)


step(
    "gap_scan.look", on=GapScanDue, queue="bulk", at_fact="connection", port=History,
    plan=plan, call=call_scan, record=record,
)  # fmt: skip


def _missing(uow: UnitOfWork, fact: GapScanDue, items: tuple[Listed, ...]) -> list[str]:
    """What the hub does not know at its version, and is not just taking in."""
    newest = {one.external_id: one.version for one in items}
    known = orders.known_versions(uow, fact.connection, newest)
    unknown = {one for one, version in newest.items() if one not in known or known[one] < version}
    return sorted(unknown - under_way(uow, fact.connection, fact.kind, unknown))


def _tell(uow: UnitOfWork, fact: GapScanDue, missing: list[str]) -> None:
    """A case where it is no chance, and a look at the subscriptions at once. What a person asked for is no alarm."""
    uow.tally("gap_scan_missing", fact.connection, len(missing))
    heard = uow.sql(HEARD, {"connection": fact.connection, "since": fact.since, "until": fact.until}).fetchone()
    if fact.why == "asked" or (fact.missing <= FEW and heard):
        return
    many = (
        f"{fact.missing} of {fact.listed} {fact.kind}s" if heard else f"{fact.missing} {fact.kind}s and every webhook"
    )
    open_case(
        uow, code=MISSING, connection=fact.connection, about=fact.connection, key=watch_key(fact.connection),
        title=f"{fact.connection} did not tell of {many} that changed; they were fetched",
        facts={
            "since": str(fact.since), "until": str(fact.until), "missing": fact.missing, "listed": fact.listed,
            "some": missing[:NAMED],
        },
    )  # fmt: skip
    if uow.hub.connections.get(uow.session, fact.connection).spec.offers(SubscriptionKeeper):
        uow.publish(SubscriptionsDue(connection=fact.connection))


def _calm(uow: UnitOfWork, fact: GapScanDue) -> None:
    """Nothing was missing: silence was only silence, and where things changed they were told of again."""
    key = watch_key(fact.connection)
    if fact.why == "quiet":
        end_for(uow, QUIET, key, "the gap scan found nothing missing: nothing happened")
    if fact.listed and fact.why == "window":
        end_for(uow, MISSING, key, "all that changed since was told by webhook")


HEARD = """
SELECT 1 FROM hub.notice WHERE connection = %(connection)s AND source = 'webhook'
   AND received_at >= %(since)s AND received_at < %(until)s + interval '10 minutes' LIMIT 1
"""

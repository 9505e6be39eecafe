"""Backfill: what a connection held before, or while nobody listened, taken in by range as a run.

Each turn is one short piece of work: list a page, or read some of its objects whole. What comes is kept like a notice
and goes through intake; a thing that the hub knows at that version, or took in by a backfill before, is counted only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from marshmallow import ValidationError

from app.domains.orders import service as orders
from app.domains.orders.canonical import Order
from app.flows import history
from app.flows.backfill_wish import span_of
from app.flows.running import outside_run
from app.flows.runtime import Connected
from app.infra.cases import open_case
from app.infra.connections import Connection
from app.infra.imported import Imported, keep_imported
from app.infra.remote.history import History, Listed, Span
from app.infra.remote.history import Page as Listing
from app.infra.remote.spec import Message
from app.infra.runs.rows import Item
from app.infra.runs.work import Page, Run
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import Disposition, HubError
from app.kernel.events import Fact, event

KIND = "backfill"
SOURCE = "backfill"  # of the notices
READS = 20  # objects of one turn: each is a request or two of at most a second, and a call may take a minute
LISTED = 100  # objects of one page
NOT_OURS = (Disposition.PARK, Disposition.REJECT)  # what is wrong with one object and not with the connection
WHOLE: Mapping[str, type] = {"order": Order}  # what a body of each kind must be translated to


@event("hub.backfill_turned", version=1, key="run_id")
class BackfillTurned(Fact):
    """The next page of a backfill may be fetched."""

    run_id: str
    turn: int
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a backfill is: where the next page begins, what the last one named and nobody read yet."""

    after: str = ""
    names: tuple[tuple[str, str], ...] = ()  # (external id, version), oldest first
    ended: bool = False  # the last page has been listed
    listed: int = 0
    expected: int | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Place:
        given = {**kept, "names": tuple((str(one), str(version)) for one, version in kept.get("names", ()))}
        return cls(**given)

    def kept(self) -> dict[str, Any]:
        return {
            "after": self.after, "names": [list(one) for one in self.names], "ended": self.ended,
            "listed": self.listed, "expected": self.expected,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one call does: read these, or list the next page, or count once more at the end."""

    run: str
    span: Span
    place: Place
    read: tuple[str, ...] = ()
    bulk: bool = False
    most: int = LISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What one call brought."""

    page: Listing | None = None
    read: tuple[Listed, ...] = ()
    gone: tuple[str, ...] = ()
    wrong: tuple[Item, ...] = ()
    counted: int | None = None

    @property
    def tried(self) -> int:
        return len(self.read) + len(self.gone) + len(self.wrong)


def plan(uow: UnitOfWork, run: Run) -> Turn:
    place = Place.of(run.checkpoint)
    read = tuple(name for name, _ in place.names[: min(run.room, READS)])
    most = max(1, min(run.room, LISTED))
    return Turn(
        run=run.id, span=span_of(run.spec), place=place, read=read, bulk=bool(run.spec.get("bulk")), most=most
    )  # fmt: skip


def call(connection: Connected, turn: Turn) -> Brought:
    port = connection.port(History)
    if turn.read:
        return _read(port, turn)
    if turn.place.ended:
        return Brought(counted=port.count(turn.span))
    bulk = turn.run if turn.bulk else ""
    return Brought(page=port.page(turn.span, turn.place.after, bulk=bulk, most=turn.most))


def _read(port: History, turn: Turn) -> Brought:
    """Read object by object. A failure that may pass ends the call early; what was read before it counts."""
    read: list[Listed] = []
    gone: list[str] = []
    wrong: list[Item] = []
    for external_id in turn.read:
        try:
            found = port.read(turn.span.kind, external_id)
        except HubError as failed:
            if failed.disposition in NOT_OURS:
                wrong.append(Item(key=external_id, code=failed.code, said=failed.message))
                continue
            if read or gone or wrong:
                break
            raise
        if found is None:
            gone.append(external_id)
        else:
            read.append(found)
    return Brought(read=tuple(read), gone=tuple(gone), wrong=tuple(wrong))


def record(uow: UnitOfWork, run: Run, turn: Turn, brought: Brought) -> Page:
    if brought.page is not None:
        return _record_listing(uow, run, turn, brought.page)
    if turn.read:
        return _record_reads(uow, run, turn, brought)
    return _finish(uow, run, Dealt(place=turn.place), brought.counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """What one turn did with what came, and how far the backfill is after it."""

    place: Place
    done: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    items: Sequence[Item] = ()
    wait: float | None = None

    def page(self, **more: Any) -> Page:
        given = {"wait": self.wait} | more
        return Page(checkpoint=self.place.kept(), done=self.done, counts=self.counts, items=self.items, **given)


def _record_listing(uow: UnitOfWork, run: Run, turn: Turn, page: Listing) -> Page:
    """Keep what came whole, remember what was named only, leave out what the hub has already."""
    known = _known(uow, run.connection, page.items)
    fresh = [one for one in page.items if one.external_id not in known]
    whole = [one for one in fresh if one.body]
    counts, items = _keep(uow, run, whole)
    items += [_differs(uow, run, said, f"remark {n}") for n, said in enumerate(page.remarks)]
    place = Place(
        after=page.after,
        names=tuple((one.external_id, one.version.isoformat()) for one in fresh if not one.body),
        ended=not page.after,
        listed=turn.place.listed + len(page.items),
        expected=turn.place.expected if page.expected is None else page.expected,
    )
    done = len(known) + len(whole)
    counts |= {"known": len(known), "listed": len(page.items)}
    wait = page.wait or (None if whole else 0.0)  # to name things costs the remote little: reading them is paced
    return _go_on(uow, run, turn, Dealt(place=place, done=done, counts=counts, items=items, wait=wait))


def _record_reads(uow: UnitOfWork, run: Run, turn: Turn, brought: Brought) -> Page:
    known = _known(uow, run.connection, brought.read)
    counts, items = _keep(uow, run, [one for one in brought.read if one.external_id not in known])
    counts |= {"known": len(known), "gone": len(brought.gone)}
    place = replace(turn.place, names=turn.place.names[brought.tried :])
    dealt = Dealt(place=place, done=brought.tried, counts=counts, items=(*brought.wrong, *items))
    return _go_on(uow, run, turn, dealt)


def _go_on(uow: UnitOfWork, run: Run, turn: Turn, dealt: Dealt) -> Page:
    place, aside = dealt.place, [one for one in dealt.items if not one.found]
    if aside:
        open_case(
            uow, code="backfill.set_aside", connection=run.connection, about=f"run {run.id}",
            title=f"A backfill of {run.connection} set things aside that cannot be read", said=aside[-1].said,
            key=f"hub:{run.id}", facts={"run": run.id, "last": aside[-1].key, "code": aside[-1].code},
        )  # fmt: skip
    total = place.expected
    if place.names or not place.ended:
        return dealt.page(total=total)
    if not turn.bulk and total is not None and total != place.listed:
        return dealt.page(total=total, wait=0.0)  # things were changed meanwhile, or are missing: count again
    return _finish(uow, run, dealt, None)


def _finish(uow: UnitOfWork, run: Run, dealt: Dealt, counted: int | None) -> Page:
    """Compare what was listed with how many there are: as counted before, or again now."""
    place = dealt.place
    expected = {one for one in (place.expected, counted) if one is not None}
    said = f"{place.listed} listed" + (f" of {max(expected)}" if expected else "")
    if expected and not min(expected) <= place.listed <= max(expected):
        dealt = replace(dealt, items=(*dealt.items, _differs(uow, run, said, "count")))
    return dealt.page(total=place.listed, finished=True, said=said)


def _differs(uow: UnitOfWork, run: Run, said: str, key: str) -> Item:
    """What was expected and did not come is a finding of the run, and a case."""
    open_case(
        uow, code="backfill.count_differs", connection=run.connection, about=f"run {run.id}", said=said,
        title=f"A backfill of {run.connection} did not get all that is there: {said}", key=f"hub:{run.id}",
        facts={"run": run.id},
    )  # fmt: skip
    return Item(key=key, code="backfill.count_differs", said=said, found=True)


def _keep(uow: UnitOfWork, run: Run, came: Sequence[Listed]) -> tuple[dict[str, int], list[Item]]:
    """Keep what can be translated; what cannot is set aside."""
    connection = uow.hub.connections.get(uow.session, run.connection)
    kind = str(run.spec["kind"])
    good: list[Imported] = []
    bad: list[Item] = []
    for one in came:
        if (wrong := _wrong_with(connection, kind, one)) is not None:
            bad.append(wrong)
        else:
            good.append(
                Imported(kind=kind, object_id=one.external_id, version=one.version, topic=one.topic, body=one.body)
            )
    headers = {history.POST: str(run.spec["post"]), "run": run.id}
    if run.spec.get("history_before"):
        headers[history.BEFORE] = str(run.spec["history_before"])
    trail = Trail(correlation_id=run.id)
    fresh = keep_imported(uow, run.connection, SOURCE, good, headers, trail)
    return {"taken_in": fresh, "repeated": len(good) - fresh}, bad


def _wrong_with(connection: Connection, kind: str, one: Listed) -> Item | None:
    """What keeps a body from being read; None where it is a whole object of its kind."""
    message = Message(connection=connection.name, topic=one.topic, headers={}, body=one.body)
    try:
        value = connection.spec.topics[one.topic](message, connection.settings)
    except HubError as wrong:
        return Item(key=one.external_id, code=wrong.code, said=wrong.message)
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError) as wrong:
        return Item(key=one.external_id, code="backfill.unreadable", said=f"{type(wrong).__name__}: {str(wrong)[:300]}")
    if not isinstance(value, WHOLE[kind]):
        return Item(key=one.external_id, code="backfill.unreadable", said=f"the body is no whole {kind}")
    return None


def _known(uow: UnitOfWork, connection: str, came: Sequence[Listed]) -> set[str]:
    """What the hub has at this version or a newer one, from a webhook or otherwise."""
    versions = orders.known_versions(uow, connection, [one.external_id for one in came])
    return {one.external_id for one in came if one.external_id in versions and versions[one.external_id] >= one.version}


outside_run(
    KIND, title="Backfill", fact=BackfillTurned, port=History, plan=plan, call=call, record=record,
)  # fmt: skip

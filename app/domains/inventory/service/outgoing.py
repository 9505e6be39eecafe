"""What channels are told: which levels are due, what is tried, and what became of it.

A level is due while `wanted` is above `done`. Each change raises `wanted`, and what was told ends only what was read
before it: a change that comes meanwhile leaves the level due. Rows are locked in the order of their SKUs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domains.inventory.events import LevelsDue
from app.domains.inventory.policy.telling import GRACE, Standing, Target
from app.domains.inventory.ports import Became, LevelAnswer
from app.infra.uow import UnitOfWork

UNLISTED_FOR = timedelta(hours=1)  # what a channel does not list is looked for again after so long

MARK = """
INSERT INTO inventory.channel_level AS l (channel, sku)
SELECT channel, sku FROM unnest(%(channels)s::text[]) c(channel)
 CROSS JOIN (SELECT DISTINCT sku FROM unnest(%(skus)s::text[]) g(sku)) s ORDER BY channel, sku
    ON CONFLICT (channel, sku) DO UPDATE
   SET wanted = l.wanted + 1, due_since = CASE WHEN l.wanted > l.done THEN l.due_since ELSE now() END
"""
# A pattern of SKUs, `*` for any letters; a bundle that nobody counted by itself is offered as well.
MARK_MATCHING = """
WITH matching AS (
    SELECT sku FROM inventory.availability WHERE sku LIKE %(like)s
     UNION SELECT bundle FROM inventory.bundle_part WHERE bundle LIKE %(like)s OR component LIKE %(like)s)
INSERT INTO inventory.channel_level AS l (channel, sku)
SELECT channel, sku FROM unnest(%(channels)s::text[]) c(channel) CROSS JOIN matching ORDER BY channel, sku
    ON CONFLICT (channel, sku) DO UPDATE
   SET wanted = l.wanted + 1, due_since = CASE WHEN l.wanted > l.done THEN l.due_since ELSE now() END,
       looked_at = CASE WHEN %(anew)s THEN NULL ELSE l.looked_at END
"""
COLUMNS = "sku, wanted, sent, sent_at, owed, owed_since, trying, tried_at, trying_owed, trying_over, found, found_at"
UNANSWERED = f"""
SELECT try_key, {COLUMNS} FROM inventory.channel_level
 WHERE channel = %(channel)s AND try_key = (
       SELECT min(try_key) FROM inventory.channel_level WHERE channel = %(channel)s AND try_key <> '') ORDER BY sku
"""
DUE = f"""
SELECT {COLUMNS},
       state = 'unlisted' AND looked_at > %(now)s - %(unlisted_for)s
  FROM inventory.channel_level WHERE channel = %(channel)s AND wanted > done AND sku <> ALL(%(besides)s::text[])
 ORDER BY due_since, sku LIMIT %(most)s
"""
OWN = """
SELECT r.order_id, r.sku, sum(r.quantity)
  FROM unnest(%(skus)s::text[], %(sinces)s::timestamptz[]) w(sku, since)
  JOIN inventory.reservation r ON r.sku = w.sku AND r.state IN ('held', 'allocated') AND r.made_at > w.since
 GROUP BY 1, 2
"""
ENTANGLED = """
SELECT bundle FROM inventory.bundle_part WHERE bundle = ANY(%(skus)s)
UNION SELECT component FROM inventory.bundle_part WHERE component = ANY(%(skus)s)
"""
STRAYED = """
INSERT INTO inventory.drift (kind, other, sku, location, field, ours, theirs, cause, state, closed_at, closed_by)
SELECT 'channel', %(channel)s, sku, '', 'stock', ours, theirs, 'changed at the channel', 'corrected', now(), 'hub'
  FROM unnest(%(skus)s::text[], %(ours)s::numeric[], %(theirs)s::numeric[]) g(sku, ours, theirs)
"""
TRY = """
WITH given AS (
    SELECT * FROM unnest(%(skus)s::text[], %(quantities)s::numeric[], %(oweds)s::numeric[], %(overs)s::numeric[],
                         %(ats)s::timestamptz[]) g(sku, quantity, owed, expected, at)),
held AS MATERIALIZED (
    SELECT sku FROM inventory.channel_level WHERE channel = %(channel)s AND sku = ANY(%(skus)s)
     ORDER BY sku FOR UPDATE)
UPDATE inventory.channel_level l
   SET trying = g.quantity, tried_at = g.at, trying_owed = g.owed, trying_over = g.expected, try_key = %(key)s
  FROM given g JOIN held USING (sku) WHERE l.channel = %(channel)s AND l.sku = g.sku
"""
STANDS = """
WITH given AS (
    SELECT * FROM unnest(%(skus)s::text[], %(wanted)s::bigint[], %(quantities)s::numeric[], %(oweds)s::numeric[],
                         %(sinces)s::timestamptz[], %(ats)s::timestamptz[], %(set_ats)s::timestamptz[],
                         %(states)s::text[], %(called)s::bool[])
           g(sku, wanted, quantity, owed, since, at, set_at, state, called)),
held AS MATERIALIZED (
    SELECT sku FROM inventory.channel_level WHERE channel = %(channel)s AND sku = ANY(%(skus)s)
     ORDER BY sku FOR UPDATE)
UPDATE inventory.channel_level l
   SET done = greatest(l.done, g.wanted), state = g.state, said = '', sent = g.quantity, sent_at = g.at,
       set_at = CASE WHEN g.called THEN coalesce(g.set_at, l.set_at) ELSE l.set_at END, owed = g.owed,
       owed_since = g.since, trying = NULL, tried_at = NULL, trying_owed = 0, trying_over = NULL, try_key = '',
       found = NULL, found_at = NULL
  FROM given g JOIN held USING (sku) WHERE l.channel = %(channel)s AND l.sku = g.sku
"""
ASIDE = """
WITH given AS (
    SELECT * FROM unnest(%(skus)s::text[], %(wanted)s::bigint[], %(states)s::text[], %(saids)s::text[],
                         %(founds)s::numeric[]) g(sku, wanted, state, said, found)),
held AS MATERIALIZED (
    SELECT sku FROM inventory.channel_level WHERE channel = %(channel)s AND sku = ANY(%(skus)s)
     ORDER BY sku FOR UPDATE)
UPDATE inventory.channel_level l
   SET done = CASE WHEN g.found IS NULL THEN greatest(l.done, g.wanted) ELSE l.done END,
       state = coalesce(g.state, l.state), said = g.said, looked_at = %(at)s, trying = NULL, tried_at = NULL,
       trying_owed = 0, trying_over = NULL, try_key = '',
       sent = CASE WHEN g.state = 'unlisted' THEN NULL ELSE l.sent END,
       owed = CASE WHEN g.state = 'unlisted' THEN 0 ELSE l.owed END,
       found = coalesce(g.found, l.found), found_at = CASE WHEN g.found IS NULL THEN l.found_at ELSE %(at)s END
  FROM given g JOIN held USING (sku) WHERE l.channel = %(channel)s AND l.sku = g.sku
"""
SKIP = """
WITH given AS (SELECT * FROM unnest(%(skus)s::text[], %(wanted)s::bigint[]) g(sku, wanted)),
held AS MATERIALIZED (
    SELECT sku FROM inventory.channel_level WHERE channel = %(channel)s AND sku = ANY(%(skus)s)
     ORDER BY sku FOR UPDATE)
UPDATE inventory.channel_level l SET done = greatest(l.done, g.wanted)
  FROM given g JOIN held USING (sku) WHERE l.channel = %(channel)s AND l.sku = g.sku
"""
# Seconds are all that the channel's instants tell: what it said in the second of our own write may be after it. A row
# that is held is being told just now: the channel itself will say then what it found.
HEARD = """
WITH held AS MATERIALIZED (
    SELECT channel, sku FROM inventory.channel_level
     WHERE channel = %(channel)s AND sku = %(sku)s AND sent IS NOT NULL
       AND found IS DISTINCT FROM nullif(%(found)s, sent) AND trying IS DISTINCT FROM %(found)s
       AND (set_at IS NULL OR %(at)s >= date_trunc('second', set_at)) FOR UPDATE SKIP LOCKED)
UPDATE inventory.channel_level l SET found = nullif(%(found)s, sent), found_at = %(now)s
  FROM held WHERE l.channel = held.channel AND l.sku = held.sku
"""
SWEEP = """
WITH late AS MATERIALIZED (
    SELECT channel, sku FROM inventory.channel_level
     WHERE (owed > 0 AND owed_since <= %(before)s OR found IS NOT NULL AND found_at <= %(before)s
            OR state IN ('unlisted', 'refused') AND coalesce(looked_at, '-infinity') <= %(looked)s)
       AND wanted = done AND channel = ANY(%(channels)s)
     ORDER BY channel, sku LIMIT %(most)s FOR UPDATE)
UPDATE inventory.channel_level l SET wanted = l.wanted + 1, due_since = now()
  FROM late WHERE l.channel = late.channel AND l.sku = late.sku RETURNING l.channel
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A level as it stands at a channel, or as it is tried. `at` is when its figure was read here.

    `wanted` is how far it was read: 0 where an unanswered call is only repeated, and the level stays due.
    """

    sku: str
    wanted: int
    target: Target
    paused: bool
    at: datetime


def mark(uow: UnitOfWork, channels: Collection[str], skus: Collection[str]) -> None:
    """These SKUs may be offered differently at these channels: they are due, and the channels are told so."""
    if channels and skus:
        uow.sql(MARK, {"channels": sorted(channels), "skus": list(skus)})
        _tell(uow, channels)


def mark_matching(uow: UnitOfWork, channels: Collection[str], pattern: str, *, anew: bool = False) -> int:
    """The same for every SKU that matches a pattern; `anew` looks again for what was not listed. Returns how many."""
    if not channels:
        return 0
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    found = uow.sql(MARK_MATCHING, {"channels": sorted(channels), "like": escaped, "anew": anew}).rowcount
    _tell(uow, channels)
    return found


def due(
    uow: UnitOfWork, channel: str, most: int, besides: Collection[str] = ()
) -> tuple[list[Standing], set[str]]:  # fmt: skip
    """The levels that wait longest, at most so many, and those of them that the channel lately did not list."""
    given = {
        "channel": channel, "most": most, "besides": list(besides), "now": uow.hub.clock.now(),
        "unlisted_for": UNLISTED_FOR,
    }  # fmt: skip
    rows = uow.sql(DUE, given).fetchall()
    standings = [_standing(row) for row in rows]
    return standings, {row[0] for row in rows if row[12]}


def unanswered(uow: UnitOfWork, channel: str) -> tuple[str, list[Standing]]:
    """The key of a call that got no answer, and what it was to set; an empty key where each was answered."""
    rows = uow.sql(UNANSWERED, {"channel": channel}).fetchall()
    return (rows[0][0] if rows else ""), [_standing(row[1:]) for row in rows]


def reserved_since(uow: UnitOfWork, sinces: Mapping[str, datetime]) -> list[tuple[str, str, Decimal]]:
    """What is reserved of each SKU since its instant: (order, SKU, quantity)."""
    rows = uow.sql(OWN, {"skus": list(sinces), "sinces": list(sinces.values())})
    return [(row[0], row[1], row[2]) for row in rows]


def entangled(uow: UnitOfWork, skus: Collection[str]) -> set[str]:
    """Those that are bundles or parts of one: an order's reservation does not say which of the two was sold."""
    return {row[0] for row in uow.sql(ENTANGLED, {"skus": list(skus)})}


def report_strayed(uow: UnitOfWork, channel: str, strayed: Mapping[str, Target]) -> None:
    """Keep as findings what stood at a channel and nothing explains; the hub's figure is set over it."""
    if strayed:
        uow.sql(
            STRAYED,
            {
                "channel": channel, "skus": list(strayed), "ours": [one.quantity for one in strayed.values()],
                "theirs": [one.quantity - one.strayed for one in strayed.values()],
            },
        )  # fmt: skip
        uow.tally("stock_strayed", channel, len(strayed))


def try_levels(uow: UnitOfWork, channel: str, told: Sequence[Told], key: str) -> None:
    """These figures are about to be set by one call with this key: should no answer come, they may stand there."""
    if told:
        uow.sql(
            TRY,
            {
                "channel": channel, "skus": [one.sku for one in told], "ats": [one.at for one in told],
                "key": key, "overs": [one.target.expected for one in told],
                "quantities": [one.target.quantity for one in told], "oweds": [one.target.owed for one in told],
            },
        )  # fmt: skip


def stand(
    uow: UnitOfWork, channel: str, told: Sequence[Told], answers: Mapping[str, LevelAnswer] | None = None
) -> None:  # fmt: skip
    """These figures stand at the channel, by its `answers` or because nothing had to be changed."""
    if not told:
        return
    said = answers or {}
    uow.sql(
        STANDS,
        {
            "channel": channel, "skus": [one.sku for one in told], "wanted": [one.wanted for one in told],
            "quantities": [one.target.quantity for one in told], "oweds": [one.target.owed for one in told],
            "sinces": [one.target.owed_since for one in told], "ats": [one.at for one in told],
            "set_ats": [said[one.sku].at if one.sku in said else None for one in told],
            "states": ["paused" if one.paused else "live" for one in told], "called": [one.sku in said for one in told],
        },
    )  # fmt: skip


def put_aside(
    uow: UnitOfWork, channel: str, wanted: Mapping[str, int], answers: Sequence[LevelAnswer], at: datetime
) -> None:
    """What could not be set: unlisted and refused levels wait for the next change; stale ones stay due, as found."""
    if not answers:
        return
    states = {Became.UNLISTED: "unlisted", Became.REFUSED: "refused"}
    uow.sql(
        ASIDE,
        {
            "channel": channel, "skus": [one.sku for one in answers], "wanted": [wanted[one.sku] for one in answers],
            "states": [states.get(one.became) for one in answers], "saids": [one.said[:500] for one in answers],
            "founds": [one.found if one.became is Became.STALE else None for one in answers], "at": at,
        },
    )  # fmt: skip


def skip(uow: UnitOfWork, channel: str, standings: Sequence[Standing]) -> None:
    """Nothing is to be told of these now."""
    if standings:
        given = {"skus": [one.sku for one in standings], "wanted": [one.wanted for one in standings]}
        uow.sql(SKIP, {"channel": channel, **given})


def hear(uow: UnitOfWork, channel: str, sku: str, found: Decimal, at: datetime) -> bool:
    """A channel says what stands there. False where that is what the hub set, or is older than what it set."""
    given = {"channel": channel, "sku": sku, "found": found, "at": at, "now": uow.hub.clock.now()}
    return uow.sql(HEARD, given).rowcount > 0


def sweep(uow: UnitOfWork, channels: Collection[str], most: int) -> int:
    """Have told anew what nobody explained within the time, and looked for again what was not listed; how many."""
    now = uow.hub.clock.now()
    given = {"before": now - GRACE, "looked": now - UNLISTED_FOR, "channels": list(channels), "most": most}
    found = [row[0] for row in uow.sql(SWEEP, given)]
    _tell(uow, set(found))
    return len(found)


def _standing(row: Sequence[Any]) -> Standing:
    return Standing(
        sku=row[0], wanted=row[1], sent=row[2], sent_at=row[3], owed=row[4], owed_since=row[5], trying=row[6],
        tried_at=row[7], trying_owed=row[8], trying_over=row[9], found=row[10], found_at=row[11],
    )  # fmt: skip


def _tell(uow: UnitOfWork, channels: Collection[str]) -> None:
    for channel in sorted(channels):
        uow.publish(LevelsDue(channel=channel))

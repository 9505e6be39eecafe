"""How the console says things: the words, shapes and tones of every state; times, amounts of time, masked data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.infra.masking import masked as masked
from app.infra.masking import masked_email as masked_email
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.money import Money

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "C$", "AUD": "A$", "JPY": "¥"}


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: a shape of the sprite, a tone, a word."""

    shape: str
    tone: str
    word: str


# The one table of states: (what it is a state of, state) → its look. Shape and word always, colour third.
LOOKS: dict[tuple[str, str], Look] = {
    ("delivery", "due"): Look("due", "mute", "Due"),
    ("delivery", "retry"): Look("wait", "mute", "Waits to retry"),
    ("delivery", "behind"): Look("due", "mute", "Behind"),
    ("delivery", "running"): Look("run", "run", "Running"),
    ("delivery", "done"): Look("done", "ok", "Done"),
    ("delivery", "parked"): Look("park", "wait", "Parked"),
    ("delivery", "rejected"): Look("reject", "bad", "Rejected"),
    ("delivery", "bug"): Look("bug", "bad", "Bug"),
    ("delivery", "doubt"): Look("wait", "mute", "In doubt"),
    ("delivery", "dismissed"): Look("dismiss", "mute", "Dismissed"),
    ("delivery", "superseded"): Look("over", "mute", "Superseded"),
    ("attempt", "done"): Look("done", "ok", "Answered"),
    ("attempt", "retry"): Look("wait", "mute", "Failed, retried"),
    ("attempt", "no answer"): Look("wait", "mute", "No answer"),
    ("attempt", "waits"): Look("wait", "mute", "Waited"),
    ("attempt", "paused"): Look("paused", "wait", "Not allowed in"),
    ("attempt", "parked"): Look("park", "wait", "Needs a person"),
    ("attempt", "rejected"): Look("reject", "bad", "Refused"),
    ("attempt", "bug"): Look("bug", "bad", "Bug"),
    ("attempt", "poison"): Look("bug", "bad", "Killed its worker"),
    ("attempt", "superseded"): Look("over", "mute", "Not needed"),
    ("connection", "on"): Look("closed", "ok", "Flowing"),
    ("connection", "paused"): Look("paused", "wait", "Paused"),
    ("connection", "refused"): Look("open", "bad", "Not allowed in"),
    ("connection", "draining"): Look("work", "run", "Draining"),
    ("connection", "drained"): Look("paused", "wait", "Drained"),
    ("tax_rate", "holds"): Look("done", "ok", "Holds"),
    ("tax_rate", "coming"): Look("sched", "mute", "To come"),
    ("tax_rate", "over"): Look("over", "mute", "Over"),
    ("stock_out", "newest"): Look("done", "ok", "Newest"),
    ("stock_out", "waiting"): Look("due", "mute", "Waiting"),
    ("stock_out", "paused"): Look("paused", "wait", "Paused"),
    ("stock_out", "unlisted"): Look("over", "mute", "Not listed"),
    ("stock_out", "not_offered"): Look("over", "mute", "Not offered"),
    ("stock_out", "troubled"): Look("reject", "bad", "Refused"),
    ("prices_out", "level"): Look("done", "ok", "Shown"),
    ("prices_out", "waiting"): Look("due", "mute", "Waiting"),
    ("prices_out", "troubled"): Look("reject", "bad", "Refused"),
    ("prices_out", "not_listed"): Look("over", "mute", "Not listed"),
    ("prices_out", "no_price"): Look("over", "mute", "No price"),
    ("prices_out", "closed"): Look("paused", "wait", "Closed"),
    ("route", "live"): Look("done", "ok", "Live"),
    ("route", "shadow"): Look("over", "mute", "Shadow"),
    ("shadow", "equal"): Look("done", "ok", "Equal"),
    ("shadow", "different"): Look("reject", "bad", "Different"),
    ("shadow", "missing"): Look("wait", "mute", "Missing"),
    ("shadow", "alone"): Look("due", "mute", "Nothing to compare with"),
    ("cut_over", "equal"): Look("done", "ok", "Equal"),
    ("cut_over", "different"): Look("reject", "bad", "Different"),
    ("cut_over", "only old"): Look("risk", "wait", "Only in the old"),
    ("cut_over", "only new"): Look("risk", "wait", "Only in the new"),
    ("cut_over", "neither"): Look("dismiss", "mute", "In neither"),
    ("cut_over", "failed"): Look("bug", "bad", "Not answered"),
    ("cut_over", "asked"): Look("run", "run", "Being asked"),
    ("breaker", "closed"): Look("closed", "ok", "Closed"),
    ("breaker", "open"): Look("open", "bad", "Open"),
    ("breaker", "half_open"): Look("risk", "wait", "Trying"),
    ("breaker", "held"): Look("paused", "wait", "Held open"),
    ("case", "new"): Look("new", "wait", "New"),
    ("case", "working"): Look("work", "run", "Working"),
    ("case", "held"): Look("hold", "mute", "Waiting on others"),
    ("case", "flowing"): Look("run", "run", "Flowing again"),
    ("case", "resolved"): Look("done", "ok", "Resolved"),
    ("case", "dismissed"): Look("dismiss", "mute", "Dismissed"),
    ("order", "captured"): Look("run", "run", "Being checked"),
    ("order", "held"): Look("park", "wait", "Held"),
    ("order", "accepted"): Look("run", "run", "Being posted"),
    ("order", "posted"): Look("done", "ok", "Posted"),
    ("order", "partly_shipped"): Look("done", "ok", "Partly shipped"),
    ("order", "shipped"): Look("done", "ok", "Shipped"),
    ("order", "cancelling"): Look("run", "run", "Being cancelled"),
    ("order", "cancelled"): Look("dismiss", "mute", "Cancelled"),
    ("order", "historical"): Look("over", "mute", "History, not posted"),
    ("deadline", "waiting"): Look("due", "mute", "Waiting"),
    ("deadline", "met"): Look("done", "ok", "In time"),
    ("deadline", "missed"): Look("breach", "bad", "Missed"),
    ("deadline", "late"): Look("done", "wait", "Came late"),
    ("deadline", "called_off"): Look("dismiss", "mute", "Called off"),
    ("scan", "whole"): Look("done", "ok", "All was told"),
    ("scan", "gap"): Look("risk", "wait", "Some was not told"),
    ("subscription", "well"): Look("done", "ok", "As it should be"),
    ("subscription", "missing"): Look("breach", "bad", "Missing"),
    ("subscription", "changed"): Look("risk", "wait", "Not as it should be"),
    ("subscription", "expiring"): Look("due", "wait", "Ends soon"),
    ("subscription", "refused"): Look("hold", "mute", "Not granted"),
    ("run", "waiting"): Look("due", "run", "About to begin"),
    ("run", "running"): Look("run", "run", "Under way"),
    ("run", "stopping"): Look("hold", "wait", "Stopping"),
    ("run", "stopped"): Look("hold", "mute", "Stopped"),
    ("run", "done"): Look("done", "ok", "Done"),
    ("run", "failed"): Look("reject", "bad", "Failed"),
    ("sheet", "received"): Look("run", "run", "Under way"),
    ("sheet", "checked"): Look("due", "mute", "Checked only"),
    ("sheet", "applied"): Look("done", "ok", "In force"),
    ("sheet", "refused"): Look("reject", "bad", "Refused"),
    ("queue", "open"): Look("done", "ok", "Open"),
    ("queue", "full"): Look("risk", "wait", "Full: intake is slowed"),
    ("queue", "deferred"): Look("hold", "wait", "Deferred"),
    ("queue", "unserved"): Look("breach", "bad", "Nobody serves it"),
    ("queue", "unknown"): Look("due", "mute", "Not measured"),
    ("promise", "on_target"): Look("done", "ok", "On target"),
    ("promise", "at_risk"): Look("risk", "wait", "At risk"),
    ("promise", "breached"): Look("breach", "bad", "Breached"),
    ("promise", "unknown"): Look("due", "mute", "Nothing to measure yet"),
    ("probe", "passed"): Look("done", "ok", "Passed"),
    ("probe", "failed"): Look("reject", "bad", "Failed"),
    ("key", "on"): Look("done", "ok", "In use"),
    ("key", "revoked"): Look("dismiss", "mute", "Revoked"),
    ("key", "expired"): Look("hold", "mute", "Expired"),
    ("person", "on"): Look("done", "ok", "Active"),
    ("person", "off"): Look("dismiss", "mute", "Off"),
    ("person", "locked"): Look("paused", "wait", "Locked"),
    ("notice", "kept"): Look("done", "ok", "Kept"),
    ("product", "draft"): Look("due", "mute", "Draft"),
    ("product", "active"): Look("done", "ok", "Active"),
    ("product", "retired"): Look("over", "mute", "Retired"),
    ("listing", "none"): Look("due", "mute", "Not listed"),
    ("listing", "waiting"): Look("risk", "wait", "Waits for what is missing"),
    ("listing", "pending"): Look("run", "run", "Being listed"),
    ("listing", "live"): Look("done", "ok", "Live"),
    ("listing", "rejected"): Look("reject", "bad", "Rejected"),
    ("listing", "paused"): Look("paused", "wait", "There, not shown"),
    ("drift", "differs"): Look("risk", "wait", "Differs"),
    ("drift", "missing_here"): Look("breach", "bad", "Missing here"),
    ("drift", "missing_there"): Look("breach", "bad", "Missing there"),
    ("customer", "known"): Look("done", "ok", "Customer"),
    ("customer", "guest"): Look("due", "mute", "Guest"),
    ("customer", "withheld"): Look("hold", "mute", "Not told"),
    ("customer", "merged"): Look("over", "mute", "Merged"),
    ("customer", "erased"): Look("dismiss", "mute", "Erased"),
    ("privacy", "open"): Look("run", "run", "Under way"),
    ("privacy", "waiting"): Look("wait", "wait", "Waits"),
    ("privacy", "ready"): Look("due", "wait", "File ready"),
    ("privacy", "answered"): Look("done", "ok", "Answered"),
    ("privacy", "withdrawn"): Look("dismiss", "mute", "Withdrawn"),
}


def look(of: str, state: str) -> Look:
    """How to show a state; one that nobody described is shown by its own name, never as good."""
    return LOOKS.get((of, state)) or Look("due", "mute", state.replace("_", " ").capitalize())


def delivery_state(state: str, *, code: str | None, in_doubt: bool, attempt: int) -> str:
    """The console's word for a delivery: in doubt, waiting to retry and bug are told apart."""
    if state in ("parked", "rejected") and (code or "").startswith("bug."):
        return "bug"
    if state in ("due", "running") and in_doubt:
        return "doubt"
    return "retry" if state == "due" and attempt else state


def moment(instant: datetime | None, *, now: datetime | None = None) -> str:
    """A time as 09:04:41 today, else 27 Nov 09:04, in UTC."""
    if instant is None:
        return "—"
    today = (now or SYSTEM_CLOCK.now()).date()
    if instant.date() == today:
        return f"{instant:%H:%M:%S}"
    year = "" if instant.year == today.year else f" {instant.year}"
    return f"{instant.day} {instant:%b}{year} {instant:%H:%M}"


def lasting(span: timedelta | float | None) -> str:
    """A duration with one unit that fits: 12 ms, 0.9 s, 34 min, 5 h, 1.9 d."""
    if span is None:
        return "—"
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 129600 else f"{seconds / 86400:.1f} d"


def since(instant: datetime | None) -> str:
    """How long ago, in words."""
    return "—" if instant is None else f"{lasting(SYSTEM_CLOCK.now() - instant)} ago"


def count_of(number: int, one: str, many: str = "") -> str:
    """A number and its noun: 1 order, 23 orders, 1,690 orders."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money_words(amount: Money, *, whole: bool = False) -> str:
    """An amount as people write it: $4,812.00, or 4,812.00 SEK; `whole` leaves the cents out."""
    sign = "−" if amount.minor < 0 else ""
    units, _, cents = abs(amount).text.partition(".")
    text = f"{int(units):,}" + (f".{cents}" if cents and not whole else "")
    symbol = SYMBOLS.get(amount.currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {amount.currency}"


def worth_words(amounts: Sequence[Money]) -> str:
    """Amounts of several currencies in one phrase."""
    return " + ".join(money_words(amount, whole=True) for amount in amounts if amount)


def sentence(text: str) -> str:
    """The text with a capital at its beginning and one full stop at its end."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(". ") + "." if text else ""

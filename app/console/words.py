"""How the console says things: the words, shapes and tones of every state; times, amounts of time, masked data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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


def capped(number: int, most: int) -> str:
    """A count that was not carried on beyond `most`."""
    return f"{most - 1:,}+" if number >= most else f"{number:,}"


def masked_email(address: str) -> str:
    """r•••••@maplemail.ca: enough to recognise, too little to use."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}•••••@{domain}" if at else masked(address)


def masked(text: str) -> str:
    """A name or number of which the first letter is left."""
    return f"{text[:1]}••••" if text else ""


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

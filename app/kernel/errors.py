"""Errors are named by what happens next, not by where they were raised."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Disposition(StrEnum):
    """What the runtime does with a delivery whose step raised."""

    RETRY = "retry"  # the same input may succeed later
    VERIFY = "verify"  # the outcome is unknown: look before writing again
    WAIT = "wait"  # not now; no attempt is counted
    PAUSE = "pause"  # the connection itself is refused; its deliveries stay due
    PARK = "park"  # a person must change something first
    REJECT = "reject"  # the input is wrong and will stay wrong
    BUG = "bug"  # ours; retried, then parked


class HubError(Exception):
    """Base of every expected failure. Anything else that escapes is a bug.

    `code` is `<domain>.<what>`: stable, documented, counted. `about` says which thing the failure is about
    ("sku TEE-M"), so that one missing mapping is one case however many orders wait for it. `facts` are plain
    values a person or a remedy needs; they are stored with the case, so they hold no secret.
    """

    disposition: ClassVar[Disposition] = Disposition.REJECT
    status: ClassVar[int] = 409

    def __init__(self, code: str, message: str = "", *, about: str = "", **facts: object) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.about = about
        self.facts = facts


class Refused(HubError):
    """A business rule, or the other side, said no to this input."""


class Invalid(HubError):
    """The input breaks a rule of its form: `facts["errors"]` names field, rule and fix."""

    status = 422


class NotFound(HubError):
    """The thing that was asked for is not here."""

    status = 404


class Forbidden(HubError):
    """The caller is known and may not do this."""

    status = 403


class Unauthenticated(HubError):
    """The caller did not prove who it is."""

    status = 401


class Transient(HubError):
    """The same call may succeed later; nothing was changed at the other side."""

    disposition = Disposition.RETRY
    status = 503

    def __init__(
        self, code: str, message: str = "", *, retry_after: float | None = None, about: str = "", **facts: object
    ) -> None:
        super().__init__(code, message, about=about, **facts)
        self.retry_after = retry_after


class Ambiguous(HubError):
    """A write left our process and no answer came back."""

    disposition = Disposition.VERIFY
    status = 502


class Waits(HubError):
    """Not now: a breaker is open, a quota is used up, a parent is not known yet. `seconds` says when to look again."""

    disposition = Disposition.WAIT
    status = 503

    def __init__(self, code: str, message: str = "", *, seconds: float, about: str = "", **facts: object) -> None:
        super().__init__(code, message, about=about, **facts)
        self.seconds = seconds


class Unauthorised(HubError):
    """The remote refuses the connection itself: dead token, uninstalled app, retired version."""

    disposition = Disposition.PAUSE
    status = 502


class NeedsAttention(HubError):
    """Parked until somebody follows docs/runbooks/<code>.md."""

    disposition = Disposition.PARK
    status = 422


class Superseded(HubError):
    """Older than what is already known: the delivery ends `superseded` and has no effect."""

    status = 409


class Echo(Superseded):
    """A report of what the hub itself wrote: the delivery ends `superseded` with code `…echo`."""

"""Whether an arrival is signed by somebody who knows a current secret."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from app.kernel.errors import HubError


class BadSignature(HubError):
    """The arrival is not signed by any current secret of the connection, or is meant for another one."""

    status = 401


class WrongTopic(HubError):
    """The path names another topic than the remote's own header or body does."""

    status = 400


def matches_any(given: str, secrets: Iterable[str], sign: Callable[[str], str]) -> bool:
    """Whether `given` is what `sign` makes of one of the secrets. Every secret is tried, each in constant time.

    An empty secret never matches, and neither does an empty signature: a connection without a secret lets nobody in.
    """
    claimed = given.encode("utf-8", "surrogateescape")
    matched = False
    for secret in secrets:
        expected = sign(secret).encode() if secret else b""
        matched |= hmac.compare_digest(claimed, expected) and bool(expected)
    return matched

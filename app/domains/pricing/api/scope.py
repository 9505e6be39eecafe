"""Who may read and change prices: a key that is bound to a connection may do neither, since prices belong to none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from app.infra.web.auth import current_principal, require_scope
from app.kernel.errors import Forbidden

P = ParamSpec("P")
R = TypeVar("R")


def price_scope(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run for a key with `scope` that is bound to no connection."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*given: P.args, **named: P.kwargs) -> R:
            bound = current_principal().connection
            if bound:
                raise Forbidden("auth.other_connection", f"this key is for {bound!r} alone; prices are for all")
            return view(*given, **named)

        return require_scope(scope)(guarded)

    return decorate

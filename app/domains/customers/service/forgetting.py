"""What was erased stays erased: customers and orders are recognised when they come back, by a keyed hash of their name.

The key is random, sealed under HUB_SECRET_KEY and sealed again when that is rotated. Without the key nobody can try
names against the hashes.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from datetime import datetime

from app.infra.resealing import SEALED, Sealed
from app.infra.uow import UnitOfWork

NAME, OWNER = "erased", "forgetting {key}"
SEALED.append(
    Sealed(
        table="customers.forgetting_key", key="name", column="sealed", kind="privacy", owner=OWNER,
        named="the key by which erased customers are recognised",
    )
)  # fmt: skip
KEY = "SELECT sealed FROM customers.forgetting_key WHERE name = %(name)s"
MAKE = """
INSERT INTO customers.forgetting_key (name, sealed) VALUES (%(name)s, %(sealed)s) ON CONFLICT DO NOTHING
"""
REMEMBER = """
INSERT INTO customers.forgotten (fingerprint, at) SELECT f, %(at)s FROM unnest(%(prints)s::text[]) g(f) ORDER BY f
ON CONFLICT (fingerprint) DO UPDATE SET at = excluded.at
"""
ERASED_AT = "SELECT fingerprint, at FROM customers.forgotten WHERE fingerprint = ANY(%(prints)s::text[])"

Named = tuple[str, str, str]  # what it is: a kind of binding or `order`; the connection; its id there


def remember_erased(uow: UnitOfWork, named: Collection[Named]) -> None:
    """Recognise these from now on, should a message bring them back."""
    if not named:
        return
    key = _key(uow)
    if key is None:
        made = uow.hub.vault.seal({"key": secrets.token_hex(32)}, OWNER.format(key=NAME))
        uow.sql(MAKE, {"name": NAME, "sealed": made})
        key = _key(uow)
    assert key is not None, "somebody made it, if not we"
    uow.sql(REMEMBER, {"at": uow.hub.clock.now(), "prints": [_fingerprint(key, one) for one in named]})


def erased_at(uow: UnitOfWork, named: Collection[Named]) -> dict[Named, datetime]:
    """When those of these that were erased were. Where nothing ever was, this is one look at an empty table."""
    key = _key(uow) if named else None
    if key is None:
        return {}
    prints = {_fingerprint(key, one): one for one in named}
    return {prints[found]: at for found, at in uow.sql(ERASED_AT, {"prints": list(prints)})}


def _key(uow: UnitOfWork) -> bytes | None:
    row = uow.sql(KEY, {"name": NAME}).fetchone()
    return bytes.fromhex(uow.hub.vault.open(row[0], OWNER.format(key=NAME))["key"]) if row else None


def _fingerprint(key: bytes, named: Named) -> str:
    return hmac.digest(key, "\0".join(named).encode(), "sha256").hex()

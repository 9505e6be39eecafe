"""Secrets at rest: AES-256-GCM, bound to the connection or request they belong to, under keys that can be rotated.

A sealed value is `<key id, 4 bytes><nonce, 12 bytes><ciphertext>`; its owner's name is authenticated with it, so a
value copied to another row does not open. Columns that hold such values are declared in `app/infra/resealing.py`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.kernel.errors import NeedsAttention

ID_BYTES, NONCE_BYTES = 4, 12


class Vault:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        derived = [hashlib.sha256(b"roundhouse secrets " + key.encode()).digest() for key in keys if key]
        if not derived:
            raise ValueError("HUB_SECRET_KEY is empty; secrets cannot be stored without a key")
        self._keys = {hashlib.sha256(key).digest()[:ID_BYTES]: AESGCM(key) for key in derived}
        self._first = next(iter(self._keys))

    def is_present(self, sealed: bytes) -> bool:
        """Whether it was sealed with the first key."""
        return sealed[:ID_BYTES] == self._first

    def seal(self, values: Mapping[str, Any], owner: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = json.dumps(values).encode()
        return self._first + nonce + self._keys[self._first].encrypt(nonce, plain, owner.encode())

    def open(self, sealed: bytes, owner: str) -> dict[str, Any]:
        key = self._keys.get(sealed[:ID_BYTES])
        nonce, rest = sealed[ID_BYTES : ID_BYTES + NONCE_BYTES], sealed[ID_BYTES + NONCE_BYTES :]
        try:
            if key is None:
                raise InvalidTag
            return cast(dict[str, Any], json.loads(key.decrypt(nonce, rest, owner.encode())))
        except InvalidTag as wrong:
            raise NeedsAttention(
                "connections.secrets_unreadable",
                f"the secrets of {owner} were sealed with another HUB_SECRET_KEY; enter them again",
                about=owner,
            ) from wrong

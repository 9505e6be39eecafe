"""What Business Central would answer to a write of a shadow: so much that the call can go on to its document.

A customer that is new there is answered as if it had been made. Any other write ends a shadow's call: what would come
of it, only Business Central can tell.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from app.infra.remote.client import Reply

CUSTOMERS = "/customers"


def imagined(method: str, path: str, body: Any) -> Reply | None:
    """The answer to `POST …/customers`; the id is made from the body, the same at every attempt."""
    if method != "POST" or not path.endswith(CUSTOMERS) or not isinstance(body, dict):
        return None
    made = {"number": "", **body, "id": str(uuid5(NAMESPACE_URL, json.dumps(body, sort_keys=True)))}
    return Reply(201, {"content-type": "application/json"}, json.dumps(made).encode())

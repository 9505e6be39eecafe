"""Four shops that keep the stock of one place each: `python -m bench.fan_out_remote PORT`.

POST /<shop>/admin/api/… sets levels over what was expected of them, after 20 ms, and refuses the stale ones by their
place in the list, as Shopify does. GET /<shop> answers how many levels were set and what stands there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from typing import Any

SECONDS = 0.020
STARTS_WITH = 100
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Shop:
    """What stands at one shop, by item, and how often it was told."""

    def __init__(self) -> None:
        self.levels: dict[str, int] = {}
        self.sets = self.calls = self.stale = 0

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "mutation SetLevels" in asked["query"]:
            return {"inventorySetQuantities": self._set(asked["variables"]["input"]["quantities"])}
        if "query Levels(" in asked["query"]:
            return {"nodes": [self._node(item) for item in asked["variables"]["ids"]]}
        if "query LevelsBySku(" in asked["query"]:  # of the goods that the orders sell: these shops list none of them
            return {"inventoryItems": {"nodes": []}}
        raise ValueError(asked["query"][:80])

    def _set(self, wanted: list[dict[str, Any]]) -> dict[str, Any]:
        self.calls += 1
        errors = [
            {"field": ["input", "quantities", str(n)], "message": "stale", "code": "CHANGE_FROM_QUANTITY_STALE"}
            for n, one in enumerate(wanted)
            if one["changeFromQuantity"] not in (None, self._level(one["inventoryItemId"]))
        ]
        self.stale += len(errors)
        if not errors:
            self.sets += len(wanted)
            self.levels.update({one["inventoryItemId"]: one["quantity"] for one in wanted})
        group = None if errors else {"createdAt": "2026-11-20T08:00:00Z"}
        return {"inventoryAdjustmentGroup": group, "userErrors": errors}

    def _level(self, item: str) -> int:
        return self.levels.get(item, STARTS_WITH)

    def _node(self, item: str) -> dict[str, Any]:
        return {"id": item, "sku": "", "inventoryLevel": {"quantities": [{"quantity": self._level(item)}]}}

    def told(self) -> dict[str, Any]:
        levels = {item.rpartition("/")[2]: level for item, level in self.levels.items()}
        return {"sets": self.sets, "calls": self.calls, "stale": self.stale, "levels": levels}


class Exchange(asyncio.Protocol):
    """One kept connection. Requests on it come one after the other."""

    def __init__(self, shops: dict[str, Shop]) -> None:
        self._shops, self._read = shops, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, rest = self._read.partition(HEAD_END)
        lines = head.split(b"\r\n")
        length = next((int(line[len(LENGTH) :]) for line in lines if line.lower().startswith(LENGTH)), 0)
        if not found or len(rest) < length:
            return
        self._read = b""
        shop = self._shops.setdefault(lines[0].split(b"/")[1].split(b" ")[0].decode(), Shop())
        if lines[0].startswith(b"GET"):
            self._answer(shop.told())
            return
        answer = {"data": shop.answer(json.loads(rest[:length]))}
        asyncio.get_running_loop().call_later(SECONDS, partial(self._answer, answer))

    def _answer(self, body: dict[str, Any]) -> None:
        said = json.dumps(body).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(said)}\r\n\r\n"
        self._transport.write(head.encode() + said)


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    shops: dict[str, Shop] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Exchange(shops), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

"""The sandbox's own books: every document it ever held, as the vendors' own documents, over restarts too.

A change is one line of a journal, [[collection, key, document], ...], written and flushed before it can be seen.
A line that a kill tore is the last one and is left out at the next start.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from app.sandbox.web import Answer, Request, Unreadable, decode, encode, json_answer, refusal

Document = Mapping[str, Any]
Change = tuple[str, str, Document]

JOURNAL = "books.jsonl"
SENT_KEPT = 20_000  # webhooks are a log, not documents: the last ones tell a test enough
_ROOM = 20_000  # superseded versions that a journal may hold before it is written anew


class Books:
    """Documents by collection and key. A document is never changed in place: a new version replaces it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._collections: dict[str, dict[str, tuple[int, Document]]] = {}
        self._serial = 0
        self._nested: dict[str, tuple[str, str]] = {}
        self._calls: dict[str, dict[str, int]] = {}
        self._sent: deque[Document] = deque(maxlen=SENT_KEPT)
        self._path = folder / JOURNAL if folder is not None else None
        self._journal: TextIO | None = None
        self._lines = 0
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._replay(self._path)
            self._compact(self._path)

    def write(self, changes: Sequence[Change]) -> None:
        """Keep new versions of documents, all of them or none."""
        if not changes:
            return
        with self._lock:
            if self._journal is not None and self._path is not None:
                self._journal.write(encode(changes) + "\n")
                self._journal.flush()
                self._lines += len(changes)
            self._apply(changes)
            if self._path is not None and self._lines > 2 * self._size() + _ROOM:
                self._compact(self._path)

    def keep(self, collection: str, key: str, document: Document) -> None:
        """Keep a new version of one document."""
        self.write([(collection, key, document)])

    def read(self, collection: str, key: str) -> Document | None:
        """Return a document, None when it was never held."""
        held = self._collections.get(collection, {}).get(key)
        return held[1] if held else None

    def documents(self, collection: str, *, since: int = 0) -> list[Document]:
        """Return a collection's documents in the order they first came, those changed after serial `since`."""
        with self._lock:
            return [document for serial, document in self._collections.get(collection, {}).values() if serial > since]

    def collections(self) -> list[str]:
        """Return the names of all collections held."""
        with self._lock:
            return list(self._collections)

    def nest(self, parent: str, child: str, by: str) -> None:
        """Show `child` documents inside the `parent` whose `id` their field `by` names, but those taken out of it."""
        self._nested[parent] = (child, by)

    def called(self, vendor: str, operation: str) -> None:
        """Count one call of a vendor's operation."""
        with self._lock:
            counts = self._calls.setdefault(vendor, {})
            counts[operation] = counts.get(operation, 0) + 1

    def calls(self, vendor: str) -> dict[str, int]:
        """Return how often each operation of a vendor was called since the process started."""
        with self._lock:
            return dict(self._calls.get(vendor, {}))

    def sent(self, record: Document) -> None:
        """Log one webhook that went out, with its answer."""
        self._sent.append(record)

    def everything(self) -> dict[str, Any]:
        """Return all collections, with the counts of calls and the webhooks sent."""
        with self._lock:
            shown: dict[str, Any] = {name: self._shown(name, 0) for name in self._collections}
            shown["calls"] = {vendor: dict(counts) for vendor, counts in self._calls.items()}
            shown["webhooks"] = list(self._sent)
            return shown

    def answer(self, request: Request) -> Answer:
        """Answer GET /_books and GET /_books/<collection>, `?since=<serial>` and `?count=1` for those that poll."""
        if request.method != "GET":
            return refusal(405, "The books are read only: GET.")
        collection = request.path.partition("/")[2]
        if not collection:
            return json_answer(self.everything())
        if collection in {"calls", "webhooks"}:
            return json_answer(self.everything()[collection])
        parameters = request.parameters()
        if "count" in parameters:
            return json_answer({"count": len(self._collections.get(collection, {}))})
        if "since" not in parameters:
            return json_answer(self._shown(collection, 0))
        if not parameters["since"].isdigit():
            raise Unreadable("since is a serial number that an earlier answer gave, or 0.")
        with self._lock:
            return json_answer({"serial": self._serial, "value": self._shown(collection, int(parameters["since"]))})

    def close(self) -> None:
        """Close the journal; the books can still be read."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def _shown(self, collection: str, since: int) -> list[Document]:
        with self._lock:
            documents = self.documents(collection, since=since)
            if collection not in self._nested:
                return documents
            child, by = self._nested[collection]
            rows: dict[str, list[Document]] = {}
            for row in self.documents(child):
                if row.get("_because") != "removed":
                    rows.setdefault(str(row[by]), []).append(row)
            return [{**document, child: rows.get(str(document["id"]), [])} for document in documents]

    def _apply(self, changes: Iterable[Change]) -> None:
        self._serial += 1
        for collection, key, document in changes:
            self._collections.setdefault(collection, {})[key] = (self._serial, document)

    def _size(self) -> int:
        return sum(len(documents) for documents in self._collections.values())

    def _replay(self, path: Path) -> None:
        if not path.exists():
            return
        with path.open("r", encoding="utf-8", errors="replace") as journal:
            for line in journal:
                if not line.endswith("\n"):
                    break
                self._apply([(collection, key, document) for collection, key, document in decode(line)])

    def _compact(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as journal:
            for collection, documents in self._collections.items():
                for key, (_, document) in documents.items():
                    journal.write(encode([(collection, key, document)]) + "\n")
        os.replace(fresh, path)
        if self._journal is not None:
            self._journal.close()
        self._journal = path.open("a", encoding="utf-8")
        self._lines = self._size()

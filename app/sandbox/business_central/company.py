"""One company's tables, and changes to them that happen whole or not at all."""

from __future__ import annotations

import threading
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.sandbox import moment
from app.sandbox.books import Books
from app.sandbox.business_central.entities import ENTITIES, INDEXED, shelf
from app.sandbox.business_central.errors import not_found
from app.sandbox.business_central.properties import BLANK_ID
from app.sandbox.companies import CompanySpec
from app.sandbox.web import encode

Document = Mapping[str, Any]
# created, updated or deleted, with the last version, by entity set and id
Kinds = Mapping[tuple[str, str], tuple[str, Document]]
Committed = Callable[["Company", Kinds], None]


class Row:
    """One version of a record: its document, and the text that is served, written once."""

    __slots__ = ("_text", "document")

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The record as JSON, without what only the sandbox knows."""
        if self._text is None:
            self._text = encode({name: value for name, value in self.document.items() if name[0] != "_"})
        return self._text

    def __getitem__(self, name: str) -> Any:
        return self.document[name]


class Table:
    """The records of one entity set, in the order they came, indexed by what they are found by."""

    def __init__(self, indexed: tuple[str, ...]) -> None:
        self.rows: dict[str, Row] = {}
        self._indexes: dict[str, dict[Any, dict[str, None]]] = {name: {} for name in indexed}

    def put(self, key: str, row: Row | None) -> None:
        """Put a version of a record in, or take the record out (None)."""
        before = self.rows.get(key)
        for name, index in self._indexes.items():
            if before is not None and (row is None or before[name] != row[name]):
                index[before[name]].pop(key, None)
            if row is not None and (before is None or before[name] != row[name]):
                index.setdefault(row[name], {})[key] = None
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row

    def where(self, name: str, value: Any) -> list[Row]:
        """Return the records with one value, by index where there is one."""
        index = self._indexes.get(name)
        if index is None:
            return [row for row in self.rows.values() if row[name] == value]
        return [self.rows[key] for key in index.get(value, ())]

    def find(self, equal: Mapping[str, Any]) -> Iterable[Row]:
        """Return the records that may have these values: fewer than all where an index helps."""
        for name, value in equal.items():
            if name == "id":
                row = self.rows.get(value)
                return [row] if row is not None else []
            if name in self._indexes:
                return self.where(name, value)
        return self.rows.values()


class Company:
    """One company of one environment of one tenant."""

    def __init__(self, spec: CompanySpec, books: Books, committed: Committed) -> None:
        self.spec = spec
        self.id = spec.id
        self.lock = threading.RLock()
        self.tables = {name: Table(INDEXED.get(name, ())) for name in ENTITIES if name != "companies"}
        self._books = books
        self._committed = committed
        self._numbers: dict[str, Iterator[int]] = {}
        self._version = 0

    def change(self) -> Change:
        """Begin a change: `with company.change() as change`. It holds the company until it is done or undone."""
        return Change(self)

    def row(self, set_name: str, key: str) -> Row:
        """Return a record. Raises Refusal when there is none."""
        row = self.tables[set_name].rows.get(key)
        if row is None:
            raise not_found(ENTITIES[set_name].name, key)
        return row

    def first(self, set_name: str, name: str, value: Any) -> Row | None:
        """Return the first record with a value, None when there is none."""
        rows = self.tables[set_name].where(name, value)
        return rows[0] if rows else None

    def restore(self) -> None:
        """Take the records of an earlier process over."""
        for set_name, table in self.tables.items():
            for document in self._books.documents(shelf(set_name)):
                if document.get("_company") == self.id and not document.get("_deleted"):
                    table.put(document["id"], Row(document))

    def next_number(self, series: str, set_name: str, name: str = "number") -> str:
        """Return the next number of a series such as `SO`: SO-1001, SO-1002, …, never one that was ever used."""
        if series not in self._numbers:
            given = (str(each[name]) for each in self._books.documents(set_name) if each.get("_company") == self.id)
            ends = (number.removeprefix(f"{series}-") for number in given if number.startswith(f"{series}-"))
            used = [int(end) for end in ends if end.isdigit()]
            self._numbers[series] = iter(range(max([1000, *used]) + 1, 10**9))
        return f"{series}-{next(self._numbers[series])}"

    def next_entry(self, set_name: str) -> int:
        """Return the next number of an entry."""
        rows = self.tables[set_name].rows
        return int(rows[next(reversed(rows))]["entryNumber"]) + 1 if rows else 1

    def version(self) -> int:
        """Return a row version that no earlier record or process had."""
        self._version = max(self._version + 1, time.time_ns())
        return self._version

    def settle(self, kinds: Kinds) -> None:
        """Write a change into the books and tell who listens."""
        self._books.write([(shelf(set_name), key, document) for (set_name, key), (_, document) in kinds.items()])
        self._committed(self, kinds)


class Change:
    """What one request changes: seen at once inside, kept at the end, undone on a refusal."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.instant = ""
        self._before: dict[tuple[str, str], Row | None] = {}
        self._gone: dict[tuple[str, str], Document] = {}

    def __enter__(self) -> Change:
        self.company.lock.acquire()
        self.instant = moment.text(moment.now())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            if kind is None:
                self.commit()
            else:
                self.undo()
        finally:
            self.company.lock.release()

    def insert(self, set_name: str, settings: Mapping[str, Any], **private: Any) -> Row:
        """Add a record: blank, then as set, with an id of its own where none is given."""
        document = {**ENTITIES[set_name].blank(), **settings}
        if document["id"] == BLANK_ID:
            document["id"] = str(uuid.uuid4())
        return self._put(set_name, {**document, "_company": self.company.id, **private})

    def update(self, set_name: str, row: Row, settings: Mapping[str, Any]) -> Row:
        """Replace a record by a version with these settings; nothing happens when they change nothing."""
        document = row.document
        if all(document.get(name) == value for name, value in settings.items()):
            return row
        return self._put(set_name, {**document, **settings})

    def remove(self, set_name: str, row: Row, because: str) -> None:
        """Take a record out; the books keep it with a mark and the reason."""
        key = row["id"]
        self._remember(set_name, key)
        self._gone[set_name, key] = {**row.document, "_deleted": True, "_because": because}
        self.company.tables[set_name].put(key, None)

    def undo(self) -> None:
        """Put everything back as it was before the change."""
        for (set_name, key), row in self._before.items():
            self.company.tables[set_name].put(key, row)
        self._before.clear()
        self._gone.clear()

    def _put(self, set_name: str, document: dict[str, Any]) -> Row:
        key = document["id"]
        self._remember(set_name, key)
        if "lastModifiedDateTime" in document:
            document["lastModifiedDateTime"] = self.instant
        tag = b64encode(f"19;{self.company.version()};1;00;".encode()).decode()
        document["@odata.etag"] = f'W/"{tag}"'
        row = Row(document)
        self.company.tables[set_name].put(key, row)
        return row

    def _remember(self, set_name: str, key: str) -> None:
        if (set_name, key) not in self._before:
            self._before[set_name, key] = self.company.tables[set_name].rows.get(key)

    def commit(self) -> None:
        """Keep everything so far: what posting does inside a batch of requests."""
        kinds: dict[tuple[str, str], tuple[str, Document]] = {}
        for (set_name, key), before in self._before.items():
            row = self.company.tables[set_name].rows.get(key)
            if row is not None:
                kinds[set_name, key] = ("created" if before is None else "updated", row.document)
            elif before is not None:
                kinds[set_name, key] = ("deleted", self._gone[set_name, key])
        self._before.clear()
        self._gone.clear()
        if kinds:
            self.company.settle(kinds)

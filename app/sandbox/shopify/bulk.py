"""Bulk operations: a query over whole lists, run a little later, its answer a file of JSON lines.

Source: shopify.dev, "Perform bulk operations with the GraphQL Admin API": each node of a connection is a line, one
inside another names it by `__parentId` and comes after it; at most five connections, none inside a list; the file lies
at an address of its own, which a signature opens and no token.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import FieldNode, GraphQLList, GraphQLNonNull, TypeInfo, TypeInfoVisitor, Visitor, visit

from app.sandbox.books import Document
from app.sandbox.shopify.execution import Invalid, Preparation, Prepared
from app.sandbox.shopify.mutations import Mutations, Payload, mutation
from app.sandbox.shopify.records import changes_of, number_of
from app.sandbox.shopify.store import Rejected, Store
from app.sandbox.shopify.views import Arguments, Fields, Query, View, identity
from app.sandbox.web import Answer, Request, Unreadable, encode, refusal

SECONDS = 0.2  # long enough that a caller who believes the answer at once is wrong
FILES = "shopify_files"  # stands for the storage host of the real shop
MOST_CONNECTIONS = 5
_AT_ONCE = {"2025-10": 1}  # before 2026-01 one at a time, five since
_AT_WORK = frozenset({"CREATED", "RUNNING"})
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_SWITCHES = frozenset({"seconds", "fail", "lose", "ignore_range"})


class Bulk:
    """Runs bulk queries on one thread, in their order. What a stop left undone stays RUNNING.

    Switches: `fail` ends operations with an error code, `lose` leaves so many lines out of their files, `ignore_range`
    answers a file whole.
    """

    def __init__(self, store: Store) -> None:
        self.seconds, self.fail, self.lose, self.ignore_range = SECONDS, "", 0, False
        self.preparation: Preparation | None = None
        self._store = store
        self._files: dict[int, tuple[str, bytes]] = {}
        self._wake = threading.Condition()
        self._stopped = False
        self._waiting: list[tuple[Document, Prepared]] = []
        self._thread = threading.Thread(target=self._run, name="shop-bulk", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the operation under way."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def switch(self, wishes: Mapping[str, Any]) -> Document:
        """Set switches by name."""
        if unknown := sorted(set(wishes) - _SWITCHES):
            raise Unreadable(f"Bulk operations have no {unknown[0]}; they have {', '.join(sorted(_SWITCHES))}.")
        for name, value in wishes.items():
            setattr(self, name, value)
        return {name: getattr(self, name) for name in sorted(_SWITCHES)}

    def begin(self, arguments: Arguments, query: Query) -> Payload:
        """Accept a query, or say why not."""
        prepared = self._prepared(arguments["query"], query.version)
        records = self._store.records
        with records.lock:
            at_work = [each for each in records.all("bulkOperations") if each["status"] in _AT_WORK]
            if len(at_work) >= _AT_ONCE.get(query.version, MOST_CONNECTIONS):
                said = f"A bulk query operation for this app and shop is already in progress: {at_work[0]['id']}."
                raise Rejected(said, code="OPERATION_IN_PROGRESS")
            document = {
                "id": records.next_id(), "status": "CREATED", "type": "QUERY", "query": arguments["query"],
                "created_at": self._store.now(), "completed_at": None, "error_code": None, "object_count": 0,
                "root_object_count": 0, "file_size": None, "version": query.version,
            }  # fmt: skip
            records.write(changes_of("bulkOperations", [document]))
        with self._wake:
            self._waiting.append((document, prepared))
            self._wake.notify_all()
        return {"bulk_operation": View("BulkOperation", document)}

    def url(self, view: View, arguments: Arguments, query: Query) -> str | None:
        """The address of an operation's file; none where nothing was found."""
        number = view.document["id"]
        if number not in self._files or not view.document["object_count"]:
            return None
        return f"http://{self._store.host}/{FILES}/bulk-{number}.jsonl?signature={self._files[number][0]}"

    def answer(self, request: Request) -> Answer:
        """Answer GET of a file, or of a range of its bytes."""
        return self._store.faults.around("shopify", "file bulk", lambda: self._file(request), _refused)

    def _file(self, request: Request) -> Answer:
        number = request.path.rpartition("/bulk-")[2].removesuffix(".jsonl")
        signature, text = self._files.get(int(number) if number.isdigit() else 0, ("", b""))
        if not signature or request.parameters().get("signature") != signature:
            return refusal(403, "The signature does not fit.")
        found = _RANGE.fullmatch(request.header("Range") or "")
        if found is None or self.ignore_range:
            return Answer(body=text, headers=(("Content-Type", "application/jsonl"),))
        start, end = int(found[1]), min(int(found[2]), len(text) - 1)
        if start >= len(text):
            return Answer(status=416, body=b"", headers=(("Content-Range", f"bytes */{len(text)}"),))
        headers = (("Content-Type", "application/jsonl"), ("Content-Range", f"bytes {start}-{end}/{len(text)}"))
        return Answer(status=206, body=text[start : end + 1], headers=headers)

    def _prepared(self, text: str, version: str) -> Prepared:
        assert self.preparation is not None
        try:
            prepared = self.preparation.prepare(version, text, None)
        except Invalid as invalid:
            raise Rejected(f"Invalid bulk query: {invalid}", "query", code="INVALID") from invalid
        counter = _Connections(TypeInfo(prepared.schema))
        visit(prepared.document, TypeInfoVisitor(counter.types, counter))
        if not counter.found:
            raise Rejected("Bulk queries must contain at least one connection.", "query", code="INVALID")
        if counter.found > MOST_CONNECTIONS:
            raise Rejected("Bulk queries cannot contain more than 5 connections.", "query", code="INVALID")
        if counter.in_list:
            said = "Queries that contain a connection field within a list field are not currently supported."
            raise Rejected(said, "query", code="INVALID")
        return prepared

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._stopped:
                    self._wake.wait()
                if self._wake.wait_for(lambda: self._stopped, self.seconds):
                    return
                document, prepared = self._waiting.pop(0)
            self._do(document, prepared)

    def _do(self, document: Document, prepared: Prepared) -> None:
        rows = list(_rows(_executed(prepared, Query(store=self._store, version=document["version"], bulk=True))))
        outcome: dict[str, Any] = {"completed_at": self._store.now(), "status": "COMPLETED"}
        if self.fail:
            outcome |= {"status": "FAILED", "error_code": self.fail}
        else:
            text = "".join(f"{encode(row)}\n" for row in rows[: len(rows) - self.lose]).encode()
            self._files[document["id"]] = (uuid.uuid4().hex, text)
            roots = sum("__parentId" not in row for row in rows)
            outcome |= {"object_count": len(rows), "root_object_count": roots, "file_size": len(text)}
        self._store.records.write(changes_of("bulkOperations", [{**document, **outcome}]))


def _executed(prepared: Prepared, query: Query) -> dict[str, Any]:
    none = prepared.variables({})
    return {
        step.key: step.complete(step.resolve(None, step.read(none), query), none, query)
        for step in prepared.plan(none).steps
    }


class _Connections(Visitor):
    """Counts the connections of a document and finds one inside a list."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types, self.found, self.in_list = types, 0, False
        self._lists: list[bool] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        type_: Any = self.types.get_type()
        listed = False
        while isinstance(type_, GraphQLNonNull | GraphQLList):
            listed, type_ = listed or isinstance(type_, GraphQLList), type_.of_type
        if getattr(type_, "name", "").endswith("Connection"):
            self.found += 1
            self.in_list = self.in_list or any(self._lists)
        self._lists.append(listed and node.name.value not in {"edges", "nodes"})

    def leave_field(self, *_: Any) -> None:
        self._lists.pop()


def _rows(data: Mapping[str, Any], parent: str = "") -> Iterator[dict[str, Any]]:
    """The nodes of every connection, each followed by those inside it."""
    for value in data.values():
        if _is_connection(value):
            for edge in value["edges"]:
                node = edge["node"]
                own = {name: one for name, one in node.items() if not _is_connection(one)}
                yield own | ({"__parentId": parent} if parent else {})
                yield from _rows(node, node.get("id", ""))


def _is_connection(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"edges"}


def _refused(status: int, after: float | None) -> Answer:
    return refusal(status, "The storage host does not answer.")


def _one(_: Any, arguments: Arguments, query: Query) -> View | None:
    number = number_of(arguments["id"], "BulkOperation")
    document = query.store.records.read("bulkOperations", number) if number else None
    return View("BulkOperation", document) if document else None


def _all(_: Any, arguments: Arguments, query: Query) -> list[View]:
    return [View("BulkOperation", each) for each in query.store.records.all("bulkOperations")]


def mutations_with(bulk: Bulk) -> Mutations:
    """Return the mutation that begins one."""
    return {"bulkOperationRunQuery": mutation(bulk.begin)}


def fields_with(bulk: Bulk) -> Fields:
    """Return the resolvers of bulk operations."""
    return {
        ("QueryRoot", "bulkOperation"): _one,
        ("QueryRoot", "bulkOperations"): _all,
        ("BulkOperation", "id"): identity,
        ("BulkOperation", "url"): bulk.url,
        ("BulkOperation", "partialDataUrl"): lambda *_: None,
    }

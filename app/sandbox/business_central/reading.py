"""Answers to GET: one record or a page of them, with what was expanded, written from the records' own texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.sandbox.business_central.company import Company, Row
from app.sandbox.business_central.entities import ENTITIES, LINES_OF
from app.sandbox.business_central.errors import dialog, not_found
from app.sandbox.business_central.query import MOST_ROWS, Query
from app.sandbox.web import encode

# One table of journal batches serves both of these sets, told apart by the batches' template.
_SHARED = {"journals": "GENERAL", "customerPaymentJournals": "CASHRCPT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The texts of a page, the number of all that match, and the key after which the next page begins."""

    texts: list[str]
    found: int
    next_after: str = ""


def find(company: Company, set_name: str, key: str) -> Row:
    """Return one record of a set by its id. Raises Refusal. A payment journal is found as a journal, too."""
    if set_name == "customerPaymentJournals":
        row = company.tables["journals"].rows.get(key)
        if row is None or row["_template"] != _SHARED[set_name]:
            raise not_found(ENTITIES[set_name].name, key)
        return row
    return company.row(set_name, key)


def text_of(company: Company, set_name: str, row: Row, query: Query) -> str:
    """Write one record with what the query selects and expands."""
    if query.select or set_name == "customerPaymentJournals":
        names = query.select or tuple(ENTITIES[set_name].properties)
        text = encode({"@odata.etag": row["@odata.etag"], **{name: row[name] for name in names}})
    else:
        text = row.text
    for name, inner in query.expand.items():
        navigation = ENTITIES[set_name].navigations[name]
        if navigation.many:
            rows = inner.matching(company.tables[navigation.target].where(navigation.theirs, row[navigation.ours]))
            if navigation.target in LINES_OF and not inner.order:
                rows.sort(key=_place)
            value = "[" + ",".join(text_of(company, navigation.target, each, inner) for each in rows) + "]"
        else:
            table = "journals" if navigation.target == "customerPaymentJournals" else navigation.target
            other = company.tables[table].rows.get(row[navigation.ours])
            value = "null" if other is None else text_of(company, navigation.target, other, inner)
        text = f'{text[:-1]},"{name}":{value}}}'
    return text


def page_of(company: Company, set_name: str, query: Query, *, parent: Row | None, size: int | None) -> Page:
    """Return a page of a set, of one parent's lines where the address names it. Raises Refusal."""
    rows = query.matching(_rows(company, set_name, query, parent))
    if set_name in LINES_OF and not query.order:
        rows.sort(key=_place)
    found = len(rows)
    if query.after:
        keys = [row["id"] for row in rows]
        rows = rows[keys.index(query.after) + 1 :] if query.after in keys else []
    rows = rows[query.skip :] if query.top is None else rows[query.skip : query.skip + query.top]
    most = min(size or MOST_ROWS, MOST_ROWS)
    more = len(rows) > most
    rows = rows[:most]
    return Page(
        texts=[text_of(company, set_name, row, query) for row in rows],
        found=found,
        next_after=rows[-1]["id"] if more else "",
    )


def _rows(company: Company, set_name: str, query: Query, parent: Row | None) -> Iterable[Row]:
    if set_name in _SHARED:
        return [row for row in company.tables["journals"].find(query.filter.equal)
                if row["_template"] == _SHARED[set_name]]  # fmt: skip
    if set_name in LINES_OF:
        _, by = LINES_OF[set_name]
        if parent is not None:
            return company.tables[set_name].where(by, parent["id"])
        if by not in query.filter.equal and "id" not in query.filter.equal:
            if by == "journalId":
                raise dialog("You must specify a journal batch ID or a journal ID to get a journal line.")
            raise dialog("You must specify an Id or a Document Id to get the lines.")
    table = company.tables[set_name]
    if parent is not None:
        [by] = [each.theirs for entity in ENTITIES.values() for each in entity.navigations.values()
                if each.many and each.target == set_name]  # fmt: skip
        return table.where(by, parent["id"])
    return table.find(query.filter.equal)


def _place(row: Row) -> int:
    document = row.document
    return int(document["sequence"] if "sequence" in document else document["lineNumber"])

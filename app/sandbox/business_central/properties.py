"""The form of the property tables: one short line of words per property, read once at import.

A word is `name:type` with an optional mark: `!` Business Central alone writes it, `+` it is set at creation only.
Types: guid, decimal, int, bool, date, datetime, option, codeN (stored upper case) and textN with their length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_WORD = re.compile(r"^(\w+):([a-z]+)(\d*)([!+]?)$")

BLANK_ID = "00000000-0000-0000-0000-000000000000"
BLANK_DATE = "0001-01-01"
BLANK_INSTANT = "0001-01-01T00:00:00Z"
_BLANKS: Mapping[str, object] = {
    "guid": BLANK_ID,
    "decimal": 0,
    "int": 0,
    "bool": False,
    "date": BLANK_DATE,
    "datetime": BLANK_INSTANT,
    "option": " ",
    "code": "",
    "text": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property: its type, its greatest length (0: no limit) and who may write it when."""

    name: str
    type: str
    length: int = 0
    read_only: bool = False
    at_creation: bool = False
    options: tuple[str, ...] = ()

    @property
    def blank(self) -> object:
        """The value of a property that nobody set."""
        return self.options[0] if self.options else _BLANKS[self.type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Navigation:
    """A way to another entity set: rows whose `theirs` equals this row's `ours`; one row or many."""

    name: str
    target: str
    ours: str
    theirs: str
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity of the API with the set it is kept in."""

    name: str
    set_name: str
    properties: Mapping[str, Property]
    blanks: Mapping[str, object]
    navigations: Mapping[str, Navigation] = field(default_factory=dict)
    actions: tuple[str, ...] = ()
    key: str = "id"

    def blank(self) -> dict[str, object]:
        """Return a document of this entity in which nothing is set, its version first."""
        return dict(self.blanks)


def read_properties(words: str, options: Mapping[str, tuple[str, ...]]) -> dict[str, Property]:
    """Read a property table. Raises ValueError on a word that is none."""
    properties: dict[str, Property] = {}
    for word in words.split():
        found = _WORD.match(word)
        if found is None:
            raise ValueError(f"{word!r} describes no property")
        name, kind, length, mark = found.groups()
        properties[name] = Property(
            name=name,
            type=kind,
            length=int(length or 0),
            read_only=mark == "!",
            at_creation=mark == "+",
            options=options.get(name, ()),
        )
    return properties


def entity(
    name: str,
    set_name: str,
    words: str,
    *,
    options: Mapping[str, tuple[str, ...]] | None = None,
    one: str = "",
    many: str = "",
    actions: tuple[str, ...] = (),
    key: str = "id",
) -> Entity:
    """Build an entity; `one` and `many` list navigations as `name=ours>set.theirs`, `many` without `ours`."""
    navigations: dict[str, Navigation] = {}
    for word in one.split():
        label, _, way = word.partition("=")
        ours, _, target = way.partition(">")
        navigations[label] = Navigation(name=label, target=target, ours=ours, theirs="id")
    for word in many.split():
        label, _, theirs = word.partition(">")
        navigations[label] = Navigation(name=label, target=label, ours="id", theirs=theirs, many=True)
    properties = read_properties(words, options or {})
    return Entity(
        name=name,
        set_name=set_name,
        properties=properties,
        blanks={"@odata.etag": "", **{each.name: each.blank for each in properties.values()}},
        navigations=navigations,
        actions=actions,
        key=key,
    )

"""What a person is recognised by, and a text or document without it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

MARK = "[erased]"
SHORTEST = {"emails": 6, "phones": 7, "names": 5, "lines": 6, "words": 3}  # letters; a shorter one hits strangers


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The words of one person, as they were written.

    `emails` and `phones` tell nobody else; `names` are whole ones with a space; `lines` are of addresses; `words` are
    single names, which mean the person only in rows that are known to be hers.
    """

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, **given: Iterable[str]) -> Terms:
        """Without what is too short to tell anybody, doubles, names of one word and lines without a number."""
        kept: dict[str, tuple[str, ...]] = {}
        for kind, texts in given.items():
            plain = {" ".join(text.split()) for text in texts}
            kept[kind] = tuple(sorted(text for text in plain if len(text) >= SHORTEST[kind] and _tells(kind, text)))
        return cls(**kept)

    def __or__(self, other: Terms) -> Terms:
        return Terms(**{one.name: tuple(sorted({*getattr(self, one.name), *getattr(other, one.name)}))
                        for one in fields(self)})  # fmt: skip

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    def as_json(self) -> dict[str, list[str]]:
        return {name: list(texts) for name, texts in asdict(self).items()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Iterable[str]]) -> Terms:
        return cls(**{name: tuple(texts) for name, texts in raw.items()})

    @property
    def telling(self) -> Terms:
        """Those that mean this person wherever they stand."""
        return Terms(emails=self.emails, phones=self.phones, names=self.names, lines=self.lines)

    @property
    def addresses(self) -> Terms:
        """Those by which a whole message is this person's."""
        return Terms(emails=self.emails, phones=self.phones)

    @cached_property
    def all(self) -> tuple[str, ...]:
        """Every term, longest first."""
        found = {text for one in fields(self) for text in getattr(self, one.name)}
        return tuple(sorted(found, key=lambda text: (-len(text), text)))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        parts = "|".join(re.escape(term) for term in self.all)
        return re.compile(rf"(?<!\w)(?:{parts})(?!\w)" if parts else r"(?!)", re.IGNORECASE)

    def likes(self) -> list[str]:
        """The terms as patterns of LIKE on a text in lower case."""
        return [f"%{_plain(term.lower())}%" for term in self.all]


def scrubbed(text: str, terms: Terms, mark: str = "") -> str:
    """The text with every term replaced. With a `mark`, each term has its own number, so that keys stay apart."""
    if not mark:
        return terms.pattern.sub(MARK, text)
    numbers = {term.lower(): n for n, term in enumerate(terms.all)}
    return terms.pattern.sub(lambda found: f"[erased {mark}-{numbers.get(found[0].lower(), 0)}]", text)


def scrubbed_document(value: Any, terms: Terms) -> Any:
    """A JSON value with every term in its texts replaced; keys and numbers stay."""
    if isinstance(value, str):
        return scrubbed(value, terms)
    if isinstance(value, list):
        return [scrubbed_document(inner, terms) for inner in value]
    if isinstance(value, dict):
        return {name: scrubbed_document(inner, terms) for name, inner in value.items()}
    return value


def _tells(kind: str, text: str) -> bool:
    if kind == "emails":
        return "@" in text
    if kind == "phones":
        return sum(letter.isdigit() for letter in text) >= SHORTEST[kind]
    if kind == "names":
        return " " in text
    return kind != "lines" or any(letter.isdigit() for letter in text)


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")

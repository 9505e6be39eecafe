"""Payload versions side by side: what changed between two, line by line, with the changed words marked."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.console.masking import masked_document

AROUND = 2  # lines of context at both sides of a change
WORDS = re.compile(r"\w+|\W")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """One row of a diff. `kind` is same, del, add or gap."""

    kind: str
    text: Markup
    before: int | None = None
    after: int | None = None

    @property
    def sign(self) -> str:
        return {"del": "−", "add": "+"}.get(self.kind, "")


def laid_out(document: Any) -> list[str]:
    """A payload as lines of JSON, personal data masked."""
    return json.dumps(masked_document(document), indent=2, ensure_ascii=False).splitlines()


def whole(document: Any) -> list[DiffLine]:
    """A payload as it is."""
    return [DiffLine(kind="same", text=_shown(line), after=n) for n, line in enumerate(laid_out(document), 1)]


def difference(before: Any, after: Any) -> list[DiffLine]:
    """What changed, with two lines around each change and the rest as gaps."""
    old, new = laid_out(before), laid_out(after)
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND)
    rows: list[DiffLine] = []
    seen = 0
    for group in groups:
        rows += _gap(group[0][1] - seen)
        for kind, a, b, c, d in group:
            rows += _same(old, a, b, c) if kind == "equal" else _changed(old[a:b], new[c:d], a, c)
        seen = group[-1][2]
    return rows + _gap(len(old) - seen)


def _gap(count: int) -> list[DiffLine]:
    said = f"{count} {'line' if count == 1 else 'lines'} the same"
    return [DiffLine(kind="gap", text=Markup(said))] if count > 0 else []


def _same(old: Sequence[str], a: int, b: int, c: int) -> list[DiffLine]:
    return [DiffLine(kind="same", text=_shown(old[n]), before=n + 1, after=c + n - a + 1) for n in range(a, b)]


def _changed(gone: Sequence[str], come: Sequence[str], a: int, c: int) -> Iterator[DiffLine]:
    pairs = len(gone) == len(come)
    for n, line in enumerate(gone):
        text = _marked(line, come[n]) if pairs else _shown(line)
        yield DiffLine(kind="del", text=text, before=a + n + 1)
    for n, line in enumerate(come):
        text = _marked(line, gone[n]) if pairs else _shown(line)
        yield DiffLine(kind="add", text=text, after=c + n + 1)


def _marked(line: str, other: str) -> Markup:
    """A line with the words marked that the other one does not have there."""
    ours, theirs = WORDS.findall(line), WORDS.findall(other)
    out = Markup("")
    for kind, a, b, _, _ in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        text = escape("".join(ours[a:b]))
        out += text if kind == "equal" or not text else Markup("<mark>{}</mark>").format(text)
    return _indented(out)


def _shown(text: str) -> Markup:
    return _indented(escape(text))


def _indented(text: Markup) -> Markup:
    """Leading blanks hold the layout."""
    rest = text.lstrip(" ")
    return Markup("&nbsp;" * (len(text) - len(rest))) + rest

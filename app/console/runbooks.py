"""Runbooks: one page for each code that a person may meet, written in docs/runbooks/<code>.md.

The pages use a few signs only (headings, lists, paragraphs, code, links), which are turned into HTML here.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from flask_admin import expose
from markupsafe import Markup, escape

from app.infra.views import Page
from app.kernel.errors import NotFound

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
CODE = re.compile(r"[a-z0-9_]+(\.[A-Za-z0-9_]+)*")
INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)")
ITEM = re.compile(r"(?:\d+\.|-) +(.*)")


class Runbooks(Page):
    """What to do about each code, in the words of those who know."""

    @expose("/")
    def index(self) -> str:
        return str(self.render("console/runbooks.html", pages=all_runbooks()))

    @expose("/<code>")
    def one(self, code: str) -> str:
        page = find(code)
        if page is None:
            raise NotFound("runbooks.none", f"nobody has written a runbook for {code} yet")
        title, body = read(page)
        return str(self.render("console/runbook.html", heading=title, body=body, code=code, title=title))


def find(code: str) -> Path | None:
    """The page of a code; else of what happened whichever system it was (`shop.http_404` → http); else of its family.

    `orders.held_fraud` → orders.held_fraud.md, then orders.held.md, then orders.md.
    """
    if not CODE.fullmatch(code):
        return None
    family, _, what = code.partition(".")
    kind = what.partition("_")[0]
    for name in (code, what, f"{family}.{kind}", kind, family):
        if name and (FOLDER / f"{name}.md").is_file():
            return FOLDER / f"{name}.md"
    return None


@cache
def all_runbooks() -> tuple[tuple[str, str], ...]:
    """Every code that has a page, with the page's title."""
    return tuple((path.stem, read(path)[0]) for path in sorted(FOLDER.glob("*.md")))


@cache
def read(path: Path) -> tuple[str, Markup]:
    """A page's title and its body as HTML."""
    title, _, rest = path.read_text(encoding="utf-8").partition("\n")
    return title.removeprefix("# ").strip(), Markup("\n").join(_block(part) for part in rest.strip().split("\n\n"))


def summary(code: str) -> tuple[str, Markup] | None:
    """Title and body for a card beside a problem; None where no page is."""
    page = find(code)
    return read(page) if page else None


def _block(text: str) -> Markup:
    lines = text.strip().splitlines()
    if not lines:
        return Markup("")
    if lines[0].startswith("## "):
        rest = "\n".join(lines[1:])
        return Markup("<h3>{}</h3>").format(lines[0][3:]) + (_block(rest) if rest else "")
    if all(ITEM.match(line) or line.startswith("  ") for line in lines):
        kind = "ol" if lines[0][0].isdigit() else "ul"
        joined = re.sub(r"\n {2,}", " ", "\n".join(lines)).splitlines()
        items = Markup("").join(Markup("<li>{}</li>").format(_inline(_item(line))) for line in joined)
        return Markup("<{}>{}</{}>").format(kind, items, kind)
    return Markup("<p>{}</p>").format(_inline(" ".join(lines)))


def _item(line: str) -> str:
    found = ITEM.match(line)
    return found[1] if found else line


def _inline(text: str) -> Markup:
    out, at = Markup(""), 0
    for found in INLINE.finditer(text):
        out += escape(text[at : found.start()])
        code, bold, label, address = found.groups()
        if code:
            out += Markup("<code>{}</code>").format(code)
        elif bold:
            out += Markup("<b>{}</b>").format(bold)
        else:
            safe = (
                address if address.startswith(("/", "https://")) else f"/admin/runbooks/{address.removesuffix('.md')}"
            )
            out += Markup('<a href="{}">{}</a>').format(safe, label)
        at = found.end()
    return out + escape(text[at:])

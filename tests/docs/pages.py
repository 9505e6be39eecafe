"""What the pages for people name: links, commands, variables, paths, metrics. Each reader takes a page's text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from flask.cli import AppGroup

from app.commands import register

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GROUPS: dict[str, AppGroup] = {str(group.name): group for group in register.GROUPS}
FLASKS_OWN = {"shell", "run", "routes"}
ROOMS = ("app/", "bench/", "bin/", "docs/", "tests/", "migrations/", ".ci/")
ROOT_FILES = re.compile(r"[A-Z]+\.md|Makefile|Dockerfile|docker-compose\.yml|wsgi\.py|\.importlinter|\.env\.example")
NO_PATHS = {"app/uninstalled"}  # a topic of Shopify's

FENCED = re.compile(r"^ *```.*?^ *```", re.S | re.M)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FLASK = re.compile(r"\bflask(?: --app wsgi)? ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?((?:[^\n`\\]|\\\n)*)")


def code_of(text: str) -> list[str]:
    """Everything that a page shows as code: blocks, and spans outside them."""
    return [*FENCED.findall(text), *SPAN.findall(FENCED.sub("", text))]


def broken_links(text: str, folder: Path) -> list[str]:
    """Relative links that lead nowhere. `/…` is an address of the console, with a scheme it is somebody else's."""
    found = [target.partition("#")[0] for target in LINK.findall(FENCED.sub("", text))]
    inside = [target for target in found if target and not re.match(r"[a-z]+:|/", target)]
    return [target for target in inside if not (folder / target).exists()]


def unknown_targets(text: str, known: set[str]) -> list[str]:
    """Targets of make that no Makefile has."""
    return [
        target for code in code_of(text) for target in re.findall(r"\bmake ([a-z0-9]+)\b", code) if target not in known
    ]


def unknown_commands(text: str) -> list[str]:
    """`flask …` commands, and options of theirs, that the program does not have."""
    return [wrong for code in code_of(text) for found in FLASK.finditer(code) for wrong in _wrong_in(*found.groups())]


def _wrong_in(group: str, command: str | None, rest: str) -> Iterator[str]:
    if group in FLASKS_OWN:
        return
    known = GROUPS.get(group)
    if known is None or (command is not None and command not in known.commands):
        yield f"flask {group} {command or ''}".strip()
    elif command is not None:
        options = {name for option in known.commands[command].params for name in [*option.opts, *option.secondary_opts]}
        options |= {"--help"}
        yield from (
            f"flask {group} {command} {option}" for option in re.findall(r" (--[a-z-]+)", rest) if option not in options
        )


def variables(text: str) -> set[str]:
    """The variables of the program that a page names."""
    return set(re.findall(r"\bHUB_[A-Z_]+\b", text))


def metrics(text: str) -> set[str]:
    """The metrics that a page names, as code."""
    return {name for code in code_of(text) for name in re.findall(r"\bhub_[a-z_]+\b", code)}


def missing_paths(text: str) -> list[str]:
    """Paths of this repository, written as code, at which nothing is. A pattern must match something."""
    found = [
        span.rstrip("/")
        for span in SPAN.findall(FENCED.sub("", text))
        if span.startswith(ROOMS) or ROOT_FILES.fullmatch(span)
    ]
    plain = [path for path in found if not re.search(r"[<>{}… ]", path) and path not in NO_PATHS]
    return [path for path in plain if not any(ROOT.glob(path))]


def modules(text: str) -> set[str]:
    """What a page starts by `python -m`."""
    return {name for code in code_of(text) for name in re.findall(r"python3? -m ((?:app|bench)[\w.]*)", code)}

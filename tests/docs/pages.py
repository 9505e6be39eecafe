"""What the pages for people name: links, commands, variables, paths, metrics. Each reader takes a page's text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import click
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
STANDS_FOR = re.compile(r"[A-Z_-]+|.*….*")
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


def unusable_commands(text: str) -> list[str]:
    """`flask …` as a page shows it, that the program would refuse for its words: too many, too few, no such choice.

    Lines of blocks are whole; a span may leave out what it is not about. WORDS in capitals, <…> and … stand for others.
    """
    blocks = [line for block in FENCED.findall(text) for line in re.sub(r"\\\n\s*", " ", block).splitlines()]
    spans = SPAN.findall(FENCED.sub("", text))
    found = [(line, whole) for lines, whole in ((blocks, True), (spans, False)) for line in lines]
    return [f"{line.strip()}: {said}" for line, whole in found for said in _refused(line, whole)]


def _refused(line: str, whole: bool) -> Iterator[str]:
    found = re.search(r"(?:^|[\s|;&(])flask(?: --app wsgi)? ([a-z][a-z-]*) ([a-z][a-z-]*)(.*)$", line)
    command = GROUPS[found[1]].commands.get(found[2]) if found and found[1] in GROUPS else None
    if found is None or command is None:
        return
    words = _words(re.sub(r"<[^>]*>", "…", found[3]))
    try:
        given, over, _ = command.make_parser(click.Context(command)).parse_args(list(words))
    except click.ClickException as wrong:
        yield wrong.message
        return
    yield from (f"{word} is too much" for word in over if word != "…")
    complete = "…" not in words and (whole or any(not word.startswith("-") for word in words))
    for wanted in command.params:
        value = given.get(wanted.name or "")
        stands = isinstance(value, bool) or (isinstance(value, str | tuple | list) and value)
        if complete and wanted.required and not stands:
            yield f"{wanted.opts[0]} is missing"
        choices = wanted.type.choices if isinstance(wanted.type, click.Choice) else ()
        if choices and isinstance(value, str) and value not in choices and not STANDS_FOR.fullmatch(value):
            yield f"{value} is none of {', '.join(choices)}"


def _words(rest: str) -> list[str]:
    """The words of one command: up to a comment, a pipe, or whatever else the shell takes for itself."""
    reader = shlex.shlex(rest, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    return list(takewhile(lambda word: not set(word) <= set("|&;()<>"), reader))


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

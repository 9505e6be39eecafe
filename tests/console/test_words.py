"""How the console says things: states, times, amounts, masks, differences, colours, runbooks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from app.console.charts import spark, wagons
from app.console.masking import masked_body, masked_document
from app.console.payloads import difference, whole
from app.console.runbooks import FOLDER, all_runbooks, find, read
from app.console.words import LOOKS, delivery_state, lasting, moment, money_words, sentence, worth_words
from app.infra.cases import CASE_STATES
from app.infra.rows import STATES
from app.kernel.money import Money
from tests.console import colours

ROOT = Path(__file__).parents[2]
SOURCES = [path for path in sorted((ROOT / "app").rglob("*.py")) if "sandbox" not in path.parts]
PARKS = {"NeedsAttention", "Unauthorised"}
REJECTS = {"Refused", "Invalid"}


def test_every_state_has_a_look() -> None:
    assert {state for of, state in LOOKS if of == "delivery"} >= set(STATES)
    assert {state for of, state in LOOKS if of == "case"} == set(CASE_STATES)
    sprite = (ROOT / "app/console/templates/admin/icons.svg").read_text()
    assert {look.shape for look in LOOKS.values() if f'id="s-{look.shape}"' not in sprite} == set()
    assert {look.tone for look in LOOKS.values()} <= {"ok", "run", "wait", "bad", "mute"}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (("due", None, False, 0), "due"),
        (("due", "x.http_503", False, 2), "retry"),
        (("due", None, True, 1), "doubt"),
        (("parked", "bug.KeyError", False, 12), "bug"),
        (("parked", "erp.total_differs", True, 1), "parked"),
        (("done", None, True, 1), "done"),
    ],
)
def test_a_delivery_is_named_for_people(given: tuple[str, str | None, bool, int], word: str) -> None:
    state, code, in_doubt, attempt = given
    assert delivery_state(state, code=code, in_doubt=in_doubt, attempt=attempt) == word


def test_times_and_durations_have_one_unit_that_fits() -> None:
    now = datetime(2026, 11, 27, 9, 4, 41, tzinfo=UTC)
    assert [moment(at, now=now) for at in (now, now - timedelta(days=1), now - timedelta(days=400), None)] == [
        "09:04:41", "26 Nov 09:04", "23 Oct 2025 09:04", "—",
    ]  # fmt: skip
    spans = (0.012, 0.94, 38, 2040, 18000, 164160)
    assert [lasting(span) for span in spans] == ["12 ms", "0.9 s", "38 s", "34 min", "5 h", "1.9 d"]


def test_amounts_are_written_as_people_write_them() -> None:
    assert money_words(Money(481200, "USD")) == "$4,812.00"
    assert money_words(Money(-4217, "EUR")) == "−€42.17"
    assert money_words(Money(1500, "JPY")) == "¥1,500"
    assert money_words(Money(100, "SEK")) == "1.00 SEK"
    assert worth_words((Money(481200, "USD"), Money(0, "EUR"), Money(999, "SEK"))) == "$4,812 + 9 SEK"
    assert sentence("say why: it waits.") == "Say why: it waits."


@pytest.mark.capability("SEC-3")
def test_personal_data_is_masked_at_any_depth() -> None:
    told = masked_document(
        {
            "email": "rosa@maplemail.example", "note": "ring at Rosa's", "name": "#1001",
            "customer": {"first_name": "Rosa", "name": "Rosa T", "id": 7, "default_address": {"zip": "80301"}},
            "lines": [{"title": "Tent", "sku": "T-1", "price": "9.00"}], "browser_ip": "203.0.113.9",
            "sellToAddressLine1": "88 Harbour St", "token": "abcdef", "text": "write to rosa@maplemail.example",
        }
    )  # fmt: skip
    assert told == {
        "email": "r•••••@maplemail.example", "note": "r••••", "name": "#1001",
        "customer": {"first_name": "R••••", "name": "R••••", "id": 7, "default_address": {"zip": "8••••"}},
        "lines": [{"title": "Tent", "sku": "T-1", "price": "9.00"}], "browser_ip": "2••••",
        "sellToAddressLine1": "8••••", "token": "••••", "text": "write to r•••••@maplemail.example",
    }  # fmt: skip
    assert masked_body(b"not json, ask rosa@maplemail.example") == "not json, ask r•••••@maplemail.example"


def test_a_difference_shows_what_changed_and_leaves_the_rest_out() -> None:
    before = {"lines": [{"n": n} for n in range(20)], "ship_to": {"city": "Toronto"}, "version": 1}
    after = {**before, "ship_to": {"city": "Toronto East"}, "version": 2}
    rows = difference(before, after)
    changed = [(row.kind, row.text.replace("&nbsp;", "")) for row in rows if row.kind in ("del", "add")]
    assert changed == [
        ("del", "&#34;city&#34;: &#34;Toronto&#34;"),
        ("add", "&#34;city&#34;: &#34;Toronto<mark> East</mark>&#34;"),
        ("del", "&#34;version&#34;: <mark>1</mark>"),
        ("add", "&#34;version&#34;: <mark>2</mark>"),
    ]
    assert rows[0].kind == "gap"
    assert [row.kind for row in difference(before, before)] == ["gap"]
    assert {row.kind for row in whole(before)} == {"same"}


def test_a_chart_carries_no_style_and_escapes_its_words() -> None:
    drawn = spark([1, 5, 3], 'now <3 "s"', goal=10, tone="bad")
    assert "style=" not in drawn
    assert "now &lt;3 &#34;s&#34;" in drawn
    assert spark([], "").count("<path") == 3
    assert wagons(61, 6).count("<rect") == 11


@pytest.mark.capability("ADM-3")
def test_text_and_shapes_stand_out_in_both_themes() -> None:
    for theme in (0, 1):
        assert [pair for pair in colours.TEXT if colours.contrast(*pair, theme) < 4.5] == []
        assert [pair for pair in colours.SHAPE if colours.contrast(*pair, theme) < 3.0] == []
        for eyes in colours.BLIND:
            near = [pair for pair in combinations(colours.STATES, 2) if colours.apart(*pair, eyes, theme) < 9]
            assert near == []


def test_a_pale_text_would_be_found() -> None:
    assert colours.ratio("#999999", "#ffffff") < 4.5
    assert colours.ratio("#000000", "#ffffff") == pytest.approx(21)


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """Every call in the application, with the file it stands in."""
    trees = ((path.name, ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES)
    return [(name, node) for name, tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def codes(kinds: set[str], *, cases: bool = False) -> Iterator[tuple[str, str]]:
    """Every code that errors of these kinds are raised with: (file, code), a star where a part is computed."""
    for file, node in calls():
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        given = node.args[:1] if name in kinds else []
        if cases and name == "open_case":
            given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        for argument in given:
            if isinstance(argument, ast.Constant):
                yield file, str(argument.value)
            elif isinstance(argument, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "*" for part in argument.values)
                yield file, "".join(map(str, parts))


def documented(code: str) -> bool:
    """Whether a code has a page. A computed part may be any: a page of that shape, or of what is left, will do."""
    if "*" not in code:
        return find(code) is not None
    stems = [stem for stem, _ in all_runbooks()]
    shape = re.compile(re.escape(code).replace(r"\*", "[a-z_0-9]+"))
    rest = {code.rstrip("*_."), code.partition(".")[2].rstrip("*_")}
    return code == "*.*" or bool(rest & set(stems)) or any(map(shape.fullmatch, stems))


def test_every_code_that_parks_has_a_runbook_of_its_own_or_of_its_kind() -> None:
    found = set(codes(PARKS, cases=True))
    assert len(found) > 30
    assert sorted(one for one in found if not documented(one[1])) == []


def test_every_code_that_refuses_is_explained() -> None:
    found = {(name, code) for name, code in codes(REJECTS) if not code.startswith("*.")}
    assert len(found) > 30
    assert sorted(one for one in found if not documented(one[1])) == []


def test_a_code_without_a_page_would_be_found() -> None:
    assert not documented("warehouse.on_fire")
    assert not documented("warehouse.*_missing")


def test_a_runbook_says_what_it_blocks_and_what_to_do() -> None:
    wrong = {}
    for path in sorted(FOLDER.glob("*.md")):
        title, body = read(path)
        if (
            not title
            or "<h3>What it blocks</h3>" not in body
            or "<h3>What to do</h3>" not in body
            or "<ol>" not in body
        ):
            wrong[path.name] = title
    assert wrong == {}


def test_a_page_of_signs_becomes_html(tmp_path: Path) -> None:
    page = tmp_path / "x.md"
    page.write_text(
        "# A <b> title\n\nSee `code` and **bold** and [this](money.md).\n\n## Do\n\n1. One\n2. Two\n   more\n"
    )
    assert read(page) == (
        "A <b> title",
        '<p>See <code>code</code> and <b>bold</b> and <a href="/admin/runbooks/money">this</a>.</p>\n'
        "<h3>Do</h3>\n<ol><li>One</li><li>Two more</li></ol>",
    )


@pytest.mark.parametrize(
    ("code", "page"),
    [("orders.held_fraud", "orders.held.md"), ("shop.http_404", "http.md"), ("bug.KeyError", "bug.md"),
     ("business_central.no_answer", "no_answer.md"), ("../../etc/passwd", None), ("nothing.at_all", None)],
)  # fmt: skip
def test_a_code_finds_its_page_or_its_kind_s(code: str, page: str | None) -> None:
    found = find(code)
    assert (found.name if found else None) == page

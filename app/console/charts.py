"""Server-rendered charts: plain functions from numbers to SVG.

The plot is drawn in a box of 100 by 100 that stretches (preserveAspectRatio="none"); strokes do not scale, by the
stylesheet, and every word stays HTML around the plot, so text never shrinks. No style attribute, no script.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

Numbers = Sequence[float]
SHORT_TRAIN = 24  # fewer wagons than that keep the size they would have among so many
MOST_WAGONS = 12  # a siding longer than that says its number in words


def spark(values: Numbers, label: str, *, goal: float | None = None, tone: str = "", css: str = "spark") -> Markup:
    """One small line with its last value marked. `label` says in words what it shows; empty is decoration."""
    shown = list(values) or [0]
    top = max([*shown, goal or 0]) * 1.08 or 1
    points = _points(shown, top)
    name = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    goal_line = "" if goal is None else f'<path class="ln ln-goal" d="M0 {100 - goal / top * 100:.4g}H100"/>'
    area, line = (" ar-bad", " ln-bad") if tone == "bad" else ("", f" ln-{tone}" if tone else "")
    last_x, last_y = points[-1]
    return Markup(
        f'<svg class="{escape(css)}" viewBox="0 0 100 100" preserveAspectRatio="none" {name}>'
        f'<path class="ar{area}" d="{_path(points)}L100 100L0 100Z"/>{goal_line}'
        f'<path class="ln{line}" d="{_path(points)}"/>'
        f'<path class="dot{" dot-bad" if tone == "bad" else ""}" d="M{last_x:g} {last_y:g}h.01"/></svg>'
    )


def columns(
    stacks: Sequence[Sequence[tuple[str, float]]], label: str, *, top: float, ticks: Sequence[str], hours: Sequence[str]
) -> Markup:
    """Stacked columns over time; each part is (class, value). A hatched part reads without colour."""
    wide = 100 / max(len(stacks), 1)
    drawn = [_grid(len(ticks) - 1)]
    for n, stack in enumerate(stacks):
        base = 100.0
        for css, value in stack:
            tall = value / (top or 1) * 100
            base -= tall
            if value:
                place = f'x="{n * wide + wide * 0.14:.4g}" y="{base:.4g}"'
                drawn.append(f'<rect class="{escape(css)}" {place} width="{wide * 0.72:.4g}" height="{tall:.4g}"/>')
    return Markup(
        '<div class="chart"><svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{"".join(drawn)}</svg>{_words("chart-y", ticks)}{_words("chart-x", hours)}</div>'
    )


def bar(parts: Sequence[tuple[str, float]], total: float) -> Markup:
    """One horizontal bar of parts. The numbers stand beside it in words, so it is decoration to a screen reader."""
    x, drawn = 0.0, []
    for css, value in parts:
        share = value / (total or 1) * 100
        drawn.append(f'<rect class="{escape(css)}" x="{x:.4g}%" width="{share:.4g}%" height="100%"/>')
        x += share
    return Markup(f'<svg class="bar" aria-hidden="true">{"".join(drawn)}</svg>')


def wagons(count: int, per: int = 1) -> Markup:
    """A siding: one wagon for each `per` orders that stand."""
    shown = max(1, min(-(-count // per), MOST_WAGONS))
    drawn = "".join(f'<rect x="{n * 12}" y="1" width="10" height="10" rx="2"/>' for n in range(shown))
    size = f'width="{shown * 12}" height="12" viewBox="0 0 {shown * 12} 12"'
    return Markup(f'<svg class="wagons" {size} aria-hidden="true">{drawn}</svg>')


def train(parts: Sequence[tuple[str, int]], label: str) -> Markup:
    """A release in progress: one wagon for each order, in the order in which they go."""
    total = sum(count for _, count in parts)
    wide, drawn, place = 100 / max(total, SHORT_TRAIN), [], 0
    for tone, count in parts:
        for _ in range(count):
            x = place * wide
            drawn.append(
                f'<rect class="wagon-{escape(tone)}" x="{x + wide * 0.06:.4g}%" y="2" width="{wide * 0.84:.4g}%" '
                f'height="12" rx="2"/><circle class="wheel" cx="{x + wide * 0.26:.4g}%" cy="16" r="2"/>'
                f'<circle class="wheel" cx="{x + wide * 0.7:.4g}%" cy="16" r="2"/>'
            )
            place += 1
    return Markup(f'<div class="train"><svg role="img" aria-label="{escape(label)}">{"".join(drawn)}</svg></div>')


def span(start: float, length: float, total: float, tone: str = "f-ink") -> Markup:
    """One row of a waterfall: where a piece of work lies in the whole."""
    place = f'x="{start / (total or 1) * 100:.4g}%" width="{max(length / (total or 1) * 100, 0.6):.4g}%"'
    return Markup(
        '<svg aria-hidden="true"><rect class="f-bg" width="100%" height="2" y="6"/>'
        f'<rect class="{escape(tone)}" {place} height="10" y="2" rx="2"/></svg>'
    )


def _points(values: Numbers, top: float) -> list[tuple[float, float]]:
    step = 100 / max(len(values) - 1, 1)
    return [(round(n * step, 2), round(100 - value / top * 100, 2)) for n, value in enumerate(values)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _grid(rows: int) -> str:
    return "".join(f'<path class="grid-l" d="M0 {n * 100 / rows:.4g}H100"/>' for n in range(rows + 1))


def _words(css: str, words: Sequence[str]) -> str:
    return f'<div class="{css}" aria-hidden="true">{"".join(f"<span>{escape(word)}</span>" for word in words)}</div>'


CHARTS = {"spark": spark, "columns": columns, "bar": bar, "wagons": wagons, "train": train, "span": span}

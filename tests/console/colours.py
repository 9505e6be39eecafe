"""The tokens of the stylesheet and how far they are apart: WCAG contrast, and distances as colour-blind eyes see them.

The matrices are those of Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
"""

from __future__ import annotations

import re
from pathlib import Path

CSS = (Path(__file__).parents[2] / "app/console/static/roundhouse.css").read_text(encoding="utf-8")
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
}
GROUNDS = ("paper", "surface", "raised", "hover", "selected")
STATES = ("ok", "run", "wait", "bad", "mute")
TEXT = [(ink, ground) for ink in ("ink", "ink-2", "ink-3", "link") for ground in (*GROUNDS, "sunken")]
TEXT += [(f"{state}-ink", ground) for state in STATES for ground in (*GROUNDS, f"{state}-bg")]
TEXT += [("on-act", "act"), ("on-act", "act-hover"), ("ink-3", "mute-bg")]
TEXT += [(ink, f"{state}-bg") for state in STATES for ink in ("ink", "ink-2", "link")]
SHAPE = [("control", ground) for ground in ("paper", "surface", "raised")] + [("focus", ground) for ground in GROUNDS]
SHAPE += [(f"{state}-{part}", "surface") for state in STATES for part in ("mark", "ink")]
BLIND = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def contrast(one: str, other: str, theme: int) -> float:
    """WCAG contrast of two tokens in a theme (0 light, 1 dark)."""
    return ratio(TOKENS[one][theme], TOKENS[other][theme])


def ratio(one: str, other: str) -> float:
    shares = (0.2126, 0.7152, 0.0722)
    lights = [sum(w * c for w, c in zip(shares, _linear(colour), strict=True)) for colour in (one, other)]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def apart(one: str, other: str, eyes: str, theme: int) -> float:
    """How far two states' marks are apart (CIE 1976) for eyes of this kind."""
    seen = []
    for state in (one, other):
        colour = _linear(TOKENS[f"{state}-mark"][theme])
        seen.append(_lab([sum(m * c for m, c in zip(row, colour, strict=True)) for row in BLIND[eyes]]))
    return sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5


def _linear(colour: str) -> list[float]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _lab(colour: list[float]) -> tuple[float, float, float]:
    r, g, b = (min(max(part, 0.0), 1.0) for part in colour)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)

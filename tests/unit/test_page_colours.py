"""Every state's letter can be read on its colour, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = Path("dashboards/live/static/style.css").read_text(encoding="utf-8")
LEAST = 4.5
"""WCAG 2.2, 1.4.3: the contrast of text with what is behind it."""


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of `#rrggbb` or `#rgb`."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def colours(selector: str) -> dict[str, str]:
    block = re.search(re.escape(selector) + r" \{(.*?)\}", STYLE, re.DOTALL)
    assert block is not None, selector
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block[1]))


LIGHT = colours(":root")
DARK = {':root[data-theme="dark"]', ':root[data-theme="auto"]'}


@pytest.mark.parametrize("theme", [":root", *sorted(DARK)])
def test_letters_and_words_stand_out_from_what_is_behind_them(theme: str) -> None:
    of = LIGHT | colours(theme)
    states = re.findall(
        r"\.state-(\w+)(?:, \.state-\w+)? \{ background: var\(--([\w-]+)\);"
        r".* color: var\(--([\w-]+)\)",
        STYLE,
    )
    assert {state for state, _, _ in states} >= {
        "execute",
        "starved",
        "blocked",
        "fault",
        "held",
        "stopped",
        "unknown",
    }
    pairs = [(behind, text) for _, behind, text in states]
    pairs += [("card", text) for text in ("text", "dim", "accent", "bad", "warn", "fine")]
    pairs += [("bg", "text"), ("bg", "dim"), ("shade", "text"), ("accent", "card"), ("bad", "card")]
    weak = {pair: round(contrast(of[pair[0]], of[pair[1]]), 2) for pair in pairs}
    assert {pair: found for pair, found in weak.items() if found < LEAST} == {}


def test_both_ways_to_the_dark_theme_have_the_same_colours() -> None:
    assert len({tuple(sorted(colours(selector).items())) for selector in DARK}) == 1

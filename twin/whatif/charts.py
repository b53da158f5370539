"""Plots as SVG, drawn to stand in a page: colours are the page's own, by class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "forest", "series", "ticks"]

WIDTH = 860
LEFT, RIGHT = 210, 30
ROW = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a plot of intervals.

    Args:
        label: what stands before it.
        low, middle, high: in the figure's unit.
        kind: a class of the page's: `better`, `worse`, `unsure`, `plain`.
        text: what stands behind it, and is shown on hovering.
    """

    label: str
    low: float
    middle: float
    high: float
    kind: str
    text: str


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round values that span a range: two at least, also where it is a single value.

    >>> ticks(0, 97)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    >>> ticks(0, 0)
    [0.0, 0.2]
    """
    span = high - low or abs(high) or 1.0
    rough = span / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def _short(label: str) -> str:
    return label if len(label) <= 28 else f"{label[:27]}…"


def _number(value: float) -> str:
    return f"{value:,.6g}"


def forest(bars: Sequence[Bar], *, zero: bool, axis: str) -> str:
    """Intervals below each other on one axis.

    Args:
        bars: at least one.
        zero: whether 0 is on the axis, with a line of its own.
        axis: what the axis is called.
    """
    low = min([bar.low for bar in bars] + ([0.0] if zero else []))
    high = max([bar.high for bar in bars] + ([0.0] if zero else []))
    marks = ticks(low, high)
    low, high = marks[0], marks[-1]
    height = ROW * len(bars) + 54

    def x(value: float) -> float:
        share = (value - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    parts = [_open(height, axis)]
    bottom = height - 42
    for mark in marks:
        kind = "zero" if zero and mark == 0 else "grid"
        parts += [
            _rule(kind, (x(mark), x(mark)), (4, bottom)),
            _text("tick", x(mark), bottom + 16, "middle", _number(mark)),
        ]
    for i, bar in enumerate(bars):
        y = ROW * i + ROW // 2 + 4
        parts += [
            f'<g class="{bar.kind}"><title>{escape(f"{bar.label}: {bar.text}")}</title>',
            _text("label", LEFT - 14, y + 4, "end", _short(bar.label)),
            _rule("bar", (x(bar.low), x(bar.high)), (y, y)),
            *(_rule("end", (x(end), x(end)), (y - 5, y + 5)) for end in (bar.low, bar.high)),
            f'<circle class="dot" cx="{x(bar.middle)}" cy="{y}" r="5"/></g>',
        ]
    return "".join([*parts, _axis_name(axis, height), "</svg>"])


def series(
    lines: Iterable[tuple[str, Sequence[float], Sequence[float]]],
    *,
    axes: tuple[str, str],
    upright: tuple[float, str] | None = None,
    height: int = 260,
) -> str:
    """Lines over a common axis.

    Args:
        lines: class, x and y of each.
        axes: what the axes are called, x and y.
        upright: a value of x that is marked, and what for.
        height: of the picture.
    """
    drawn = [(kind, list(xs), list(ys)) for kind, xs, ys in lines]
    horizontal = ticks(min(min(xs) for _, xs, _ in drawn), max(max(xs) for _, xs, _ in drawn), 8)
    vertical = ticks(min(min(ys) for _, _, ys in drawn), max(max(ys) for _, _, ys in drawn), 5)
    left, bottom = 80, height - 46

    def x(value: float) -> float:
        share = (value - horizontal[0]) / (horizontal[-1] - horizontal[0])
        return round(left + share * (WIDTH - left - RIGHT), 1)

    def y(value: float) -> float:
        share = (value - vertical[0]) / (vertical[-1] - vertical[0])
        return round(bottom - share * (bottom - 24), 1)

    parts = [_open(height, f"{axes[1]} over {axes[0]}")]
    for mark in vertical:
        parts += [
            _rule("grid", (left, WIDTH - RIGHT), (y(mark), y(mark))),
            _text("tick", left - 8, y(mark) + 4, "end", _number(mark)),
        ]
    parts += [_text("tick", x(m), bottom + 16, "middle", _number(m)) for m in horizontal]
    for kind, xs, ys in drawn:
        points = " ".join(f"{x(a)},{y(b)}" for a, b in zip(xs, ys, strict=True))
        parts.append(f'<polyline class="line {kind}" points="{points}"/>')
    parts.append(_text("tick", left, 12, "start", axes[1]))
    if upright is not None:
        at, late = x(upright[0]), upright[0] > (horizontal[0] + horizontal[-1]) / 2
        parts += [
            _rule("zero", (at, at), (24, bottom)),
            _text("tick", at - 6, bottom - 8, "end", upright[1])
            if late
            else _text("tick", at + 6, bottom - 8, "start", upright[1]),
        ]
    return "".join([*parts, _axis_name(axes[0], height), "</svg>"])


def _text(kind: str, x: float, y: float, anchor: str, text: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _rule(kind: str, xs: tuple[float, float], ys: tuple[float, float]) -> str:
    return f'<line class="{kind}" x1="{xs[0]}" x2="{xs[1]}" y1="{ys[0]}" y2="{ys[1]}"/>'


def _open(height: int, name: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(name)}" '
        'xmlns="http://www.w3.org/2000/svg">'
    )


def _axis_name(name: str, height: int) -> str:
    return _text("tick", (LEFT + WIDTH - RIGHT) / 2, height - 8, "middle", name)

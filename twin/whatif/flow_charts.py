"""What limits a line, drawn: who does when, and arrows for what starves and what blocks."""

from __future__ import annotations

import math
from html import escape

from twin.whatif.bottleneck import Bottleneck, Wait
from twin.whatif.words import spoken_time

__all__ = ["flow_arrows", "limit_strips"]

WIDTH, ROW, BOX_LEFT, BOX_RIGHT = 860, 34, 380, 480
SHOWN_SHARE = 0.005
"""A wait of less of a station's time is not drawn."""


def limit_strips(found: Bottleneck) -> str:
    """A strip for each station that limits the line at any time: the darker, the surer."""
    ranked = [one.station for one in found.ranked][:12]
    number = {station.id: i for i, station in enumerate(found.line.stations)}
    left, right, row = 110, 20, 22
    height = row * len(ranked) + 34
    bins = found.timeline.shape[1]
    step = (WIDTH - left - right) / bins
    parts = [_svg(height, "who limits the line along the span")]
    for k, name in enumerate(ranked):
        y = k * row + 4
        parts.append(
            f'<text class="label" x="{left - 8}" y="{y + 14}" text-anchor="end">{name}</text>'
        )
        for b, share in enumerate(found.timeline[number[name]].tolist()):
            if share > 0:
                x = left + b * step
                parts.append(
                    f'<rect class="strip" x="{x:.1f}" y="{y}" width="{step + 0.3:.1f}" '
                    f'height="{row - 4}" fill-opacity="{share:.3f}"><title>{name}: {share:.0%}'
                    "</title></rect>"
                )
    end = spoken_time(found.plan.span_us)
    y = height - 10
    parts.append(f'<text class="tick" x="{left}" y="{y}" text-anchor="start">0</text>')
    parts.append(f'<text class="tick" x="{WIDTH - right}" y="{y}" text-anchor="end">{end}</text>')
    return "".join([*parts, "</svg>"])


def flow_arrows(found: Bottleneck) -> str:
    """Stations below each other; arcs on the left starve, arcs on the right block."""
    ids = [station.id for station in found.line.stations]
    y_of = {name: k * ROW + 26 for k, name in enumerate(ids)}
    waiting = {one.station: one.waiting.mean for one in found.stations}
    limits = {one.station: one.share.mean for one in found.stations}
    height = ROW * len(ids) + 20
    parts = [
        _svg(height, "starved and blocked flows"),
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
            'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
            '<path class="tip" d="M0,0L8,4L0,8z"/></marker></defs>'
        ),
    ]
    parts += [
        _arc(wait, y_of[other], y_of[wait.station])
        for wait in reversed(found.waits)
        if wait.share.mean >= SHOWN_SHARE
        for other in wait.others or (wait.station,)
    ]
    most = max(limits.values())
    for name in ids:
        share = min(1.0, 0.0 if math.isnan(waiting[name]) else waiting[name])
        kind = "limit" if limits[name] == most > 0 else "station"
        parts.append(_box(name, y_of[name], share, kind))
    return "".join([*parts, "</svg>"])


def _box(name: str, y: float, waits: float, kind: str) -> str:
    width = BOX_RIGHT - BOX_LEFT
    bar = f'x="{BOX_LEFT + 1}" y="{y + 7}" width="{(width - 2) * waits:.1f}" height="4"'
    return (
        f'<g class="{kind}"><rect class="box" x="{BOX_LEFT}" y="{y - 12}" width="{width}" '
        f'height="24" rx="4"/><rect class="waits" {bar}/>'
        f'<text class="label" x="{(BOX_LEFT + BOX_RIGHT) / 2}" y="{y + 3}" '
        f'text-anchor="middle">{escape(name)}</text></g>'
    )


def _arc(wait: Wait, tail: float, head: float) -> str:
    left = wait.kind == "starved"
    x = BOX_LEFT - 2 if left else BOX_RIGHT + 2
    reach = min(300.0, 40 + abs(head - tail) * 0.35) * (-1 if left else 1)
    width = 1 + 12 * wait.share.mean
    word = "starved for" if left else "blocked by"
    text = f"{wait.station}: {word} {wait.cause}, {wait.share.mean:.1%} of its time"
    if not wait.others:
        curve = f"M{x - 60},{head}L{x},{head}"
    else:
        curve = f"M{x},{tail}C{x + reach:.1f},{tail} {x + reach:.1f},{head} {x},{head}"
    return (
        f'<path class="flow {wait.kind}" d="{curve}" stroke-width="{width:.1f}" '
        f'marker-end="url(#tip)"><title>{escape(text)}</title></path>'
    )


def _svg(height: int, name: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(name)}" '
        'xmlns="http://www.w3.org/2000/svg">'
    )

"""What limits a line, in rows of text, as Markdown and as one HTML file with its flows drawn."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from twin.engine.results import Estimate
from twin.whatif.bottleneck import Bottleneck, Wait
from twin.whatif.charts import Bar, forest
from twin.whatif.experiment import Answer
from twin.whatif.figures import FIGURES, figure_number
from twin.whatif.flow_charts import flow_arrows, limit_strips
from twin.whatif.page import page, section
from twin.whatif.report_markdown import plain, table_row
from twin.whatif.telling import shown_interval
from twin.whatif.words import spoken_time

__all__ = [
    "GAIN_HEADINGS",
    "KNOWN_HEADINGS",
    "WAIT_HEADINGS",
    "bottleneck_html",
    "bottleneck_markdown",
    "gain_rows",
    "known_rows",
    "limit_table",
    "said",
    "unit_of",
    "wait_rows",
]

NOW = "limit now %"
LIMIT_HEADINGS = ("station", NOW, "limit over the run %", "of it shifting %", "waits %")
WAIT_HEADINGS = ("station", "waits", "for", "% of its time")
GAIN_HEADINGS = ("change", "gain", "surely")
KNOWN_HEADINGS = ("stretch", "an hour", "how")
MOST_WAITS = 15
METHOD = (
    "active periods on windows of a tenth of the span (Roser, Nakano, Tanaka 2002), of stations "
    "whose parts somebody lacks (Kuo, Lim, Meerkov 1996)"
)


def _percent(found: Estimate | None) -> str:
    if found is None:
        return ""
    half = "" if found.half_width_95 is None else f" ± {found.half_width_95:.1%}"
    return f"{found.mean:.1%}{half}".replace("%", "")


def limit_table(found: Bottleneck) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Who limits the line, the one that does most first: headings and rows.

    There is no 'now' where it does not begin in a state.
    """
    here = [name for name in LIMIT_HEADINGS if name != NOW or found.plan.start is not None]
    kept = [LIMIT_HEADINGS.index(name) for name in here]
    rows = [
        (one.station, *map(_percent, (one.now, one.share, one.shifting, one.waiting)))
        for one in found.ranked
    ]
    return tuple(here), [tuple(row[k] for k in kept) for row in rows]


def wait_rows(found: Bottleneck) -> list[tuple[str, ...]]:
    """The longest waits."""
    for_what = {"starved": "parts or material", "blocked": "room"}
    return [
        (w.station, for_what[w.kind], f"{w.cause}{_with(w)}", _percent(w.share))
        for w in found.waits[:MOST_WAITS]
    ]


def _with(wait: Wait) -> str:
    words = {"starved": "from", "blocked": "before"}[wait.kind]
    return f" ({words} {', '.join(wait.others)})" if wait.others else " (material)"


def _order(gains: Answer) -> list[int]:
    sign = 1 if FIGURES[figure_number(gains.plan.figure)].more_is_better else -1
    return sorted(range(1, len(gains.variants)), key=lambda i: -sign * gains.gain(i).mean)


def gain_rows(gains: Answer) -> list[tuple[str, ...]]:
    """What each change gives, the best first."""
    figure = FIGURES[figure_number(gains.plan.figure)]
    rows: list[tuple[str, ...]] = []
    for i in _order(gains):
        gain = gains.gain(i)
        sure = abs(gain.mean) > (gain.half_width_95 or 0.0)
        verdict = ("more" if gain.mean > 0 else "less") if sure else "not proved"
        rows.append((gains.variants[i].name, shown_interval(gain, figure, sign=True), verdict))
    return rows


def known_rows(found: Bottleneck) -> list[tuple[str, ...]]:
    """What theory says; one row that says so where it says nothing."""
    rows: list[tuple[str, ...]] = [
        (
            f"{one.stations[0]} to {one.stations[-1]}",
            f"{one.per_h:,.2f}",
            f"{one.how}: {one.source}",
        )
        for one in found.known
    ]
    why = "no stretch of single machines in series with memoryless or equal constant times"
    return rows or [("none", "", why)]


def said(found: Bottleneck, gains: Answer | None) -> list[str]:
    """The answer in sentences."""
    ranked = found.ranked
    lines = []
    if found.plan.start is not None:
        now = max(found.stations, key=lambda one: one.now.mean if one.now else 0.0)
        if now.now is not None:
            first = spoken_time(found.plan.span_us / 20)
            lines.append(f"Now: {now.station}, in {now.now.mean:.0%} of the first {first}.")
    if ranked:
        others = ", ".join(f"{one.station} {one.share.mean:.0%}" for one in ranked[1:4])
        others = f"; then {others}" if others else ""
        lines.append(f"Over the run: {ranked[0].station}, {ranked[0].share.mean:.0%}{others}.")
    if gains is not None and len(gains.variants) > 1:
        figure = FIGURES[figure_number(gains.plan.figure)]
        lines.append(f"As it is: {shown_interval(gains.mean(0), figure)} {unit_of(gains)}.")
        best = gain_rows(gains)[0]
        if best[2] == "not proved":
            lines.append("No change is proved to help within these replications.")
        else:
            lines.append(f"Most is gained by {best[0]}: {best[1]} {unit_of(gains)}.")
    return lines


def unit_of(gains: Answer) -> str:
    """What gains are counted in, in words."""
    unit = gains.variants[0].line.product.unit
    return FIGURES[figure_number(gains.plan.figure)].words.replace("{unit}", f"{unit}s")


def _made(found: Bottleneck) -> list[tuple[str, str]]:
    start = found.plan.start
    begin = "an empty line" if start is None else f"a state at {spoken_time(start.at_us)}"
    warm_up = spoken_time(found.warm_up_us) if found.warm_up_us else "none"
    runs = f"{found.replications}, seed {found.plan.seed}, engine {found.engine}"
    return [
        ("method", METHOD),
        ("start", f"{begin}, warm-up {warm_up}"),
        ("span", spoken_time(found.plan.span_us)),
        ("replications", runs),
        ("intervals", "± is half of a 95 % interval over replications; gains are paired"),
    ]


def _title(found: Bottleneck) -> str:
    return f"{found.line.id}: what limits it"


def bottleneck_markdown(found: Bottleneck, gains: Answer | None) -> str:
    """Write it as a page of Markdown."""
    lines = [f"# {plain(_title(found))}", "", *(f"- {plain(one)}" for one in said(found, gains))]

    def table(heading: str, headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
        lines.extend(["", f"## {heading}", "", table_row(headings)])
        lines.append(f"|---|{'---:|' * (len(headings) - 1)}")
        lines.extend(table_row(row) for row in rows)

    table("Who limits the line", *limit_table(found))
    table("Who waits for what", WAIT_HEADINGS, wait_rows(found))
    if gains is not None:
        table(f"What would help, {unit_of(gains)}", GAIN_HEADINGS, gain_rows(gains))
    table("What theory says of stretches by themselves", KNOWN_HEADINGS, known_rows(found))
    lines += ["", "## How it was made", "", *(f"- {a}: {plain(b)}" for a, b in _made(found))]
    return "\n".join(lines) + "\n"


def bottleneck_html(found: Bottleneck, gains: Answer | None) -> str:
    """Write it as one file of HTML, with the waits drawn as arrows between the stations."""
    body = [f"<p>{escape(one)}</p>" for one in said(found, gains)]
    body.append(_table(*limit_table(found)))
    body.append(section("Who limits the line, along the span", limit_strips(found)))
    note = (
        '<p class="note">An arrow on the left: the station starves for what the one at its tail '
        "makes. On the right: it is blocked, as the one at the tail does not make room. The wider, "
        "the more of its time; the bar in a box is all of its waiting.</p>"
    )
    body.append(section("Starved and blocked flows", flow_arrows(found) + note))
    body.append(_table(WAIT_HEADINGS, wait_rows(found)))
    if gains is not None and len(gains.variants) > 1:
        figure = FIGURES[figure_number(gains.plan.figure)]
        bars = []
        for i, row in zip(_order(gains), gain_rows(gains), strict=True):
            gain = gains.gain(i)
            mean, half = gain.mean * figure.scale, (gain.half_width_95 or 0.0) * figure.scale
            kind = {"more": "better", "less": "worse"}.get(row[2], "unsure")
            bars.append(Bar(row[0], mean - half, mean, mean + half, kind, row[1]))
        plot = forest(bars, zero=True, axis=f"difference, 95 % interval: {unit_of(gains)}")
        body.append(section("What would help", plot + _table(GAIN_HEADINGS, gain_rows(gains))))
        if gains.stopped_by in ("interrupted", "time"):
            body.insert(0, '<p class="warning">The answer so far: less precise than asked for.</p>')
    table = _table(KNOWN_HEADINGS, known_rows(found))
    body.append(section("What theory says of stretches by themselves", table))
    made = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in _made(found))
    body.append(section("How it was made", f"<dl>{made}</dl>"))
    return page(_title(found), body)


def _table(headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'

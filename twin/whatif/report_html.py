"""An answer as one HTML file that needs nothing else: no script, no network, light and dark."""

from __future__ import annotations

from html import escape

from twin.whatif.charts import Bar, forest, series
from twin.whatif.estimates import difference
from twin.whatif.experiment import Answer
from twin.whatif.figures import FIGURES, Figure, figure_number
from twin.whatif.page import page, section
from twin.whatif.result import SavedAnswer
from twin.whatif.telling import (
    QUANTILE_HEADINGS,
    facts,
    headings,
    quantile_rows,
    rows,
    shown,
    title,
    verdict,
)

__all__ = ["html_report"]

MOST_LINES = 6
HOUR_US = 3_600_000_000


def html_report(kept: SavedAnswer) -> str:
    """Write an answer as a page of HTML.

    Args:
        kept: the answer.

    Returns:
        One file with its style and plots inside.
    """
    answer = kept.answer()
    figure = FIGURES[figure_number(kept.figure)]
    unit = answer.variants[0].line.product.unit
    axis = figure.words.replace("{unit}", f"{unit}s" if "a good" not in figure.words else unit)
    parts = []
    if kept.stopped_by in ("interrupted", "time"):
        parts.append('<p class="warning">The answer so far: less precise than asked for.</p>')
    parts += [f"<p>{escape(sentence)}</p>" for sentence in verdict(answer)]
    parts.append(_table(answer))
    if len(answer.variants) > 1:
        parts.append(section(f"Difference from the line as it is: {axis}", _gains(answer, figure)))
    parts.append(section(f"One replication and the next: {axis}", _spreads(answer, figure, axis)))
    if len(answer.variants) > 1:
        heading = "How the answer settled: half-width of each difference, by replications"
        parts.append(section(heading, _settling(answer, figure)))
    if kept.warm_up.curve:
        parts.append(section("Warm-up: output of the pilot replications", _warm_up(kept, unit)))
    parts.append(section("What is different", _differences(answer)))
    made = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in facts(kept))
    parts.append(section("How it was made", f"<dl>{made}</dl>"))
    return page(title(kept, answer), parts)


def _table(answer: Answer) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings(answer))
    body = []
    for row in rows(answer):
        kind = "plain" if row.sure is None else _kind(row.sure, row.better)
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row.cells)
        body.append(f'<tr class="{kind}">{cells}</tr>')
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
        '<p class="note">± is half of a 95 % interval; 5, 50 and 95 % are quantiles over '
        "replications; green is surely better, orange surely worse, grey not told apart.</p>"
    )


def _kind(sure: bool, better: bool) -> str:
    return ("better" if better else "worse") if sure else "unsure"


def _gains(answer: Answer, figure: Figure) -> str:
    bars = []
    for i, row in enumerate(rows(answer)[1:], start=1):
        gain = answer.gain(i)
        mean, half = gain.mean * figure.scale, (gain.half_width_95 or 0.0) * figure.scale
        kind = _kind(bool(row.sure), row.better)
        name = answer.variants[i].name
        bars.append(Bar(name, mean - half, mean, mean + half, kind, row.cells[2]))
    return forest(bars, zero=True, axis="difference, 95 % interval")


def _spreads(answer: Answer, figure: Figure, axis: str) -> str:
    bars = []
    for i, variant in enumerate(answer.variants):
        low, middle, high = (answer.quantile(i, p).value for p in (0.05, 0.5, 0.95))
        text = f"{shown(low, figure)} / {shown(middle, figure)} / {shown(high, figure)}"
        scale = figure.scale
        bars.append(Bar(variant.name, low * scale, middle * scale, high * scale, "plain", text))
    head = "".join(f"<th>{heading}</th>" for heading in QUANTILE_HEADINGS)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in quantile_rows(answer)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return (
        forest(bars, zero=False, axis=f"{axis}: 5, 50 and 95 % of replications")
        + f'<div class="wide">{table}</div>'
        + '<p class="note">In brackets the 95 % interval of each quantile; ? where it takes more '
        "replications to give that end.</p>"
    )


def _settling(answer: Answer, figure: Figure) -> str:
    n = answer.replications
    steps = sorted({max(3, round(n * k / 60)) for k in range(1, 61)} & set(range(3, n + 1)))
    if len(steps) < 2:
        return '<p class="note">Too few replications to show.</p>'
    lines = []
    for i in range(1, min(len(answer.variants), MOST_LINES + 1)):
        values, base = answer.of(i), answer.of(0)
        halves = [difference(values[:k], base[:k]).half_width_95 or 0.0 for k in steps]
        lines.append((f"line{i}", steps, [half * figure.scale for half in halves]))
    names = [
        f'<span class="key line{i}">{escape(answer.variants[i].name)}</span>'
        for i in range(1, min(len(answer.variants), MOST_LINES + 1))
    ]
    plot = series(lines, axes=("replications", "half-width"))
    return f'{plot}<p class="keys">{" ".join(names)}</p>'


def _warm_up(kept: SavedAnswer, unit: str) -> str:
    step_h = kept.warm_up.interval_us / HOUR_US
    hours = [(i + 1) * step_h for i in range(len(kept.warm_up.curve))]
    per_h = [value / step_h for value in kept.warm_up.curve]
    marked = (kept.warm_up.us / HOUR_US, "counted from here on")
    axes = ("hours since the start", f"good {unit}s an hour")
    return series([("line1", hours, per_h)], axes=axes, upright=marked)


def _differences(answer: Answer) -> str:
    parts = []
    for variant in answer.variants[1:]:
        items = "".join(f"<li>{escape(str(one))}</li>" for one in variant.differences)
        parts.append(f"<h3>{escape(variant.name)}</h3><ul>{items}</ul>")
    return "".join(parts) or "<p>Nothing is compared: this is the line as it is.</p>"

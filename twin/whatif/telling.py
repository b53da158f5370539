"""An answer in words and rows of text: what the terminal and every report show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm

from twin.engine.results import Estimate
from twin.whatif.estimates import QuantileEstimate
from twin.whatif.experiment import Answer
from twin.whatif.figures import FIGURES, Figure, figure_number
from twin.whatif.result import SavedAnswer
from twin.whatif.words import spoken_time

__all__ = [
    "QUANTILE_HEADINGS",
    "Row",
    "facts",
    "headings",
    "quantile_rows",
    "rows",
    "shown",
    "shown_interval",
    "title",
    "verdict",
]

HEADINGS = ("scenario", "mean", "difference", "in %", "5 %", "50 %", "95 %")
BESIDE = (("yield %", "yield_ratio", 1.0), ("kWh a unit", "kwh_per_unit", 0.0))
"""Figures told beside the one that is compared: heading, name, and what says nothing."""
STOPPED = {
    "precision": "the precision asked for is reached",
    "replications": "the number of replications is reached",
    "time": "the time is up: the answer so far",
    "interrupted": "interrupted: the answer so far",
    "": "still running",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario's line of the table; texts, in the order of `headings`.

    Args:
        cells: the texts.
        sure: whether 0 lies outside the interval of the difference; None for the baseline.
        better: whether the difference is to the good.
    """

    cells: tuple[str, ...]
    sure: bool | None
    better: bool


def shown(value: float, figure: Figure, digits: int | None = None) -> str:
    """Write a figure's value as people read it."""
    return f"{value * figure.scale:,.{figure.digits if digits is None else digits}f}"


def shown_interval(found: Estimate, figure: Figure, sign: bool = False) -> str:
    """Write a mean and its half-width as people read them."""
    digits, half = figure.digits, found.half_width_95
    if half:
        # As many digits as it takes to see the half-width.
        while digits < 6 and half * figure.scale < 2 * 10**-digits:
            digits += 1
    mean = shown(found.mean, figure, digits)
    plus = "+" if sign and not mean.startswith("-") else ""
    return f"{plus}{mean}" + ("" if half is None else f" ± {shown(half, figure, digits)}")


def _beside(answer: Answer) -> list[tuple[str, str]]:
    """The figures told beside: not the yield of a line that scraps nothing, say."""
    return [
        (heading, name)
        for heading, name, nothing in BESIDE
        if any(answer.mean(i, name).mean != nothing for i in range(len(answer.variants)))
    ]


def headings(answer: Answer) -> tuple[str, ...]:
    """The table's headings."""
    return (*HEADINGS, *(heading for heading, _ in _beside(answer)))


def rows(answer: Answer) -> tuple[Row, ...]:
    """The table: a row for the baseline and one for each scenario."""
    figure = FIGURES[figure_number(answer.plan.figure)]
    base = answer.mean(0).mean
    found = []
    for i, variant in enumerate(answer.variants):
        gain = answer.gain(i)
        half = gain.half_width_95 or 0.0
        quantiles = [answer.quantile(i, share).value for share in (0.05, 0.5, 0.95)]
        others = [(name, answer.mean(i, name)) for _, name in _beside(answer)]
        percent = ""
        if i and base:
            percent = f"{gain.mean / abs(base):+.2%} ± {half / abs(base):.2%}"
        cells = (
            variant.name,
            shown_interval(answer.mean(i), figure),
            shown_interval(gain, figure, sign=True) if i else "",
            percent.replace("%", ""),
            *(shown(value, figure) for value in quantiles),
            *(shown(mean.mean, FIGURES[figure_number(name)]) for name, mean in others),
        )
        sure = abs(gain.mean) > half if i else None
        found.append(Row(cells, sure, (gain.mean > 0) == figure.more_is_better))
    return tuple(found)


QUANTILE_HEADINGS = ("scenario", "5 %", "50 %", "95 %")


def quantile_rows(answer: Answer) -> tuple[tuple[str, ...], ...]:
    """Quantiles over replications with their 95 % intervals, a row for each scenario."""
    figure = FIGURES[figure_number(answer.plan.figure)]

    def end(value: float | None) -> str:
        return "?" if value is None else shown(value, figure)

    def told(found: QuantileEstimate) -> str:
        return f"{shown(found.value, figure)} ({end(found.low)} to {end(found.high)})"

    return tuple(
        (variant.name, *(told(answer.quantile(i, share)) for share in (0.05, 0.5, 0.95)))
        for i, variant in enumerate(answer.variants)
    )


def title(kept: SavedAnswer, answer: Answer) -> str:
    """What the answer is about, in a line."""
    figure = FIGURES[figure_number(kept.figure)]
    unit = answer.variants[0].line.product.unit
    start = (
        f"from {kept.start.name}"
        if kept.start
        else ("in steady state" if kept.warm_up.us else "from an empty line")
    )
    words = figure.words.replace("{unit}", f"{unit}s" if "a good" not in figure.words else unit)
    return f"{kept.line_id}: {words}, over {spoken_time(kept.span_us)} {start}"


def verdict(answer: Answer) -> tuple[str, ...]:
    """What is sure and what is not: a sentence for each scenario, and one where it needs care."""
    figure = FIGURES[figure_number(answer.plan.figure)]
    said = []
    for i, variant in enumerate(answer.variants[1:], start=1):
        gain = answer.gain(i)
        half = gain.half_width_95 or 0.0
        low, high = shown(gain.mean - half, figure), shown(gain.mean + half, figure)
        if abs(gain.mean) > half:
            kind = "more" if gain.mean > 0 else "less"
            said.append(
                f"{variant.name}: {kind}, surely; the difference is {low} to {high} (95 %)."
            )
        else:
            said.append(f"{variant.name}: no difference is proved; it is {low} to {high} (95 %).")
    return (*said, *_part_of_a_period(answer))


def _part_of_a_period(answer: Answer) -> Iterator[str]:
    """Say so where a steady state is told from a part of what comes back as a whole."""
    line, span_us = answer.variants[0].line, answer.plan.span_us
    period_us = lcm(*(stop.every_us for calendar in line.calendars for stop in calendar.stops))
    if answer.warm_up.us and span_us % period_us:
        span, period = spoken_time(span_us), spoken_time(period_us)
        yield (
            f"Only in part a steady state: the line's planned stops come back every {period}, and "
            f"of that {span} are counted. Count {period} or a multiple of it."
        )


def facts(kept: SavedAnswer) -> tuple[tuple[str, str], ...]:
    """How the answer was made: names and texts."""
    asked = "" if kept.precision_asked is None else f", asked for {kept.precision_asked:.3%}"
    reached = kept.precision_reached
    precision = "none" if reached is None else f"± {reached:.3%} of the baseline's mean{asked}"
    start = "an empty line"
    if kept.start is not None:
        age = kept.start.age_s
        old = "of unknown age" if age is None else f"{spoken_time(age * 1e6)} old then"
        start = f"{kept.start.name}, engine time {spoken_time(kept.start.at_us)}, {old}"
    warm_up = f"{spoken_time(kept.warm_up.us)}, {kept.warm_up.how}" if kept.warm_up.us else "none"
    file = f"{kept.line_file or 'made in Python'}"
    sha = f", sha256 {kept.line_sha256[:16]}" if kept.line_sha256 else ""
    return (
        ("ended because", STOPPED[kept.stopped_by]),
        ("replications", f"{kept.replications} of each scenario, with common random numbers"),
        ("precision", precision),
        ("intervals", "95 %, each by itself; differences are paired, replication by replication"),
        ("start", start),
        ("warm-up", warm_up),
        ("counted", spoken_time(kept.span_us)),
        *(("carried over", note) for note in kept.notes),
        ("seed", str(kept.seed)),
        ("engine", f"{kept.engine}, linetwin {kept.linetwin}, {kept.workers}"),
        ("line", f"{kept.line_id}, {file}{sha}, behaviour {kept.line_digest[:16]}"),
        ("made", kept.made_at),
        *((("command", kept.command),) if kept.command else ()),
    )

"""A hypothesis strategy for small changes of a line: what scenarios try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from twin.model import Line
from twin.model.calendar import Calendar, PlannedStop
from twin.model.checks import check_line
from twin.model.durations import Constant, Exponential
from twin.model.failures import Changeover, Crew, Failure, Maintenance
from twin.model.materials import Delivery
from twin.model.quality import Rework

__all__ = ["changed_lines"]

SECOND = 1_000_000
times = st.one_of(
    st.integers(1, 9).map(lambda n: Constant(mean_us=n * SECOND)),
    st.sampled_from([2, 12]).map(
        lambda n: Exponential(distribution="exponential", mean_us=n * SECOND)
    ),
)
crews = st.sampled_from([None, "crew", "other"])
shares = st.sampled_from([0.0, 0.3, 0.6])
Update = dict[str, Any]
KINDS = [
    *("machines", "machines", "places", "lanes", "cycle_time", "effectiveness", "failures"),
    *("failure", "clock", "changeovers", "maintenance", "plan", "calendar", "scrap", "rework"),
    *("defects", "inspection", "uses"),
]


def _some_of(draw: st.DrawFn, items: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """One of some elements is changed, or gone."""
    if not items:
        return ()
    at = draw(st.integers(0, len(items) - 1))
    kept = () if draw(st.integers(0, 3)) == 0 else (change(items[at]),)
    return (*items[:at], *kept, *items[at + 1 :])


def _failure(draw: st.DrawFn, failure: Failure) -> Failure:
    time = failure.depends_on == "time"
    stops = draw(st.sampled_from(["work", "handling"])) if time else "work"
    after = "resume" if stops == "handling" else draw(st.sampled_from(["resume", "restart"]))
    update: Update = {"mtbf": draw(times), "mttr": draw(times)}
    update |= {"crew": draw(crews), "stops": stops, "after": after}
    keys = draw(st.sets(st.sampled_from(sorted(update)), min_size=1))
    if keys & {"stops", "after"}:
        keys |= {"stops", "after"}
    return failure.model_copy(update={key: update[key] for key in keys})


def _new_failure(draw: st.DrawFn, places: int, like: tuple[Failure, ...]) -> Failure:
    clock = like[0].depends_on if like else "time" if places > 1 else "operation"
    new = {"id": draw(st.sampled_from(["f0", "extra"])), "mtbf": draw(times), "mttr": draw(times)}
    return Failure(**new, depends_on=clock, crew=draw(crews))  # type: ignore[arg-type]


def _station(draw: st.DrawFn, line: Line, index: int) -> Update:
    """Other fields for one station."""
    s = line.stations[index]
    kind = draw(st.sampled_from(KINDS))
    match kind:
        case "machines":
            return {kind: max(1, s.machines + draw(st.sampled_from([-1, -1, 1, 2])))}
        case "places" | "lanes":
            return {kind: draw(st.integers(1, 3))}
        case "cycle_time":
            return {kind: draw(times)}
        case "effectiveness":
            return {kind: draw(st.sampled_from([0.5, 1.0, 2.0]))}
        case "failures":
            return {kind: _some_of(draw, s.failures, lambda f: _failure(draw, f))}
        case "failure":
            return {"failures": (*s.failures, _new_failure(draw, s.places, s.failures))}
        case "clock":
            other = {"operation": "time", "time": "operation"}
            return {
                "failures": tuple(
                    f.model_copy(update={"depends_on": other[f.depends_on], "stops": "work"})
                    for f in s.failures
                )
            }
        case "changeovers":
            new = Changeover(id="c", every=draw(times), lasts=draw(times))
            return {kind: draw(st.sampled_from([(), (new,)]))}
        case "maintenance":
            other_crew = draw(crews)
            return {
                kind: _some_of(
                    draw,
                    s.maintenance,
                    lambda m: m.model_copy(update={"crew": other_crew, "lasts_us": SECOND}),
                )
            }
        case "plan":
            plan = Maintenance(every_us=9 * SECOND, lasts_us=2 * SECOND, crew=draw(crews))
            return {"maintenance": (*s.maintenance, plan)}
        case "calendar":
            return {kind: draw(st.sampled_from([None, "cal", "breaks", "long"]))}
        case "scrap":
            return {kind: draw(shares)}
        case "rework":
            to = s.rework.to if s.rework else None
            return {kind: draw(st.sampled_from([None, Rework(rate=0.25, to=to)]))}
        case "defects":
            return {
                kind: {name: draw(shares) / 2 for name in draw(st.sampled_from(["", "u", "v"]))}
            }
        case "inspection":
            return {kind: None}
        case _:
            return {"uses": s.uses[:-1]}


def _buffer(draw: st.DrawFn, line: Line, index: int) -> Update:
    b = line.buffers[index]
    if draw(st.integers(0, 3)) == 0:
        return {"lanes": draw(st.sampled_from([1, 2, 3, 4]))}
    if b.share is not None and draw(st.booleans()):
        return {"share": None}
    return {"capacity": draw(st.sampled_from([0, 1, 2, 3, 5, 9, None]))}


def _one_change(draw: st.DrawFn, line: Line) -> Line:
    what = draw(
        st.sampled_from([*["stations"] * 4, *["buffers"] * 3, "crews", "materials", "line"])
    )
    if what == "line":
        return line.model_copy(
            update=draw(
                st.sampled_from(
                    [
                        {"calendar": None},
                        {"calendar": "long"},
                        {"defects": line.defects[::-1]},
                    ]
                )
            )
        )
    elements = list(getattr(line, what))
    at = draw(st.integers(0, len(elements) - 1))
    if what == "stations":
        update = _station(draw, line, at)
    elif what == "buffers":
        update = _buffer(draw, line, at)
        if "share" in update:
            source = elements[at].sources
            for i, other in enumerate(elements):
                if other.sources == source:
                    elements[i] = other.model_copy(update=update)
    elif what == "crews":
        update = {"size": draw(st.integers(1, 3))}
    else:
        come = Delivery(every_us=draw(st.integers(1, 9)) * SECOND, amount=2.0)
        update = draw(st.sampled_from([{"stock": None}, {"stock": 2.0}, {"delivery": come}]))
    elements[at] = elements[at].model_copy(update=update)
    return line.model_copy(update={what: tuple(elements)})


@st.composite
def changed_lines(draw: st.DrawFn, line: Line, most: int = 3) -> Line:
    """Draw a valid line that is a small change of another one.

    Args:
        line: the line to change; with the crews, calendars and materials of `random_lines`.
        most: changes at the same time.
    """
    for _ in range(draw(st.integers(1, most))):
        line = _one_change(draw, line)
    # What it may name and the other line lacks.
    stop = PlannedStop(every_us=40 * SECOND, lasts_us=20 * SECOND)
    line = line.model_copy(
        update={
            "crews": (*line.crews, Crew(id="other", size=1)),
            "calendars": (*line.calendars, Calendar(id="long", stops=(stop,))),
        }
    )
    if check_line(line):
        reject()
    return line

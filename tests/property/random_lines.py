"""A hypothesis strategy for small valid lines over the whole model, made so that ties abound.

Lines grow from their sources: each step joins some of the open ends to new stations. What a step
does not allow is not drawn, so hardly a line has to be thrown away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from twin.model import Line
from twin.model.checks import check_line

__all__ = ["lines"]

SECOND = 1_000_000
ROUND = st.sampled_from([1, 1, 2, 2, 3, 4, 6]).map(lambda n: n * SECOND)
SOME = st.sampled_from([0.1, 0.25, 0.5])


@dataclass
class _Sketch:
    """What has been drawn so far; units are units of product for each part."""

    stations: list[dict[str, Any]] = field(default_factory=list)
    buffers: list[dict[str, Any]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    units: dict[str, float] = field(default_factory=dict)
    units_in: dict[str, float] = field(default_factory=dict)
    sources: dict[str, set[str]] = field(default_factory=dict)
    before: dict[str, set[str]] = field(default_factory=dict)

    def station(self) -> str:
        name = chr(ord("A") + len(self.stations))
        self.stations.append({"id": name})
        return name

    def joined(self, name: str, ends: list[str]) -> None:
        self.sources[name] = {s for end in ends for s in self.sources[end]}
        self.before[name] = {name, *(b for end in ends for b in self.before[end])}
        self.ends.append(name)

    def buffer(self, sources: list[str], sinks: list[str], share: float | None = None) -> None:
        name = f"q{len(self.buffers)}"
        self.buffers.append({"id": name, "sources": sources, "sinks": sinks, "share": share})

    def inputs(self, name: str) -> list[dict[str, Any]]:
        return [b for b in self.buffers if name in b["sinks"]]


def _time(constants_only: bool) -> st.SearchStrategy[Any]:
    if constants_only:
        return ROUND
    spread = st.sampled_from(
        [
            {"distribution": "exponential", "mean": 2 * SECOND},
            {"distribution": "triangular", "low": SECOND, "mode": SECOND, "high": 3 * SECOND},
            {"distribution": "empirical", "values": (SECOND, 2 * SECOND, 2 * SECOND, 4 * SECOND)},
        ]
    )
    return st.one_of(ROUND, ROUND, ROUND, spread)


def _grow(draw: st.DrawFn, sketch: _Sketch, live: bool, alone: str | None = None) -> None:
    """Join one or two open ends to one or two new stations; or one that would stay alone."""
    ways = ["series", "series", "sinks", "fork", "shares"]
    ends = sketch.ends
    if len(ends) > 1:
        ways += ["assembly", "merge", "merge"]
    way = draw(st.sampled_from(ways))
    one = alone or draw(st.sampled_from(ends))
    ends.remove(one)
    if way in {"merge", "assembly"}:
        fits = [
            e
            for e in ends
            if (
                math.isclose(sketch.units[e], sketch.units[one])
                if way == "merge"
                # A split whose ways meet again in an assembly can lock: one way is full.
                else not live or sketch.sources[e].isdisjoint(sketch.sources[one])
            )
        ]
        if fits:
            other = draw(st.sampled_from(fits))
            ends.remove(other)
            name = sketch.station()
            if way == "merge":
                sketch.buffer([one, other], [name])
                _finish(draw, sketch, name, sketch.units[one])
            else:
                sketch.buffer([one], [name])
                sketch.buffer([other], [name])
                _finish(draw, sketch, name, None)
            sketch.joined(name, [one, other])
            return
        way = "series"
    first = sketch.station()
    if way == "series":
        sketch.buffer([one], [first])
    second = "" if way == "series" else sketch.station()
    if way == "sinks":
        sketch.buffer([one], [first, second])
    elif way in {"fork", "shares"}:
        share = draw(SOME) if way == "shares" else None
        sketch.buffer([one], [first], share)
        sketch.buffer([one], [second], None if share is None else 1 - share)
    for name in (first, second):
        if name:
            _finish(draw, sketch, name, sketch.units[one])
            sketch.joined(name, [one])


def _finish(draw: st.DrawFn, sketch: _Sketch, name: str, units: float | None) -> None:
    """Draw what a station takes and gives; note the units of its parts."""
    station = next(s for s in sketch.stations if s["id"] == name)
    takes = {}
    count = st.sampled_from([1, 1, 1, 1, 2, 3, 1.5])
    for buffer in sketch.inputs(name):
        takes[buffer["id"]] = draw(count)
    if any(t != 1 for t in takes.values()):
        station["takes"] = takes
    gives = draw(st.sampled_from([None, None, None, 1, 2, 1.5]))
    station["gives"] = gives
    if units is None:
        sketch.units[name] = 1.0
        return
    sketch.units_in[name] = units
    taken = next(iter(takes.values()))
    sketch.units[name] = units if gives is None else units * taken / gives


def _stops(draw: st.DrawFn, live: bool, places: int, crew: bool, least: int = 0) -> dict[str, Any]:
    """Failures, changeovers and maintenance of a station; at least so many of the three."""
    found: dict[str, Any] = {}
    kinds = draw(
        st.sets(
            st.sampled_from(["fail", "change", "serve"]), min_size=least, max_size=max(2, least)
        )
    )
    who = st.sampled_from([None, "crew"]) if crew else st.none()
    # A work that begins anew after each failure is never done when the failures come too soon.
    mtbf = st.sampled_from([23, 30] if live else [3, 5, 8, 13]).map(lambda n: n * SECOND)
    clock = "time" if places > 1 else draw(st.sampled_from(["operation", "time"]))
    if "fail" in kinds:
        found["failures"] = tuple(
            _failure(draw, f"f{i}", clock, mtbf, who) for i in range(draw(st.integers(1, 2)))
        )
    if "change" in kinds and places == 1 and not ("fail" in kinds and clock == "time"):
        found["changeovers"] = (
            {"id": "c", "every": draw(mtbf), "lasts": draw(st.sampled_from([1, 2])) * SECOND},
        )
    if "serve" in kinds:
        found["maintenance"] = tuple(
            {
                "every": draw(st.sampled_from([20, 30, 60] if live else [6, 10, 20])) * SECOND,
                "lasts": draw(ROUND) - 1 or SECOND,
                "first": draw(st.sampled_from([0, 5, 10])) * SECOND,
                "together": draw(st.booleans()),
                "crew": draw(who),
            }
            for _ in range(draw(st.integers(1, 2)))
        )
    return found


def _failure(draw: st.DrawFn, name: str, clock: str, mtbf: Any, who: Any) -> dict[str, Any]:
    handling = clock == "time" and draw(st.booleans())
    return {
        "id": name,
        "depends_on": clock,
        "stops": "handling" if handling else "work",
        "mtbf": draw(mtbf),
        "mttr": draw(ROUND),
        "after": "resume" if handling else draw(st.sampled_from(["resume", "restart", "scrap"])),
        "crew": draw(who),
    }


def _quality(draw: st.DrawFn, sketch: _Sketch, station: dict[str, Any]) -> dict[str, Any]:
    """Scrap, rework, defects and inspection of a station."""
    found: dict[str, Any] = {}
    name = station["id"]
    back = [
        b
        for b in sorted(sketch.before[name])
        if b in sketch.units_in
        and len(sketch.inputs(b)) == 1
        and math.isclose(sketch.units_in[b], sketch.units[name])
    ]
    kinds = draw(st.sets(st.sampled_from(["scrap", "rework", "defects", "inspect"]), max_size=3))
    if "scrap" in kinds:
        found["scrap"] = draw(SOME)
    if "rework" in kinds:
        alone = station["gives"] in {None, 1} and "takes" not in station
        to = draw(st.sampled_from([*([None] if alone else []), *back])) if alone or back else ""
        if to != "":
            found["rework"] = {"rate": draw(SOME), "to": to}
    if "defects" in kinds:
        found["defects"] = {d: draw(SOME) for d in draw(st.sampled_from(["u", "v", "uv"]))}
    if "inspect" in kinds:
        found["inspection"] = {
            "detects": {d: draw(SOME) for d in draw(st.sampled_from(["u", "uv"]))},
            "false_reject": draw(st.sampled_from([0.0, 0.1, 0.25])),
            "rejects_to": draw(st.sampled_from([None, *back])),
        }
    return found


def _equip(
    draw: st.DrawFn,
    sketch: _Sketch,
    station: dict[str, Any],
    live: bool,
    constants_only: bool,
    eventful: bool,
) -> None:
    """Draw the machines of a station and what happens to them and to its parts."""
    lanes = draw(st.sampled_from([1, 1, 1, 2]))
    station["lanes"] = lanes
    station["machines"] = lanes * draw(st.sampled_from([1, 1, 1, 2]))
    station["places"] = draw(st.sampled_from([1, 1, 1, 2, 3]))
    station["cycle_time"] = draw(_time(constants_only))
    features = draw(
        st.sets(st.sampled_from(["stops", "quality", "calendar", "uses", "slow"]), max_size=2)
    )
    if eventful:
        features |= {"stops", "quality"}
    if "stops" in features:
        station |= _stops(draw, live, station["places"], True, 3 if eventful else 0)
    if "quality" in features:
        station |= _quality(draw, sketch, station)
    if "calendar" in features:
        station["calendar"] = draw(st.sampled_from(["cal", "breaks"]))
    if "uses" in features:
        some = st.sampled_from([0.5, 1.0])
        station["uses"] = tuple(
            {"material": m, "amount": draw(some)}
            for m in draw(st.sampled_from([["glue"], ["foil"], ["glue", "foil"]]))
        )
    if "slow" in features:
        station["effectiveness"] = 0.5


def _hold(draw: st.DrawFn, sketch: _Sketch, buffer: dict[str, Any], live: bool) -> None:
    """Draw a buffer's lanes and capacity, which suffices for each load behind it."""
    buffer["lanes"] = draw(st.sampled_from([1, 1, 1, 2, 4]))
    least, zero = 0, True
    for sink in buffer["sinks"]:
        station = next(s for s in sketch.stations if s["id"] == sink)
        load = math.ceil(station.get("takes", {}).get(buffer["id"], 1))
        reached = max(1, buffer["lanes"] // station["lanes"])
        least = max(least, math.ceil(load / reached))
        zero = zero and load == 1
    sizes = [least, least, least + 1, least + 2, None]
    buffer["capacity"] = draw(st.sampled_from([0, 0, *sizes] if zero else sizes))


def _loop(draw: st.DrawFn, sketch: _Sketch) -> None:
    """Let a station with a way out put into a buffer before it, too."""
    outputs = {s: [b for b in sketch.buffers if s in b["sources"]] for s in sketch.before}
    choices = [
        (s, b)
        for s in sorted(sketch.before)
        for b in sketch.buffers
        if outputs[s]
        and all(o["share"] is None for o in outputs[s])
        and b["share"] is None
        and s not in b["sources"]
        and any(k in sketch.before[s] for k in b["sinks"])
        and math.isclose(sketch.units[s], sketch.units[b["sources"][0]])
    ]
    if choices:
        station, buffer = draw(st.sampled_from(choices))
        buffer["sources"].append(station)


@st.composite
def lines(
    draw: st.DrawFn,
    *,
    max_steps: int = 4,
    live: bool = False,
    constants_only: bool = False,
    eventful: bool = False,
) -> Line:
    """Draw a valid line.

    Args:
        max_steps: how often the line may grow by one or two stations.
        live: only lines that can't come to a stand for good: without loops of buffers, with
            deliveries of whatever they use, with failures that let work be done.
        constants_only: every time is a constant.
        eventful: every station has failures, maintenance and whatever else can go wrong.
    """
    sketch = _Sketch()
    for _ in range(draw(st.integers(1, 2))):
        name = sketch.station()
        sketch.units[name] = 1.0
        station = sketch.stations[-1]
        station["gives"] = draw(st.sampled_from([None, None, 2, 1.5]))
        sketch.sources[name] = {name}
        sketch.before[name] = {name}
        sketch.ends.append(name)
    for _ in range(draw(st.integers(1, max_steps))):
        _grow(draw, sketch, live)
    for end in [e for e in sketch.ends if not sketch.inputs(e)]:
        _grow(draw, sketch, live, end)
    for station in sketch.stations:
        _equip(draw, sketch, station, live, constants_only, eventful)
    for buffer in sketch.buffers:
        _hold(draw, sketch, buffer, live)
    if not live and draw(st.integers(0, 3)) == 0:
        _loop(draw, sketch)
    delivered = {"every": 5 * SECOND, "first": draw(st.sampled_from([0, 5])) * SECOND}
    glue: dict[str, Any] = {"id": "glue", "unit": "kg", "stock": draw(st.sampled_from([0, 3, 50]))}
    if live or draw(st.booleans()):
        glue["delivery"] = {**delivered, "amount": draw(st.sampled_from([1.0, 5.0]))}
    line = Line.model_validate(
        {
            "id": "RANDOM",
            "stations": tuple(sketch.stations),
            "buffers": tuple(
                {**b, "sources": tuple(b["sources"]), "sinks": tuple(b["sinks"])}
                for b in sketch.buffers
            ),
            "calendar": draw(st.sampled_from([None, None, None, "cal"])),
            "calendars": (
                {"id": "cal", "stops": ({"every": 20 * SECOND, "at": 0, "lasts": 4 * SECOND},)},
                {
                    "id": "breaks",
                    "stops": (
                        {"every": 12 * SECOND, "at": 3 * SECOND, "lasts": 2 * SECOND},
                        {"every": 18 * SECOND, "at": 5 * SECOND, "lasts": SECOND},
                    ),
                },
            ),
            "crews": ({"id": "crew", "size": draw(st.integers(1, 2))},),
            "materials": (glue, {"id": "foil", "unit": "m"}),
            "defects": ({"id": "u"}, {"id": "v"}),
        },
        by_name=True,
    )
    faults = check_line(line)
    assert not faults, "\n".join(map(str, faults))
    return line

"""What can be turned in a what-if on the page: made from the line, so that any line has its own."""

from __future__ import annotations

from dataclasses import dataclass

from twin.errors import ScenarioError
from twin.model.base import Text
from twin.model.line import Line
from twin.whatif.scenario import Scenario, applied

__all__ = ["Knob", "knobs_of"]


@dataclass(frozen=True, slots=True)
class Knob:
    """One thing to change.

    Args:
        path: as a scenario says it, `stations.STK.machines`.
        of: the station or buffer it belongs to.
        name: what it is called.
        kind: `count`, a whole number from `low` to `high`; or `percent`, a change by so much.
        now: a count as it is; 0 for a percentage.
        low, high: the ends of its slider.
    """

    path: str
    of: str
    name: Text
    kind: str
    now: int
    low: int
    high: int


def knobs_of(line: Line) -> tuple[Knob, ...]:
    """The changes that the page offers: machines, cycle times, repairs, failures, buffers, crews.

    Every path leads somewhere in the line, and every value between the ends is allowed.

    >>> from lines.loader import load
    >>> [knob.path for knob in knobs_of(load("five_stations"))][:2]
    ['stations.M1.machines', 'stations.M1.cycle_time']
    """
    knobs: list[Knob] = []
    for station in line.stations:
        at, n = f"stations.{station.id}", station.machines
        if station.lanes == 1:
            name = Text.of("machines", "设备数")
            knobs.append(Knob(f"{at}.machines", station.id, name, "count", n, 1, max(n + 3, 2 * n)))
        knobs.append(_percent(f"{at}.cycle_time", station.id, "cycle time", "节拍"))
        if station.failures:
            knobs.append(_percent(f"{at}.failure.mttr", station.id, "repair time", "修复时间"))
            knobs.append(
                _percent(f"{at}.failure.mtbf", station.id, "time between failures", "故障间隔")
            )
    for buffer in line.buffers:
        if buffer.capacity:
            path = f"buffers.{buffer.id}.capacity"
            lowest = next(low for low in range(-50, 5, 5) if _is_allowed(line, path, low))
            name = Text.of("capacity", "容量")
            knobs.append(Knob(path, buffer.id, name, "percent", 0, lowest, 100))
    for crew in line.crews:
        of = crew.name or Text.of(crew.id)
        people = Text.of(f"{of.en}: people", f"{of.zh}：人数")
        path = f"crews.{crew.id}.size"
        knobs.append(Knob(path, crew.id, people, "count", crew.size, 1, crew.size + 5))
    return tuple(knobs)


def _percent(path: str, of: str, en: str, zh: str) -> Knob:
    return Knob(path, of, Text.of(en, zh), "percent", 0, -50, 100)


def _is_allowed(line: Line, path: str, percent: int) -> bool:
    """Whether a line may be changed so: a buffer has to hold what is taken from it at once."""
    if percent == 0:
        return True
    try:
        applied(line, Scenario.of("x", {path: f"{percent:+d}%"}))
    except ScenarioError:
        return False
    return True

"""What the places of each station can wait for: the names behind `Counters`' times by cause."""

from __future__ import annotations

from dataclasses import dataclass

from twin.model.line import Line

__all__ = ["WaitCauses", "wait_causes"]

ByStation = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class WaitCauses:
    """Causes by station, in the order of the file.

    Args:
        starved: what a station can be short of: its input buffers, then its materials.
        blocked: what can have no room for its parts: its output buffers; where they have no
            shares the first one stands for all (rule S40).
    """

    starved: ByStation
    blocked: ByStation

    def starved_rows(self, station: int) -> slice:
        """Where a station's causes are in `Counters.starved_by_us`."""
        return _rows(self.starved, station)

    def blocked_rows(self, station: int) -> slice:
        """Where a station's causes are in `Counters.blocked_by_us`."""
        return _rows(self.blocked, station)


def _rows(causes: ByStation, station: int) -> slice:
    start = sum(map(len, causes[:station]))
    return slice(start, start + len(causes[station]))


def wait_causes(line: Line) -> WaitCauses:
    """Name the causes for which a line's stations can wait.

    A material that has the name of an input buffer is told apart as `NAME (material)`.

    >>> from twin.model import Buffer, Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),
    ...                               Station(id="B", cycle_time="3 s")),
    ...             buffers=(Buffer(id="AB", sources="A", sinks="B", capacity=4),))
    >>> wait_causes(line)
    WaitCauses(starved=((), ('AB',)), blocked=(('AB',), ()))
    """
    starved, blocked = [], []
    for station in line.stations:
        inputs = [buffer.id for buffer in line.inputs[station.id]]
        materials = [use.material for use in station.uses]
        starved.append((*inputs, *(f"{m} (material)" if m in inputs else m for m in materials)))
        outputs = line.outputs[station.id]
        shared = any(buffer.share is not None for buffer in outputs)
        blocked.append(tuple(buffer.id for buffer in (outputs if shared else outputs[:1])))
    return WaitCauses(tuple(starved), tuple(blocked))

"""Process variables of an emulated plant: plausible values as a pure function of time.

A value wanders smoothly about its nominal value, well inside its limits; now and then it leaves
them for a few minutes. The same seed gives the same values at the same engine time, whenever
and in whatever order they are asked for.
"""

from __future__ import annotations

from twin.engine.draws import Key, Purpose, key_for, word
from twin.model.plc import ProcessVariable
from twin.model.station import Station

__all__ = ["ProcessValues"]

STEP_US = 5_000_000
"""Values stand still for so long, as an instrument's filtered output does on a slow scan."""

WANDER_US = 60_000_000
EXCURSION_US = 600_000_000
EXCURSION_ODDS = 4_000
"""One ten-minute window in so many has an excursion: about one in four weeks for each value."""

USED_BAND = 0.5
DEFAULT_BAND = 0.02
STEPS = 4_000


class ProcessValues:
    """The process variables of one machine.

    Args:
        station: whose variables.
        machine: counted from 0.
        seed: of the plant.
    """

    def __init__(self, station: Station, machine: int, seed: int) -> None:
        self._variables = tuple(
            (v, key_for(seed, 0, Purpose.PROCESS, station.id, machine, v.id), *_bands(v))
            for v in station.variables
        )

    def read(self, at_us: int, *, working: bool) -> tuple[float, ...]:
        """Read every variable.

        Args:
            at_us: engine time.
            working: whether the machine executes.

        Returns:
            Values in the file's order, inside each variable's range.
        """
        return tuple(
            _value(variable, key, below, above, at_us)
            if working or variable.when_idle == "hold"
            else _idle(variable)
            for variable, key, below, above in self._variables
        )


def _bands(variable: ProcessVariable) -> tuple[float, float]:
    """How far down and up a value may wander: to the limits, or a small share of the range."""
    low, high, nominal = variable.alarm_low, variable.alarm_high, variable.nominal
    default = DEFAULT_BAND * (variable.high - variable.low)
    below = nominal - low if low is not None else min(default, nominal - variable.low)
    above = high - nominal if high is not None else min(default, variable.high - nominal)
    if low is not None and high is not None:
        return below, above
    # A limit on one side only: the other side wanders no further than that one does.
    both = min(below, above) if low is None and high is None else (below if high is None else above)
    return min(below, both), min(above, both)


def _idle(variable: ProcessVariable) -> float:
    rest = 0.0 if variable.when_idle == "zero" else float(variable.when_idle)
    return min(max(rest, variable.low), variable.high)


def _even(key: Key, index: int) -> float:
    return word(key, index) / 2**63 - 1


def _value(variable: ProcessVariable, key: Key, below: float, above: float, at_us: int) -> float:
    at_us -= at_us % STEP_US
    step, rest = divmod(at_us, WANDER_US)
    share = rest / WANDER_US
    noise = _even(key, step) * (1 - share) + _even(key, step + 1) * share
    window, into = divmod(at_us, EXCURSION_US)
    odd = word(key, (1 << 63) + window)
    if odd % EXCURSION_ODDS == 0 and into < EXCURSION_US // 2:
        noise = 2.4 if odd & (1 << 40) else -2.4
    value = variable.nominal + noise * USED_BAND * (above if noise > 0 else below)
    resolution = (variable.high - variable.low) / STEPS
    if resolution > min(above, below) / 20:
        resolution = max(above, below) / 200
    if resolution:
        value = variable.nominal + round((value - variable.nominal) / resolution) * resolution
    return min(max(value, variable.low), variable.high)

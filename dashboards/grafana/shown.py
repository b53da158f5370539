"""How a signal is shown: its unit, its limits, the names and colours of its values."""

from __future__ import annotations

from typing import Any, Final

from twin.model.packml import State
from twin.signals import Signal, ValueType

__all__ = ["BLUE", "PURPLE", "defaults", "limits", "mappings", "unit_of"]

GREEN, YELLOW, RED, BLUE, GREY, PURPLE = "green", "yellow", "red", "blue", "text", "purple"

_UNITS: Final = {
    "1": "short",
    "ratio": "percentunit",
    "%": "percent",
    "s": "s",
    "1/s": "cps",
    "kWh": "kwatth",
    "kW": "kwatt",
    "degC": "celsius",
    "V": "volt",
    "A": "amp",
    "mm": "lengthmm",
    "m/min": "suffix: m/min",
    "Pa": "pressurepa",
    "kPa": "pressurekpa",
    "bar": "pressurebar",
}

_COLOURS: Final = {
    State.EXECUTE: GREEN,
    State.SUSPENDED: YELLOW,
    State.ABORTED: RED,
    State.HELD: PURPLE,
    State.STOPPED: GREY,
    State.IDLE: BLUE,
}


def unit_of(unit: str) -> str:
    """Grafana's name of a unit of the table of signals.

    >>> unit_of("degC"), unit_of("1"), unit_of("mPa.s")
    ('celsius', 'short', 'suffix: mPa.s')
    """
    return _UNITS.get(unit, f"suffix: {unit}")


def limits(low: float | None, high: float | None) -> dict[str, Any]:
    """Thresholds: green between the limits, red beyond them.

    >>> [step["color"] for step in limits(0.9, None)["steps"]]
    ['red', 'green']
    """
    steps: list[dict[str, Any]] = [{"color": GREEN if low is None else RED, "value": None}]
    if low is not None:
        steps.append({"color": GREEN, "value": low})
    if high is not None:
        steps.append({"color": RED, "value": high})
    return {"mode": "absolute", "steps": steps}


def mappings(signal: Signal) -> list[dict[str, Any]]:
    """The names and colours of a signal's values, where it has few."""
    named: dict[str, dict[str, Any]] = {}
    if signal.values:
        states = signal.name == "state_current"
        for place, (value, name) in enumerate(signal.values):
            colour = _COLOURS.get(State(value), BLUE) if states else BLUE
            named[str(value)] = {"text": name, "color": colour, "index": place}
    elif signal.value_type is ValueType.BOOLEAN:
        good = signal.name == "connected"
        named = {
            "0": {"text": "no", "color": RED if good else GREY, "index": 0},
            "1": {"text": "yes", "color": GREEN if good else RED, "index": 1},
        }
    return [{"type": "value", "options": named}] if named else []


def defaults(signal: Signal) -> dict[str, Any]:
    """What a panel says of all its fields where they are of one signal."""
    shown: dict[str, Any] = {
        "unit": unit_of(signal.unit),
        "thresholds": limits(signal.alarm_low, signal.alarm_high),
        "mappings": mappings(signal),
    }
    if signal.unit == "ratio":
        shown |= {"min": 0, "decimals": 1}
    return shown

"""Which variable of a server may be which signal of a line: by companion type, then by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from types import MappingProxyType

from opcua.tagmap.browse import Variable
from opcua.tagmap.units import Unit
from twin.signals import Signal, ValueType

__all__ = ["Match", "best_matches", "matches"]

_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "state_current": (
            "statecurrent", "state", "istate", "status", "machinestate", "zustand", "estate",
        ),
        "unit_mode_current": ("unitmodecurrent", "mode", "unitmode", "imode", "betriebsart"),
        "starved": ("equipmentstarved", "starved", "materialmissing", "mangel"),
        "blocked": ("equipmentblocked", "blocked", "outputfull", "stau"),
        "stop_reason": ("stopreason", "reason", "faultcode", "errorcode", "stoerung"),
        "occupied": ("occupiedplaces", "occupied", "loaded", "belegt"),
        "cycle_time_s": ("cycletime", "cycle", "taktzeit", "zykluszeit", "takt"),
        "waiting_time_s": ("waitingtime", "idletime", "wartezeit"),
        "consumed": ("prodconsumedcount", "consumed", "in", "incount", "partsin", "input"),
        "processed": (
            "prodprocessedcount", "processed", "out", "outcount", "partsout", "count", "counter",
            "total", "partcount", "stueckzahl", "output", "produced",
        ),
        "defective": (
            "proddefectivecount", "defective", "scrap", "reject", "rejected", "nok", "bad",
            "ausschuss",
        ),
        "reworked": ("prodreworkedcount", "reworked", "rework", "nacharbeit"),
        "failures": ("failurecount", "failures", "faults", "faultcount"),
        "level": ("level", "fill", "filllevel", "buffercount", "fuellstand", "queue"),
        "rework_level": ("reworklevel",),
        "heartbeat": ("heartbeat", "alive", "watchdog", "lifebit", "lifecounter"),
    }
)  # fmt: skip
"""What programmers call signals: lower case, without signs."""

_COMPANION: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "PackMLBaseObjectType": MappingProxyType(
            {
                "StateCurrent": "state_current",
                "UnitModeCurrent": "unit_mode_current",
                "EquipmentStarved": "starved",
                "EquipmentBlocked": "blocked",
                "ProdConsumedCount": "consumed",
                "ProdProcessedCount": "processed",
                "ProdDefectiveCount": "defective",
            }
        )
    }
)
"""By companion type what its variables are (OPC 30050, PackTags)."""

_WHOLE = {"SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"}
_FRACTION = {"Float", "Double"}
_HUNGARIAN = re.compile(r"^(?:[a-z]{1,3})(?=[A-Z])")
_LEAST = 0.75


@dataclass(frozen=True, slots=True)
class Match:
    """A variable that may be a signal.

    Args:
        variable: which.
        unit, signal: what it may be.
        by: `type` or `name`.
        score: how well it fits, 0 to 1; 1 by type.
    """

    variable: Variable
    unit: str
    signal: str
    by: str
    score: float


def matches(variable: Variable, units: Iterable[Unit]) -> list[Match]:
    """List what a variable may be, the best first.

    Args:
        variable: of a server.
        units: those of the line that the server may speak for.
    """
    if variable.shape or (variable.data_type not in _WHOLE | _FRACTION | {"Boolean"}):
        return []
    found = []
    for unit in units:
        near = _unit_score(variable, unit)
        if not near:
            continue
        for name, signal in unit.signals.items():
            if not _fits(variable, signal):
                continue
            by, score = _signal_score(variable, name, signal)
            if score >= _LEAST:
                found.append(Match(variable, unit.id, name, by, score * near))
    return sorted(found, key=lambda match: (match.by != "type", -match.score))


def best_matches(
    variables: Iterable[Variable], units: Iterable[Unit]
) -> dict[tuple[str, str], Match]:
    """Find for each signal the variable that fits best; each variable is used once."""
    known = tuple(units)
    every = [match for variable in variables for match in matches(variable, known)[:3]]
    every.sort(key=lambda match: (match.by != "type", -match.score, len(match.variable.path)))
    chosen: dict[tuple[str, str], Match] = {}
    used: set[str] = set()
    for match in every:
        key = (match.unit, match.signal)
        if key not in chosen and match.variable.full not in used:
            chosen[key] = match
            used.add(match.variable.full)
    return chosen


def plain(text: str) -> str:
    """Write a name without signs and case.

    >>> plain("Füll-Stand_01")
    'füllstand01'
    """
    return re.sub(r"[\W_]", "", text).lower()


def _unit_score(variable: Variable, unit: Unit) -> float:
    """How surely a variable is of a unit: by the names above it, and its id."""
    wanted = plain(unit.id)
    parts = [plain(part) for name in variable.names for part in re.split(r"[./|\"\[\]]", name)]
    parts += [plain(part) for part in re.split(r"[./|\"\[\]=]", variable.node)]
    if wanted in parts:
        return 1.0
    if any(wanted in part and not part[part.index(wanted) + len(wanted) :][:1].isdigit()
           for part in parts if wanted in part):  # fmt: skip
        return 0.95
    station, number = plain(unit.station), str(unit.number)
    if station and any(re.fullmatch(rf"{re.escape(station)}\D*0*{number}", part) for part in parts):
        return 0.9
    return 0.0


def _fits(variable: Variable, signal: Signal | None) -> bool:
    if signal is None:
        return variable.data_type in _WHOLE
    kind = signal.value_type
    if kind is ValueType.BOOLEAN:
        return variable.data_type == "Boolean"
    if kind is ValueType.DOUBLE:
        return variable.data_type in _WHOLE | _FRACTION
    return variable.data_type in _WHOLE


def _signal_score(variable: Variable, name: str, signal: Signal | None) -> tuple[str, float]:
    last = variable.names[-1]
    for kind in reversed(variable.types):
        if _COMPANION.get(kind, {}).get(last) == name:
            return "type", 1.0
    words = _WORDS.get(name, ())
    if "." in name:
        shown = "" if signal is None else signal.text.en
        words = (plain(name.partition(".")[2]), plain(shown))
    # iCount, nState, rTemp: the type's letters say nothing.
    heard = {plain(last), plain(_HUNGARIAN.sub("", last)), plain(last.rpartition(".")[2])}
    heard |= {re.sub(r"\d+$", "", word) for word in heard}
    best = max(
        (SequenceMatcher(None, word, one).ratio() for word in words if word for one in heard),
        default=0.0,
    )
    # In order of the list, the first is the surest.
    exact = next((i for i, word in enumerate(words) if word in heard), None)
    return "name", 1.0 - 0.01 * exact if exact is not None else best * 0.95

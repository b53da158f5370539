"""A draft of a tag map, from what a server has and what the line needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from opcua.tagmap.browse import Variable
from opcua.tagmap.matches import Match, best_matches
from opcua.tagmap.units import CANONICAL, Unit, units_of
from twin.model.line import Line

__all__ = ["Draft", "suggest"]

_SHORT = {name: key for key, name in CANONICAL.items()}


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft of a map.

    Args:
        text: YAML, ready to be checked.
        found: signals that have a variable.
        lacking: (unit, signal) of those that have none.
    """

    text: str
    found: int
    lacking: tuple[tuple[str, str], ...]


def suggest(
    line: Line, endpoint: str, variables: list[Variable], plc: str, security: str = ""
) -> Draft:
    """Draft the map of one PLC.

    Args:
        line: whose signals.
        endpoint: where the variables are.
        variables: what the server has.
        plc: the PLC of the line that it is.
        security: lines of YAML for the key `security`; empty: none.
    """
    units = units_of(line, plc)
    chosen = best_matches(variables, units.values())
    uris = Counter(match.variable.uri for match in chosen.values())
    namespace = uris.most_common(1)[0][0] if uris else "urn:nobody:knows"
    signals: dict[str, dict[str, str]] = {}
    for (unit, signal), match in chosen.items():
        if unit != plc:
            signals.setdefault(unit, {})[signal] = _template(match, units[unit], namespace)
    lines = [
        "# A draft: look at every entry, then run twin tags check on it.",
        "tags: 1",
        f"line: {line.id}",
        "plcs:",
        f"  - plc: {plc}",
        f"    endpoint: {endpoint}",
        *([f"    security: {security}"] if security else []),
        f"    namespace: {_quoted(namespace)}",
    ]
    live = chosen.get((plc, "heartbeat"))
    if live is not None:
        lines.append(f"    live: {_quoted(_node(live.variable, namespace))}")
    lines.append("    units:")
    for ids, mapped in _grouped(signals, units):
        lines += _entry(ids, mapped, units, chosen)
    wanted = {
        (unit.id, signal) for unit in units.values() if unit.id != plc for signal in unit.signals
    }
    lacking = tuple(sorted(wanted - chosen.keys()))
    return Draft("\n".join(lines) + "\n", len(wanted) - len(lacking), lacking)


def _node(variable: Variable, namespace: str) -> str:
    if variable.uri != namespace:
        return variable.full
    return variable.node.removeprefix("s=")


def _template(match: Match, unit: Unit, namespace: str) -> str:
    """Write a node with placeholders for what is the unit's own."""
    text = _node(match.variable, namespace).replace("{", "{{").replace("}", "}}")
    if unit.id in text:
        text = text.replace(unit.id, "{unit}")
        rest = text.split("{unit}")
        return "{unit}".join(_of_station(part, unit) for part in rest)
    station = re.compile(rf"({re.escape(unit.station)}\D*?)(0*)({unit.number})(?!\d)")
    numbered = station.search(text) if unit.station else None
    if numbered is not None:
        width = len(numbered[2]) + len(numbered[3])
        number = "{n}" if width == len(numbered[3]) and not numbered[2] else f"{{n:0{width}}}"
        return text[: numbered.start(2)] + number + text[numbered.end(3) :]
    return text


def _of_station(text: str, unit: Unit) -> str:
    if not unit.station:
        return text
    return re.sub(rf"(?<!\w){re.escape(unit.station)}(?!\w)", "{station}", text)


def _grouped(
    signals: Mapping[str, Mapping[str, str]], units: Mapping[str, Unit]
) -> list[tuple[list[str], Mapping[str, str]]]:
    """Put units that say the same in the same words together."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for unit in units:
        if unit in signals:
            groups.setdefault(tuple(sorted(signals[unit].items())), []).append(unit)
    return [(ids, dict(mapped)) for mapped, ids in groups.items()]


def _entry(
    ids: list[str],
    mapped: Mapping[str, str],
    units: Mapping[str, Unit],
    chosen: Mapping[tuple[str, str], Match],
) -> list[str]:
    patterns = _patterns(ids, units)
    shown = patterns[0] if len(patterns) == 1 else f"[{', '.join(map(_quoted, patterns))}]"
    lines = [f"      - match: {_quoted(shown) if len(patterns) == 1 else shown}"]
    lines.append("        signals:")
    for signal in sorted(mapped, key=list(units[ids[0]].signals).index):
        match = chosen[ids[0], signal]
        doubt = "" if match.by == "type" or match.score > 0.99 else f"  # {match.score:.0%} sure"
        key = _SHORT.get(signal, signal)
        lines.append(f"          {key}: {_quoted(mapped[signal])}{doubt}")
    return lines


def _patterns(ids: list[str], units: Mapping[str, Unit]) -> list[str]:
    """Name units by a pattern where one means just them."""
    before = ids[0]
    for one in ids[1:]:
        while not one.startswith(before):
            before = before[:-1]
    if len(ids) > 1 and before and {u for u in units if fnmatchcase(u, f"{before}*")} == {*ids}:
        return [f"{before}*"]
    return ids


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

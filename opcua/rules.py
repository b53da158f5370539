"""Rules by which values of a PLC that nobody has a model of move: functions of time, seeded.

rules:
- {node: "ns=2;s=Oven.Temp*", rule: sine, low: 20, high: 80, period: 10 s}
- {node: "ns=2;s=Count", rule: counter, every: 2 s}
- {node: "ns=2;s=Speed", rule: replay, file: speed.parquet, column: speed, every: 1 s}
- {node: "ns=2;s=Mode", rule: sequence, values: [IDLE, RUN, RUN, CLEAN], every: 10 s}
- {node: "ns=2;s=Recipe", field: Speed, rule: ramp}                   one field of a structure
- {node: "ns=2;s=Zones", rule: sine, stagger: 2 s}                    each element of an array
- {node: "ns=2;s=Made", rule: station, line: tube_line, unit: FNS03, signal: good}
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

from lines.loader import load
from lines.yaml_tree import Mapping, Position, Sequence, Unreadable, plain, read_tree
from twin.errors import Fault, LineFileError, QuantityError, UsageError
from twin.historian.recording import read_column
from twin.model.quantity import parse_duration
from twin.signals import tags

__all__ = ["RULES", "Rule", "Settings", "Told", "moving", "read_rules", "rules_from_text"]

Number = float | int
Told = float | int | bool | str
Settings = dict[str, Any]

_SHARED = {"node", "rule", "every", "field", "stagger"}
_TIMES = {"every", "period", "stagger"}
RULES: dict[str, Settings] = {
    "constant": {"value": 0.0},
    "ramp": {"low": 0.0, "high": 100.0, "period": "60 s"},
    "sine": {"low": 0.0, "high": 100.0, "period": "60 s"},
    "square": {"low": 0.0, "high": 1.0, "period": "60 s"},
    "random_walk": {"low": 0.0, "high": 100.0, "step": 1.0},
    "counter": {"start": 0.0, "step": 1.0, "wraps_at": 0.0},
    "replay": {"file": "", "column": ""},
    "sequence": {"values": ()},
    "station": {"line": "", "unit": "", "signal": ""},
}
"""Every rule with what it can be told, and what that is if nobody says."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How the nodes of a pattern move.

    Args:
        node: node id as text, with `*`.
        name: one of `RULES`.
        every_us: how often the value is made anew.
        settings: what the rule is told.
        field: of a structure; empty where the node holds none.
        stagger_us: how much later each element of an array does what the one before it does.
    """

    node: str
    name: str
    every_us: int = 1_000_000
    settings: Settings = dataclass_field(default_factory=dict)
    field: str = ""
    stagger_us: int = 0

    @property
    def is_text(self) -> bool:
        """Whether its values are words."""
        values = self.settings.get("values", (self.settings.get("value"),))
        return any(isinstance(value, str) for value in values)


def moving(rule: Rule, node: str, seed: int) -> Callable[[int], Told]:
    """Make the function that a node's value follows; `station` is `opcua.driving_lines`'.

    Args:
        rule: its rule.
        node: its id, part of what its draws are from.
        seed: the other part.

    Returns:
        The value at an instant, microseconds from 0; asked for in the order of time.

    >>> follow = moving(Rule("*", "square", 1_000_000, {"period": 4_000_000}), "n", 1)
    >>> [follow(second * 1_000_000) for second in range(5)]
    [1.0, 1.0, 0.0, 0.0, 1.0]
    """
    told = {**RULES[rule.name], **rule.settings}
    low, high = float(told.get("low", 0)), float(told.get("high", 0))
    period_us = int(told.get("period", 1))
    every_us = rule.every_us

    def share(at_us: int) -> float:
        at_us -= at_us % every_us
        return (at_us % period_us) / period_us

    match rule.name:
        case "constant":
            constant: Told = told["value"]
            return lambda _: constant
        case "ramp":
            return lambda at_us: low + (high - low) * share(at_us)
        case "sine":
            middle, half = (low + high) / 2, (high - low) / 2
            return lambda at_us: middle + half * math.sin(2 * math.pi * share(at_us))
        case "square":
            return lambda at_us: high if share(at_us) < 0.5 else low
        case "counter":
            start, step, wraps_at = told["start"], told["step"], told["wraps_at"]

            def count(at_us: int) -> Number:
                counted: float = start + step * (at_us // every_us)
                return counted % wraps_at if wraps_at else counted

            return count
        case "random_walk":
            return _walk(low, high, float(told["step"]), every_us, f"{seed}/{node}")
        case "replay" | "sequence":
            values: tuple[Told, ...] = told["values"]
            return lambda at_us: values[at_us // every_us % len(values)]
    raise ValueError(rule.name)


def _walk(low: float, high: float, step: float, every_us: int, seed: str) -> Callable[[int], float]:
    rng = random.Random(seed)
    value, done = (low + high) / 2, 0

    def at(at_us: int) -> float:
        nonlocal value, done
        while done < at_us // every_us:
            value = min(max(value + rng.uniform(-step, step), low), high)
            done += 1
        return value

    return at


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read a file of rules; files that it replays are beside it.

    Raises:
        LineFileError: it is wrong; every fault with file, line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LineFileError([Fault(str(path), "must be a file of rules", str(error))]) from None
    return rules_from_text(text, str(path), path.parent)


def rules_from_text(
    text: str, file: str = "rules.yaml", beside: Path | None = None
) -> tuple[Rule, ...]:
    """Read rules.

    Raises:
        LineFileError: they are wrong; every fault with file, line and column.

    >>> rules_from_text("rules: [{node: 'ns=2;s=T', rule: sine, high: 9, every: 100 ms}]")[0].name
    'sine'
    """
    try:
        tree, faults = read_tree(text)
    except Unreadable as error:
        raise LineFileError(_in(file, error.faults)) from None
    entries = tree.entries.get("rules")
    if not isinstance(entries, Sequence) or set(tree.entries) != {"rules"}:
        faults.append(_fault(tree.at, "rules", "must be a list of rules, and nothing beside it"))
        raise LineFileError(_in(file, faults))
    rules: list[Rule] = []
    for number, node in enumerate(entries.items):
        where = f"rules[{number}]"
        if not isinstance(node, Mapping):
            faults.append(_fault(node.at, where, "must be a mapping with node and rule"))
            continue
        try:
            words = {name: plain(one) for name, one in node.entries.items()}
            rules.append(_rule(words, beside or Path()))
        except UsageError as error:
            faults += [_fault(node.at, where, line) for line in str(error).splitlines()]
    if faults:
        raise LineFileError(_in(file, faults))
    return tuple(rules)


def _rule(words: Settings, beside: Path) -> Rule:
    name, node = words.get("rule"), words.get("node")
    if not isinstance(name, str) or name not in RULES:
        raise UsageError(f"rule: must be one of {', '.join(RULES)}, got {name!r}")
    wrong = []
    if not isinstance(node, str) or not node:
        wrong.append(f"node: must be a node id, as 'ns=2;s=Temp', got {node!r}")
    settings: Settings = {}
    every_us, stagger_us = 1_000_000, 0
    for key, value in words.items():
        default = RULES[name].get(key)
        if key in _TIMES and (key in _SHARED or default is not None):
            try:
                us = parse_duration(value)
            except QuantityError as error:
                wrong.append(f"{key}: {error}, got {value!r}")
                continue
            if us < 1:
                wrong.append(f"{key}: must be greater than 0")
            elif key == "every":
                every_us = us
            elif key == "stagger":
                stagger_us = us
            else:
                settings["period"] = us
        elif key in _SHARED:
            continue
        elif default is None:
            takes = ", ".join([*RULES[name], "every"])
            wrong.append(f"{name}: takes {takes}, got {key}")
        elif name == "constant" and isinstance(value, str):
            settings[key] = value
        elif isinstance(default, float) and (
            not isinstance(value, int | float) or (isinstance(value, bool) and key != "value")
        ):
            wrong.append(f"{name}.{key}: must be a number, got {value!r}")
        else:
            settings[key] = value
    if "period" in RULES[name]:
        settings.setdefault("period", parse_duration(RULES[name]["period"]))
    part = words.get("field", "")
    if not isinstance(part, str):
        wrong.append(f"field: must be the name of a structure's field, got {part!r}")
    if not wrong:
        wrong += _completed(name, settings, beside)
    if wrong:
        raise UsageError("\n".join(wrong))
    return Rule(str(node), name, every_us, settings, str(part), stagger_us)


def _completed(name: str, settings: Settings, beside: Path) -> list[str]:
    """Put in what a rule's files say; what is wrong with it."""
    if name == "sequence":
        values = settings.get("values")
        kinds = (str, bool, int, float)
        if (
            not isinstance(values, tuple | list)
            or not values
            or {type(v) for v in values} - set(kinds)
        ):
            return [f"sequence.values: must be a list of words, or of numbers, got {values!r}"]
        if len({isinstance(value, str) for value in values}) > 1:
            return [f"sequence.values: must be all words or all numbers, got {values!r}"]
        settings["values"] = tuple(values)
    elif name == "replay":
        file = beside / str(settings.get("file", ""))
        try:
            settings["values"] = read_column(file, str(settings.get("column", "")))
        except UsageError as error:
            return [f"replay.{error}"]
    elif name == "station":
        return _station(settings, beside)
    return []


def _station(settings: Settings, beside: Path) -> list[str]:
    named = str(settings.get("line", ""))
    if not named:
        return ["station.line: must be a line file, or the name of a packaged line"]
    file = beside / named
    line = load(file if file.is_file() else named)
    known = [tag.key for tag in tags(line)]
    wanted = (str(settings.get("unit", "")), str(settings.get("signal", "")))
    if wanted not in known:
        units = dict.fromkeys(unit for unit, _ in known)
        if wanted[0] not in units:
            return [f"station.unit: must be one of {', '.join(units)}, got {wanted[0]!r}"]
        signals = ", ".join(signal for unit, signal in known if unit == wanted[0])
        return [f"station.signal: must be one of {signals}, got {wanted[1]!r}"]
    settings["line"] = line
    return []


def _fault(at: Position, path: str, must: str) -> Fault:
    return Fault(path, must, line=at.line, column=at.column)


def _in(file: str, faults: list[Fault]) -> list[Fault]:
    return [
        Fault(f.path, f.must, f.found, f.remedy, file=file, line=f.line, column=f.column)
        for f in faults
    ]

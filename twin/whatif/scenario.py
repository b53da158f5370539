"""A scenario: named changes against a line, and the line that comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from twin.errors import Fault, ScenarioError
from twin.model.base import Frozen
from twin.model.checks import check_line
from twin.model.line import Line
from twin.whatif.amount import Plus, Refused, Times, amount_of, changed
from twin.whatif.place import Place, find_places, put
from twin.whatif.words import spoken_value

__all__ = [
    "BASELINE",
    "Change",
    "Difference",
    "Scenario",
    "Variant",
    "applied",
    "changed_by",
    "differences_of",
]

Document = TypeVar("Document", bound=Frozen)

BASELINE = "as it is"
"""What the line without any change is called."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where, and to what.

    Args:
        path: as `stations.STK.machines`; see `find_places`.
        value: a new value, or `x1.5`, `-20%`, `+1`; see `amount_of`.
        file, line, column: where it is written; empty and 0 for one made in Python.
    """

    path: str
    value: Any
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Named changes against a line.

    Args:
        name: what people call it.
        changes: made one after the other; a later one wins.
    """

    name: str
    changes: tuple[Change, ...]

    @classmethod
    def of(cls, name: str, changes: Mapping[str, Any]) -> Scenario:
        """Make a scenario from paths and values.

        >>> Scenario.of("six stackers", {"stations.STK.machines": 6}).changes[0].path
        'stations.STK.machines'
        """
        return cls(name, tuple(Change(path, value) for path, value in changes.items()))


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that a scenario changes, in words.

    >>> print(Difference("STK machines", "5", "6"))
    STK machines: 5 -> 6
    """

    label: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.label}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Variant:
    """A line as a scenario makes it.

    Args:
        name: the scenario's.
        line: the changed line, checked.
        differences: every value that is another one now, in the order of the line.
    """

    name: str
    line: Line
    differences: tuple[Difference, ...]


def applied(line: Line, scenario: Scenario) -> Variant:
    """Make a line as a scenario wants it.

    Args:
        line: the line as it is; it stays so.
        scenario: what to change.

    Returns:
        The new line, checked as one from a file is, and what is different in it.

    Raises:
        ScenarioError: a change leads nowhere or makes no sense, the line that comes out is
            wrong, or nothing changes at all; names every fault.

    >>> from twin.model import Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
    >>> variant = applied(line, Scenario.of("faster", {"stations.A.cycle_time": "-25%"}))
    >>> print(*variant.differences)
    A cycle time: 2 s -> 1.5 s
    """
    now, touched, faults = changed_by(line, scenario.changes)
    if not faults:
        faults = [_by_id(line, scenario, fault) for fault in check_line(now)]
    differences = tuple(differences_of(line, now, touched))
    if not faults and not differences:
        found = "no changes" if not scenario.changes else "the values that are there already"
        fault = Fault(f"scenario '{scenario.name}'", "must change something", found)
        faults = [_at(scenario.changes[0], fault) if scenario.changes else fault]
    if faults:
        raise ScenarioError(faults)
    return Variant(scenario.name, now, differences)


def changed_by(
    document: Document, changes: Iterable[Change]
) -> tuple[Document, dict[tuple[str | int, ...], Place], list[Fault]]:
    """Make changes to a line, or to another document of the model, one after the other.

    Args:
        document: as it is; it stays so.
        changes: where, and to what.

    Returns:
        The new document, of which no rule between its parts has been looked at yet; the places that
        were touched, as they were; and what is wrong with the changes, which are left out then.
    """
    faults: list[Fault] = []
    touched: dict[tuple[str | int, ...], Place] = {}
    for change in changes:
        try:
            document, places = _changed(document, change)
        except _Faulty as faulty:
            faults += [_at(change, fault) for fault in faulty.faults]
            continue
        for place in places:
            touched.setdefault(place.steps, place)
    return document, touched, faults


def _at(change: Change, fault: Fault) -> Fault:
    return replace(fault, file=change.file, line=change.line, column=change.column)


class _Faulty(Exception):
    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = faults


def _changed(document: Document, change: Change) -> tuple[Document, tuple[Place, ...]]:
    try:
        places = find_places(document, change.path)
    except LookupError as error:
        raise _Faulty(error.args[0]) from None
    amount = amount_of(change.value)
    if isinstance(amount, Times | Plus):
        places = tuple(place for place in places if place.value is not None)
        if not places:
            must = "must be there to be changed by an amount"
            raise _Faulty(Fault(change.path, must, "nothing", "give a value, as it has no limit"))
    faults: dict[str, Fault] = {}
    for place in places:
        try:
            document = put(document, place.steps, changed(place, amount))
        except Refused as refused:
            found = refused.found if len(places) == 1 else f"{refused.found} at {place.label}"
            fault = Fault(change.path, refused.must, found, refused.remedy)
            faults.setdefault(refused.must, fault)
        except ValueError as error:
            message = str(error).partition("Value error, ")[2].partition(" [type=")[0]
            fault = Fault(change.path, message or str(error), place.label)
            faults.setdefault(fault.must, fault)
    if faults:
        raise _Faulty(*faults.values())
    return document, places


def differences_of(
    before: Frozen, after: Frozen, touched: Mapping[tuple[str | int, ...], Place]
) -> list[Difference]:
    """What is another value now at the places that were touched."""
    found = []
    for steps, place in touched.items():
        old, new = _value_at(before, steps), _value_at(after, steps)
        if old != new:
            said = Difference(place.label, spoken_value(place, old), spoken_value(place, new))
            found.append(said)
    return found


def _value_at(node: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        if isinstance(node, dict):
            node = node.get(str(step))
        elif isinstance(node, tuple):
            node = node[int(step)]
        else:
            node = getattr(node, str(step))
    return node


def _by_id(line: Line, scenario: Scenario, fault: Fault) -> Fault:
    """Name the place of a check's fault as a change would: by ids and not by numbers."""

    def named(match: re.Match[str]) -> str:
        element = getattr(line, match[1], ())[int(match[2])]
        return f"{match[1]}.{element.id}"

    path = re.sub(r"^([a-z]+)\[([0-9]+)\]", named, fault.path)
    return replace(fault, path=f"scenario '{scenario.name}': {path}")

"""Scenarios from a YAML file and from the command line."""

from __future__ import annotations

from pathlib import Path

from lines.yaml_tree import (
    MAX_BYTES,
    Mapping,
    Node,
    Position,
    Scalar,
    Unreadable,
    decode,
    plain,
    read_tree,
    too_large,
)
from twin.errors import Fault, ScenarioError
from twin.whatif.scenario import BASELINE, Change, Scenario

__all__ = ["change_from_text", "read_scenarios", "scenarios_from_text"]


OF_LINES, OF_SCENARIOS = "a mapping, from 'linetwin: 1' on", "a mapping of names of scenarios"
"""The YAML reader speaks of line files."""


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """Read a scenario file.

    Raises:
        ScenarioError: there is no such file, or it holds no scenarios; names every fault.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable([too_large(size)])
        text = decode(path.read_bytes())
    except Unreadable as error:
        raise ScenarioError(_in(str(path), error.faults)) from None
    except OSError as error:
        must = "must be a file of scenarios that can be read"
        raise ScenarioError([Fault(str(path), must, str(error.strerror))]) from None
    return scenarios_from_text(text, str(path))


def scenarios_from_text(text: str, file: str = "scenarios.yaml") -> tuple[Scenario, ...]:
    """Read scenarios: a mapping of names, each a mapping of paths and values.

    Args:
        text: YAML.
        file: what faults call it.

    Raises:
        ScenarioError: it holds no scenarios; names every fault.

    >>> text = '''
    ... six stackers: {stations.STK.machines: 6}
    ... quick repair: {stations.STK.failure.mttr: -20%}
    ... '''
    >>> [scenario.name for scenario in scenarios_from_text(text)]
    ['six stackers', 'quick repair']
    """
    try:
        tree, faults = read_tree(text)
    except Unreadable as error:
        raise ScenarioError(_in(file, error.faults)) from None
    scenarios = []
    for name, changes in tree.entries.items():
        at = tree.keys[name]
        if name == BASELINE:
            faults.append(_fault(at, name, f"must have another name: '{BASELINE}' is the line"))
        elif not isinstance(changes, Mapping) or not changes.entries:
            must = "must be a mapping of changes, as {stations.STK.machines: 6}"
            faults.append(_fault(at, name, must))
        else:
            made = tuple(
                Change(path, _value(node), file, *changes.keys[path])
                for path, node in changes.entries.items()
            )
            scenarios.append(Scenario(name, made))
    if not tree.entries and not faults:
        faults.append(_fault(tree.at, "", "must name at least one scenario"))
    if faults:
        raise ScenarioError(_in(file, faults))
    return tuple(scenarios)


def change_from_text(text: str, example: str = "stations.STK.machines=6") -> Change:
    """Read `PATH=VALUE`, or `PATH: VALUE`.

    Args:
        text: what was written.
        example: what a fault gives as one.

    Raises:
        ScenarioError: it has no such form.

    >>> change_from_text("stations.STK.machines=6").path
    'stations.STK.machines'
    """
    cut = min((i for i in (text.find("="), text.find(":")) if i > 0), default=-1)
    path, value = text[:cut].strip(), text[cut + 1 :].strip()
    if cut < 0 or not path or not value:
        raise ScenarioError([Fault("--set", "must be PATH=VALUE", text or "nothing",
                                   f"as {example}")])  # fmt: skip
    return Change(path, value)


def _value(node: Node) -> object:
    # The text, since YAML reads `+1` as the number 1.
    if isinstance(node, Scalar) and node.value is not None and not isinstance(node.value, bool):
        return node.text
    return plain(node)


def _fault(at: Position, path: str, must: str) -> Fault:
    return Fault(path, must, line=at.line, column=at.column)


def _in(file: str, faults: list[Fault]) -> list[Fault]:
    return [
        Fault(
            f.path,
            f.must.replace(OF_LINES, OF_SCENARIOS),
            f.found,
            f.remedy,
            file,
            f.line,
            f.column,
        )
        for f in faults
    ]

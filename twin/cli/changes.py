"""Changes of a line on the command line: `--set PATH=VALUE`, with every fault at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twin.errors import Fault, ScenarioError, UsageError
from twin.model.line import Line
from twin.whatif.scenario import Change, Scenario, Variant, applied
from twin.whatif.scenario_file import change_from_text

__all__ = ["variant_asked"]


def variant_asked(
    line: Line, name: str, texts: Sequence[str], option: str = "--set"
) -> tuple[Scenario, Variant]:
    """Read the changes that were asked for, and make them.

    Args:
        line: as it is.
        name: what the changed line is called.
        texts: PATH=VALUE each; at least one.
        option: which option they came with.

    Raises:
        UsageError: names everything that is wrong with any of them.
    """
    changes: list[Change] = []
    faults: list[Fault] = []
    for text in texts:
        try:
            changes.append(change_from_text(text))
        except ScenarioError as error:
            faults += [replace(fault, path=option) for fault in error.faults]
    scenario = Scenario(name, tuple(changes))
    if changes:
        try:
            variant = applied(line, scenario)
        except ScenarioError as error:
            faults += [replace(fault, path=f"{option} {fault.path}") for fault in error.faults]
    if faults:
        raise UsageError("\n".join(map(str, faults)))
    return scenario, variant

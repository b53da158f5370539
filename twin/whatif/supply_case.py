"""A supply as it is, as a named scenario has it, or with changes: what is run beside each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from twin.errors import Fault, ScenarioError
from twin.model.line import Line
from twin.model.nearest import did_you_mean
from twin.model.supply import Mishap, Supply
from twin.model.supply_checks import check_supply
from twin.whatif.scenario import BASELINE, Change, Difference, changed_by, differences_of
from twin.whatif.words import spoken_time

__all__ = ["SupplyCase", "as_it_is", "changed_supply", "named_case"]


@dataclass(frozen=True, slots=True)
class SupplyCase:
    """One supply that is looked at.

    Args:
        name: what programs call it.
        title: what people call it.
        supply: the supply, checked.
        planned: stocks are ordered up to what fits this one.
        mishaps: what goes wrong.
        differences: in words, what is another than in the file.
    """

    name: str
    title: str
    supply: Supply
    planned: Supply
    mishaps: tuple[Mishap, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """What is different, one thing a text."""
        kept = ("stocks are ordered up to the levels of before",) * (
            self.planned is not self.supply
        )
        return (*map(str, self.differences), *map(_told, self.mishaps), *kept)


def _told(mishap: Mishap) -> str:
    what = f"{mishap.material} from {mishap.tier}, {spoken_time(mishap.at_us)} from the start"
    if mishap.lasts_us is not None:
        return f"{what}: nothing arrives for {spoken_time(mishap.lasts_us)}"
    return f"{what}: one arrival {spoken_time(mishap.late_us or 0)} late"


def as_it_is(supply: Supply) -> SupplyCase:
    """The supply as the file has it."""
    return SupplyCase(BASELINE, BASELINE, supply, supply)


def named_case(line: Line, supply: Supply, name: str) -> SupplyCase:
    """A scenario of the supply file.

    Raises:
        ScenarioError: there is none of that name, or it does not fit; names every fault.
    """
    known = {scenario.id: scenario for scenario in supply.scenarios}
    if name not in known:
        remedy = did_you_mean(name, known, "the supply file has no scenarios")
        must = "must be a scenario of the supply file"
        raise ScenarioError([Fault("--scenario", must, name, remedy)])
    scenario = known[name]
    changes = [Change(path, value) for path, value in scenario.changes.items()]
    title = scenario.name.en if scenario.name else name
    where = f"scenario '{name}'"
    case = _case(line, supply, changes, name, title, where) if changes else as_it_is(supply)
    planned = supply if scenario.levels == "kept" else case.supply
    return replace(case, name=name, title=title, mishaps=scenario.mishaps, planned=planned)


def changed_supply(line: Line, supply: Supply, changes: Sequence[Change]) -> SupplyCase:
    """A supply with changes, and stocks that follow them.

    Args:
        line: what is supplied.
        supply: as it is.
        changes: paths in the supply file, and values.

    Raises:
        ScenarioError: they don't fit; names every fault.
    """
    return _case(line, supply, changes, "what if", "what if", "--set")


def _case(
    line: Line, supply: Supply, changes: Sequence[Change], name: str, title: str, where: str
) -> SupplyCase:
    now, touched, faults = changed_by(supply, changes)
    if not faults:
        faults = [_by_id(supply, fault) for fault in check_supply(now, line)]
    found = tuple(differences_of(supply, now, touched))
    if not faults and not found:
        faults = [Fault("", "must change something", "the values that are there already")]
    if faults:
        raise ScenarioError([replace(fault, path=f"{where} {fault.path}".strip())
                             for fault in faults])  # fmt: skip
    return SupplyCase(name, title, now, now, (), found)


def _by_id(supply: Supply, fault: Fault) -> Fault:
    """Name the place of a check's fault as a change would: by ids and not by numbers."""

    def named(match: re.Match[str]) -> str:
        return f"{match[1]}.{getattr(supply, match[1])[int(match[2])].id}"

    return replace(fault, path=re.sub(r"^([a-z]+)\[([0-9]+)\]", named, fault.path))

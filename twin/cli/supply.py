"""`twin supply`: what a line's suppliers and its customer do to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lines.loader import load
from lines.supply_file import load_supply, supply_file_of
from twin.cli.experiment_options import Cluster, EngineOption, Jobs, LineArgument, Seed
from twin.cli.faults import Faults
from twin.cli.numbers import whole
from twin.cli.screen import STDERR, STDOUT, print_columns, print_json
from twin.errors import Fault, ScenarioError, UsageError
from twin.model.line import Line
from twin.model.supply import Supply
from twin.whatif.scenario import Change
from twin.whatif.scenario_file import change_from_text
from twin.whatif.supply import DAY_US, SupplyAnswer, SupplyPlan, supply_answer
from twin.whatif.supply_case import SupplyCase, as_it_is, changed_supply, named_case
from twin.whatif.supply_telling import (
    MATERIAL_HEADINGS,
    SCENARIO_HEADINGS,
    as_json,
    case_rows,
    facts,
    material_rows,
    scenario_rows,
    shortened,
)
from twin.whatif.workers import open_workers

__all__ = ["EXAMPLES", "supply"]

EXAMPLES = (
    "Examples:  twin supply storage_line --list   |   "
    "twin supply storage_line --scenario supplier-stops --scenario local-20   |   "
    "twin supply tube_line --set customer.demand=+10% --set materials.glue.cover='2 d' --days 7   |"
    "   twin supply my_line.yaml --supply my_suppliers.yaml --json"
)


def supply(
    line: LineArgument,
    scenarios: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario", help="A scenario of the supply file, see --list; repeat it for more."
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="PATH=VALUE in the supply file, as materials.LFP.from.circle=10%, "
            "customer.demand=+20%, tiers.other.lead_time=x2; repeat it for more.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--supply", help="The supply file. \\[LINE.supply.yaml beside the line file]"),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Name the scenarios of the supply file, and run nothing.")
    ] = False,
    days: Annotated[
        int,
        typer.Option(
            parser=whole("--days", 1, 3650), metavar="NUMBER", help="That each replication counts."
        ),
    ] = 14,
    replications: Annotated[
        int,
        typer.Option(
            parser=whole("--replications", 2, 10_000), metavar="NUMBER", help="Of each supply."
        ),
    ] = 4,
    seed: Seed = 1,
    engine: EngineOption = "auto",
    jobs: Jobs = None,
    cluster: Cluster = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Run a line with its stores of materials, its suppliers and its customer."""
    faults = Faults()
    with faults.noted():
        if list_ and (scenarios or changes):
            raise UsageError("--list runs nothing: must stand without --scenario and --set")
    with faults.needed():
        loaded = load(line)
        found = load_supply(loaded, file or supply_file_of(line))
    cases = [as_it_is(found)]
    if not list_:
        with faults.noted():
            cases += _asked(loaded, found, scenarios or [], changes or [])
    faults.tell()
    if list_:
        _list(loaded, found, as_json_)
        return
    plan = SupplyPlan(days * DAY_US, replications, seed, engine)
    with open_workers(jobs, cluster, engine) as workers:
        what = f"{len(cases)} supplies" if len(cases) > 1 else "the supply"
        with STDERR.status(f"{loaded.id} with {what}, {replications} times {days} days"):
            answer = supply_answer(loaded, cases, plan=plan, workers=workers)
    if as_json_:
        print_json(as_json(answer))
    else:
        _print(answer)


def _asked(
    line: Line, found: Supply, names: Sequence[str], texts: Sequence[str]
) -> list[SupplyCase]:
    """The cases that were asked for, or every fault of all of them."""
    cases: list[SupplyCase] = []
    faults: list[Fault] = []
    for name in dict.fromkeys(names):
        try:
            cases.append(named_case(line, found, name))
        except ScenarioError as error:
            faults += error.faults
    changes: list[Change] = []
    for text in texts:
        try:
            changes.append(change_from_text(text, "customer.demand=+20%"))
        except ScenarioError as error:
            faults += error.faults
    if changes:
        try:
            cases.append(changed_supply(line, found, changes))
        except ScenarioError as error:
            faults += error.faults
    if faults:
        raise UsageError("\n".join(map(str, faults)))
    return cases


def _list(line: Line, found: Supply, as_json_: bool) -> None:
    cases = [named_case(line, found, one.id) for one in found.scenarios]
    if as_json_:
        print_json([
            {"name": case.name, "title": case.title, "different": list(case.told)} for case in cases
        ])  # fmt: skip
        return
    print_columns(
        f"{line.id}: scenarios of the supply file",
        SCENARIO_HEADINGS,
        scenario_rows(cases),
        texts=True,
    )


def _print(answer: SupplyAnswer) -> None:
    unit = answer.line.product.unit
    print_columns(f"{answer.line.id}: both sides of the gate, {unit}s", *case_rows(answer))
    for number, case in enumerate(answer.cases):
        rows = material_rows(answer, number)
        if rows:
            of = "materials" if number == 0 else "materials that ran short"
            print_columns(f"{case.name}: {of}", MATERIAL_HEADINGS, rows)
        for told in shortened(case):
            _say(f"{case.name}: {told}")
    _say("")
    for name, text in facts(answer):
        _say(f"{name:<14}{text}")


def _say(text: str) -> None:
    STDOUT.print(text, highlight=False, soft_wrap=True, markup=False)

"""`twin labour`: how far a line runs by itself, and what its stops ask of people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lines.loader import load
from twin.cli.changes import variant_asked
from twin.cli.counted import Days, Times, simulated
from twin.cli.experiment_options import EngineOption, LineArgument, Seed
from twin.cli.faults import Faults
from twin.cli.screen import STDOUT, print_columns, print_json
from twin.engine.results import Estimate, Results
from twin.whatif.labour import Automation, Hands, automation_of, crew_loads, hands_of

__all__ = ["EXAMPLES", "labour"]

EXAMPLES = (
    "Examples:  twin labour storage_line   |   "
    "twin labour tube_line --days 2 --json   |   "
    "twin labour my_line.yaml --set crews.FIT.size=3 --set stations.EOL.automation=auto"
)
STAFF, PUBLISHED = "staff_per_shift", "automation_rate_percent"


def labour(
    line: LineArgument,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="PATH=VALUE, as crews.FIT.size=3: the line with that; repeat it."
        ),
    ] = None,
    days: Days = 7,
    replications: Times = 4,
    seed: Seed = 1,
    engine: EngineOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Say how far a line runs by itself, and what its stops ask of people."""
    faults = Faults()
    with faults.needed():
        loaded = load(line)
    if changes:
        with faults.noted():
            loaded = variant_asked(loaded, "what if", changes)[1].line
    faults.tell()
    found = automation_of(loaded)
    results = simulated(loaded, days, replications, seed, engine)
    if as_json:
        print_json(
            {
                "line": loaded.id,
                "days": results.days,
                "replications": len(results.replications),
                "seed": results.seed,
                "automation": asdict(found),
                "stations": [asdict(one) for one in hands_of(results)],
                "crews": [asdict(one) for one in crew_loads(results)],
                "facts": {k: loaded.facts[k] for k in (STAFF, PUBLISHED) if k in loaded.facts},
            }
        )
        return
    _print(results, found)


def _print(results: Results, found: Automation) -> None:
    line = results.line
    hands = hands_of(results)
    rows = [
        (
            one.station,
            one.automation,
            _told(one.stops_per_d, 1),
            _told(one.repair, 2),
            _told(one.setup, 2),
            _told(one.maintenance, 2),
        )
        for one in sorted(hands, key=lambda one: -_all(one))
    ]
    headings = ("station", "runs", "failures a day", "in repair", "in set-up", "in maintenance")
    print_columns(
        f"{line.id}: machines that are seen to at an instant, on the mean", headings, rows
    )
    crews = [
        (one.crew, f"{one.size}", _told(one.down, 2), _told(one.load, 2))
        for one in crew_loads(results)
    ]
    if crews:
        print_columns("Crews", ("crew", "people", "machines down for it", "of its size"), crews)
    automatic = round(found.automatic * found.stations)
    published = line.facts.get(PUBLISHED)
    beside = "" if published is None else f"; published of the factory: {published} %"
    by_hand = ", ".join(found.by_hand) or "none"
    staff = line.facts.get(STAFF)
    said = [
        (
            f"automatic   {automatic} of {found.stations} stations, {found.automatic:.1%}; "
            f"{found.machines_automatic:.1%} of the machines{beside}"
        ),
        f"by hand     {by_hand}",
        f"hands       {sum(map(_all, hands)):,.1f} machines are seen to at an instant, on the mean"
        + ("" if staff is None else f"; {staff} people a shift by the line file"),
        f"crews       {'as in the table' if crews else 'none: somebody is there for every repair'}",
        (
            f"counted     {results.days:g} days, {len(results.replications)} replications, seed "
            f"{results.seed}; ± is a 95 % interval"
        ),
    ]
    for text in said:
        STDOUT.print(text, highlight=False, soft_wrap=True, markup=False)


def _all(one: Hands) -> float:
    return one.repair.mean + one.setup.mean + one.maintenance.mean


def _told(found: Estimate, digits: int) -> str:
    return f"{found.mean:,.{digits}f} ± {found.half_width_95 or 0.0:,.{digits}f}"

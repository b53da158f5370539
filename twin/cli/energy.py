"""`twin energy`: where a line's energy goes, and where a saving comes from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lines.loader import load
from twin.cli.changes import variant_asked
from twin.cli.counted import Days, Times, simulated
from twin.cli.experiment import percentage
from twin.cli.experiment_options import EngineOption, LineArgument, Seed
from twin.cli.faults import Faults
from twin.cli.screen import STDOUT, print_columns, print_json
from twin.engine.results import Estimate, Results
from twin.errors import UsageError
from twin.model.line import Line
from twin.whatif.energy import STATES, EnergyShare, Saving, energy_by_station, saving_of
from twin.whatif.scenario import Variant

__all__ = ["EXAMPLES", "energy"]

EXAMPLES = (
    "Examples:  twin energy storage_line   |   "
    "twin energy storage_line --saving 26% --before stations.STK.cycle_time=+35%   |   "
    "twin energy tube_line --days 2 --json"
)
FACT = "unit_energy_reduction_percent"
SHOWN = 12


def energy(
    line: LineArgument,
    saving: Annotated[
        str | None,
        typer.Option(
            help="Say where a saving of so much against an earlier state comes from, as 26%. "
            f"\\[the line file's {FACT}]"
        ),
    ] = None,
    before: Annotated[
        list[str] | None,
        typer.Option(
            help="PATH=VALUE: what was different before, as stations.BAK.energy.per_product=+20%; "
            "simulated, and its part of the saving told; repeat it for more."
        ),
    ] = None,
    days: Days = 7,
    replications: Times = 4,
    seed: Seed = 1,
    engine: EngineOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Split the energy of a good unit by station and state, and say where a saving comes from."""
    faults = Faults()
    percent, earlier = None, None
    with faults.needed():
        loaded = load(line)
    with faults.noted():
        percent = _percent(loaded, saving)
        if before and percent is None:
            raise UsageError(
                f"--before needs to know how much was saved: must come with --saving, as 26%, as "
                f"{loaded.id} has no fact {FACT}"
            )
    with faults.noted():
        earlier = _earlier(loaded, before or [])
    faults.tell()
    results = simulated(loaded, days, replications, seed, engine)
    shares = energy_by_station(results)
    then = None
    if earlier is not None:
        then = energy_by_station(simulated(earlier.line, days, replications, seed, engine))
    found = None if percent is None else saving_of(shares, percent, then)
    if as_json:
        print_json(_as_json(results, shares, earlier, found))
        return
    _print_shares(results, shares)
    if found is not None:
        _print_saving(results, earlier, found)


def _percent(line: Line, saving: str | None) -> float | None:
    if saving is not None:
        return 100 * percentage("--saving", saving)
    fact = line.facts.get(FACT)
    known = isinstance(fact, int | float) and not isinstance(fact, bool) and 0 < fact < 100
    return float(fact) if known else None  # type: ignore[arg-type]


def _earlier(line: Line, texts: list[str]) -> Variant | None:
    return variant_asked(line, "before", texts, "--before")[1] if texts else None


def _print_shares(results: Results, shares: tuple[EnergyShare, ...]) -> None:
    line, unit = results.line, results.line.product.unit
    whole = results.kwh_per_unit()
    scale, name, digits = _unit(whole.mean)
    used = [state for state in STATES if any(one.kwh_by_state[state] for one in shares)]
    rows = []
    for one in sorted(shares, key=lambda share: -share.total.mean):
        states = (f"{one.kwh_by_state[state] * scale:,.{digits}f}" for state in used)
        share = one.total.mean / whole.mean if whole.mean else 0.0
        rows.append((one.name, *states, _told(one.total, scale, digits), f"{share:.1%}"))
    sums = (sum(one.kwh_by_state[state] for one in shares) * scale for state in used)
    rows.append(("all", *(f"{one:,.{digits}f}" for one in sums), _told(whole, scale, digits), ""))
    print_columns(f"{line.id}: {name} a good {unit}", ("", *used, "all states", "share"), rows)
    STDOUT.print(
        f"{results.days:g} days, {len(results.replications)} replications, seed {results.seed}; "
        f"± is a 95 % interval. 'per unit' is what each {unit} takes that passes, the ones "
        "scrapped later too; the others are power by time.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _print_saving(results: Results, earlier: Variant | None, found: Saving) -> None:
    unit = results.line.product.unit
    scale, name, digits = _unit(found.now.mean)
    headings = ("", "now", "known", "apportioned", "of the saving", "if it alone")
    saved = found.before - found.now.mean
    rows = [
        (
            one.name,
            f"{one.now * scale:,.{digits}f}",
            _told(one.known, scale, digits) if earlier is not None else "-",
            f"{one.rest * scale:,.{digits}f}",
            f"{one.saved / saved:.1%}",
            f"{one.alone:,.2f} times" if one.now else "-",
        )
        for one in found.parts[:SHOWN]
    ]
    print_columns(f"A saving of {found.percent:g} %: {name} a good {unit}", headings, rows)
    said = [
        (
            f"{found.percent:g} % less than before: {found.before * scale:,.{digits}f} {name} "
            f"before, {found.now.mean * scale:,.{digits}f} now, {saved * scale:,.{digits}f} saved."
        )
    ]
    if earlier is not None:
        share = found.known.mean / saved
        said.append(
            f"What is known to have changed explains {_told(found.known, scale, digits)} of it, "
            f"{share:.1%}, by simulation with the same draws: "
            f"{'; '.join(str(one) for one in earlier.differences)}."
        )
    said.append(
        f"The other {found.rest * scale:,.{digits}f} are apportioned in proportion to what each "
        f"uses: that is not a measurement. 'if it alone': how many times as much a part must have "
        f"used before if it had saved that rest alone."
    )
    for text in said:
        STDOUT.print(text, highlight=False, soft_wrap=True, markup=False)


def _unit(kwh: float) -> tuple[float, str, int]:
    """The unit in which a unit of product's energy is read: cells take kWh, tubes Wh."""
    return (1.0, "kWh", 3) if kwh >= 1 else (1000.0, "Wh", 3)


def _told(found: Estimate, scale: float, digits: int) -> str:
    half = found.half_width_95 or 0.0
    return f"{found.mean * scale:,.{digits}f} ± {half * scale:,.{digits}f}"


def _as_json(
    results: Results, shares: tuple[EnergyShare, ...], earlier: Variant | None,
    found: Saving | None,
) -> dict[str, object]:  # fmt: skip
    parts = dict(asdict(found).items()) if found else None
    return {
        "line": results.line.id,
        "days": results.days,
        "replications": len(results.replications),
        "seed": results.seed,
        "kwh_per_unit": asdict(results.kwh_per_unit()),
        "parts": [
            {"name": one.name, "kwh_by_state": one.kwh_by_state, "total": asdict(one.total)}
            for one in shares
        ],
        "before": [str(one) for one in earlier.differences] if earlier else [],
        "saving": parts,
    }

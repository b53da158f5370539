"""What a supply did, in rows for people and in numbers for programs."""

from __future__ import annotations

from dataclasses import asdict

from twin.engine.results import Estimate
from twin.whatif.supply import SUPPLY_FIGURES, SupplyAnswer
from twin.whatif.supply_case import SupplyCase
from twin.whatif.words import spoken_time

__all__ = [
    "CASE_HEADINGS",
    "MATERIAL_HEADINGS",
    "SCENARIO_HEADINGS",
    "as_json",
    "case_rows",
    "facts",
    "material_rows",
    "scenario_rows",
    "shortened",
]

CASE_HEADINGS = (
    "supply",
    "good a day",
    "change",
    "lost by want or no room",
    "stock, 1,000 CNY",
    "local share",
)
OF_CUSTOMER = ("demand unmet", "hours short", "stock, days", "lots returned", "line stood, full")
MATERIAL_HEADINGS = (
    "material", "used a day", "stock, h of use", "lowest, h", "machines starved, h",
)  # fmt: skip
SCENARIO_HEADINGS = ("scenario", "what it is", "what is different")
FEW_H = 0.05
FEW = 3


def _told(found: Estimate | None, scale: float = 1.0, digits: int = 1, unit: str = "") -> str:
    if found is None:
        return "-"
    half = found.half_width_95 or 0.0
    return f"{found.mean * scale:,.{digits}f} ± {half * scale:,.{digits}f}{unit}"


def _share(found: Estimate | None) -> str:
    """A share that hardly varies: it follows from the file but for what was used."""
    return "-" if found is None else f"{found.mean:.1%}".replace("%", " %")


def case_rows(answer: SupplyAnswer) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A row for each case; headings and rows. A column is there where anything is in it."""
    headings = (*CASE_HEADINGS, *OF_CUSTOMER)
    rows = []
    for i, case in enumerate(answer.cases):
        rows.append(
            (
                case.name,
                _told(answer.of(i, "good_per_d"), digits=0),
                "" if i == 0 else _told(answer.change(i, "good_per_d"), digits=0),
                _told(answer.of(i, "lost_per_d"), digits=0),
                _told(answer.of(i, "stock_cny"), 1e-3, 0),
                _share(answer.of(i, "local_share")),
                _told(answer.of(i, "unmet_ratio"), 100, 1, " %"),
                _told(answer.of(i, "customer_short_h"), digits=0),
                _told(answer.of(i, "customer_stock_d"), digits=2),
                _told(answer.of(i, "returned_ratio"), 100, 1, " %"),
                _told(answer.of(i, "customer_full_h"), 1, 0, " h"),
            )
        )
    there = [k for k in range(len(headings)) if any(row[k] not in ("", "-") for row in rows)]
    kept = tuple(headings[k] for k in there)
    return kept, [tuple(row[k] for k in there) for row in rows]


def material_rows(answer: SupplyAnswer, case: int) -> list[tuple[str, ...]]:
    """A row for each material: all of the supply as it is, of another case those that ran short."""
    rows: list[tuple[str, ...]] = []
    for m in range(len(answer.cases[case].supply.materials)):
        state = answer.state(case, m)
        if case and state.starved_h.mean < FEW_H:
            continue
        rows.append(
            (
                state.material,
                _told(state.used_per_d, digits=0),
                _told(state.stock_h),
                _told(state.lowest_h),
                _told(state.starved_h),
            )
        )
    return rows


def scenario_rows(cases: list[SupplyCase]) -> list[tuple[str, ...]]:
    """A row for each scenario of a supply file."""
    return [(case.name, case.title, "; ".join(shortened(case))) for case in cases]


def shortened(case: SupplyCase) -> list[str]:
    """What is different in a case; of many values the first few."""
    differences = [str(one) for one in case.differences]
    more = [f"and {len(differences) - FEW} values more"] if len(differences) > FEW + 1 else []
    return [*(differences[:FEW] + more if more else differences), *case.told[len(differences) :]]


def facts(answer: SupplyAnswer) -> list[tuple[str, str]]:
    """How it was run, name and text."""
    plan = answer.plan
    supply = answer.cases[0].supply
    warm_up = f" after {spoken_time(answer.warm_up_us)} of warm-up" if answer.warm_up_us else ""
    counted = (
        f"{spoken_time(plan.span_us)}{warm_up}, "
        f"{plan.replications} replications of each, seed {plan.seed}; ± is a 95 % interval"
    )
    lost = "good units a day that a line lacking nothing makes more, the same draws in both"
    told = [("counted", counted), ("lost", lost)]
    if supply.customer is not None:
        customer = supply.customer
        limit = "none is returned" if customer.limit_ppm is None else (
            f"returned with more than {customer.limit_ppm:g} defective in a million"
        )  # fmt: skip
        said = f"{customer.name.en}: {customer.demand * 24:,.0f} a day, lots of {customer.lot:,}, "
        told.append(("customer", said + limit))
        if customer.capacity_us is not None:
            full = f"holds {spoken_time(customer.capacity_us)} of its demand; while it is full "
            told.append(("its store", full + "the line's last stations begin nothing"))
    return told


def as_json(answer: SupplyAnswer) -> dict[str, object]:
    """Everything as numbers."""
    plan = answer.plan
    return {
        "line": answer.line.id,
        "span_us": plan.span_us,
        "warm_up_us": answer.warm_up_us,
        "replications": plan.replications,
        "seed": plan.seed,
        "cases": [_case(answer, i) for i in range(len(answer.cases))],
    }


def _case(answer: SupplyAnswer, number: int) -> dict[str, object]:
    case, states = answer.cases[number], len(answer.cases[number].supply.materials)
    return {
        "name": case.name,
        "title": case.title,
        "different": list(case.told),
        **{name: _estimate(answer.of(number, name)) for name in SUPPLY_FIGURES},
        "change": {name: _estimate(answer.change(number, name)) for name in SUPPLY_FIGURES},
        "materials": [asdict(answer.state(number, m)) for m in range(states)],
    }


def _estimate(found: Estimate | None) -> dict[str, float | None] | None:
    return None if found is None else asdict(found)

"""This project's engines and its peers on one line whose throughput is known exactly.

    sh benchmarks/peers/install.sh
    python benchmarks/peers/compare.py [--seconds 5]

Everyone gets about the same CPU time for its replications, so that the interval shows what the time
buys. Each peer runs in its environment, by its script here, written as its own examples are; one
that isn't installed is left out and named. A move is one part finishing one station.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from figures import Figure, add, machine, show  # noqa: E402
from plain_line import plain_line  # noqa: E402

from twin.engine import EngineName, Estimate, simulate  # noqa: E402

STATIONS, PLACES = 4, 2
EXACT = 0.700713
"""Parts for each mean of a station's time: the balanced exponential line of four stations with two
places between, by its Markov chain; as in `tests/theory/exact_values.py`, which solves it anew."""
WARM_UP = 300
PILOT = 300
RUNS = 10
ENVIRONMENTS = HERE.parents[1] / ".venv" / "peers"
PEERS = {
    "simantha": "simantha",
    "simprocesd": "SimPROCESD",
    "ciw": "Ciw",
    "salabim": "salabim",
    "prodsys": "prodsys",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What some runs found, and at what cost."""

    throughputs: list[float]
    moves: int
    cpu_s: float


def by_engine(engine: EngineName, span: int, runs: int) -> Outcome:
    """Run the line in one of this project's engines."""
    began = time.process_time()
    results = simulate(
        plain_line(STATIONS, PLACES),
        engine=engine,
        replications=runs,
        warmup=f"{WARM_UP} s",
        until=f"{span} s",
    )
    return Outcome(
        [int(counters.good[-1]) / span for counters in results.replications],
        sum(int(counters.completed.sum()) for counters in results.replications),
        time.process_time() - began,
    )


def by_peer(name: str, span: int, runs: int) -> Outcome:
    """Run it in a peer's environment."""
    done = subprocess.run(
        [
            str(ENVIRONMENTS / name / "bin" / "python"),
            str(HERE / f"{name}_line.py"),
            *map(str, (STATIONS, PLACES, WARM_UP, span, runs)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return Outcome(**json.loads(done.stdout))


def version(name: str) -> str:
    """The pinned version of a peer."""
    pins = (HERE / "requirements" / f"{name}.txt").read_text().splitlines()
    return next(pin.partition("==")[2] for pin in pins if pin.lower().startswith(f"{name}=="))


def compare(name: str, seconds: float) -> None:
    """Run one for so long and print its row."""

    def run(span: int, runs: int) -> Outcome:
        if name == "SimPy engine":
            return by_engine("simpy", span, runs)
        return by_engine("kernel", span, runs) if name == "kernel" else by_peer(name, span, runs)

    span, pilot = PILOT, run(PILOT, 1)
    while pilot.cpu_s < seconds / (2 * RUNS):
        span *= 5
        pilot = run(span, 1)
    found = run(max(PILOT, int(span * seconds / pilot.cpu_s / RUNS)), RUNS)
    estimate = Estimate.of(found.throughputs)
    half_width = estimate.half_width_95 or 0.0
    low, high = estimate.mean - half_width, estimate.mean + half_width
    title = f"{PEERS[name]} {version(name)}" if name in PEERS else name
    inside = f"exact: {'inside' if low <= EXACT <= high else 'OUTSIDE'}"
    add(Figure(f"{title}: parts out, {inside}", low, estimate.mean, high, "parts"))
    show(f"{title}: moves/s", [found.moves / found.cpu_s], "k", scale=1e3)


def main() -> None:
    """Print a row for everyone that is here."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of CPU for each (default: 5)")
    seconds = parser.parse_args().seconds
    print(machine())
    print(f"{STATIONS} stations, {PLACES} places between two, exponential; exact: {EXACT}")
    print("parts out: the mean of the replications, and its 95 % interval")
    here = [name for name in PEERS if (ENVIRONMENTS / name).is_dir()]
    for name in ["kernel", "SimPy engine", *here]:
        compare(name, seconds)
    if missing := [PEERS[name] for name in PEERS if name not in here]:
        print(f"not installed (sh benchmarks/peers/install.sh): {', '.join(missing)}")


if __name__ == "__main__":
    main()

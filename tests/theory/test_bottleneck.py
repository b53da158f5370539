"""Who limits a line is told on lines where it is known, and theory's value lies beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exact_values import CASES, Case
from theory_lines import line_of

from twin import whatif
from twin.engine import simulate
from twin.model import Buffer, Line, Station
from twin.whatif.bottleneck import bottleneck, remedies
from twin.whatif.decomposition import Unreliable, line_throughput, pair
from twin.whatif.known_values import known_values
from twin.whatif.markov import Machine, Plan

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US


def random_line(rng: np.random.Generator, slow: int, stations: int) -> Line:
    """Stations of all kinds, one of them a fifth slower than every other could ever be."""
    made = []
    for i in range(stations):
        machines, batch = int(rng.choice([1, 1, 2, 4])), int(rng.choice([1, 1, 5])) if i else 1
        mean = (1.25 if i == slow else float(rng.uniform(0.75, 1.0))) * machines * batch
        time: Any = [
            {"distribution": "exponential", "mean": f"{mean:.3f} s"},
            {"distribution": "lognormal", "mean": f"{mean:.3f} s", "cv": 0.3},
            f"{mean:.3f} s",
        ][int(rng.integers(3))]
        failures: Any = ()
        if rng.integers(2) and i != slow:
            up = {"distribution": "exponential", "mean": f"{rng.uniform(200, 400):.1f} s"}
            down = {"distribution": "exponential", "mean": f"{rng.uniform(2, 10):.1f} s"}
            failures = ({"id": "f", "mtbf": up, "mttr": down},)
        more = {"takes": batch} if batch > 1 else {}
        made.append(
            Station(id=f"S{i}", machines=machines, cycle_time=time, failures=failures, **more)  # type: ignore[arg-type]
        )
    return Line(
        id="RANDOM",
        stations=tuple(made),
        buffers=tuple(
            Buffer(
                id=f"B{i}", sources=f"S{i}", sinks=f"S{i + 1}", capacity=int(rng.integers(10, 25))
            )  # type: ignore[arg-type]
            for i in range(stations - 1)
        ),
    )


def test_the_slowest_of_random_lines_is_found_and_so_is_what_helps() -> None:
    """Twenty lines with batches, parallel machines, failures, all kinds of times."""
    rng = np.random.default_rng(11)
    right, helps = 0, 0
    with whatif.open_workers() as workers:
        for _ in range(20):
            stations = int(rng.integers(3, 7))
            slow = int(rng.integers(stations))
            line = random_line(rng, slow, stations)
            plan = whatif.Plan(span_us=8 * HOUR_US, warm_up_us=HOUR_US, precision=None, most=4)
            found = bottleneck(line, plan=plan, workers=workers)
            right += found.ranked[0].station == f"S{slow}"
            faster = [
                s for s in remedies(line, [s.id for s in line.stations]) if "faster" in s.name
            ]
            answer = whatif.compare(line, faster, plan=plan, workers=workers)
            gains = [answer.gain(i).mean for i in range(1, len(faster) + 1)]
            helps += int(np.argmax(gains)) == slow
    assert right >= 19, right
    assert helps >= 19, helps


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_known_value_of_a_line_is_the_published_one(case: Case) -> None:
    found = known_values(line_of(case.plan))
    assert [one.how for one in found] == ["exact"]
    assert found[0].per_h / 3600 == pytest.approx(case.throughput, abs=2e-6)


def test_the_known_value_of_a_stretch_inside_a_line() -> None:
    """A palletiser at the end has no theory here; the two stations before it have."""
    two = line_of(Plan((Machine(1), Machine(1.1)), (0,)))
    end = Station(id="PAL", cycle_time="1 s", takes=10, gives=1)  # type: ignore[arg-type]
    to_end = Buffer(id="to-PAL", sources="B", sinks="PAL", capacity=50)  # type: ignore[arg-type]
    line = Line(id="L", stations=(*two.stations, end), buffers=(*two.buffers, to_end))
    (found,) = known_values(line)
    assert found.stations == ("A", "B")
    assert found.per_h / 3600 == pytest.approx(0.697885, abs=2e-6)


def unreliable_line(machines: list[Unreliable], rooms: list[int]) -> Line:
    def exponential(rate: float) -> dict[str, Any]:
        return {"distribution": "exponential", "mean": f"{1 / rate:.6f} s"}

    stations = tuple(
        Station(
            id=f"S{i}",
            cycle_time="1 s",  # type: ignore[arg-type]
            failures=(
                {
                    "id": "f",
                    "mtbf": exponential(m.failure_rate),
                    "mttr": exponential(m.repair_rate),
                },
            ),  # type: ignore[arg-type]
        )
        for i, m in enumerate(machines)
    )
    buffers = tuple(
        Buffer(id=f"B{i}", sources=f"S{i}", sinks=f"S{i + 1}", capacity=room)  # type: ignore[arg-type]
        for i, room in enumerate(rooms)
    )
    return Line(id="DDX", stations=stations, buffers=buffers)


A, B, C = Unreliable(0.01, 0.1), Unreliable(0.02, 0.05), Unreliable(0.005, 0.02)


@pytest.mark.parametrize(
    ("machines", "rooms", "within"),
    [([A, A], [10], 0.005), ([A, B], [10], 0.005), ([A, A, A], [5, 5], 0.01),
     ([A, B, C], [5, 20], 0.02), ([A] * 5, [5] * 4, 0.02), ([A] * 8, [10] * 7, 0.03)],
    ids=str,
)  # fmt: skip
def test_the_decomposition_is_near_the_simulated_line(
    machines: list[Unreliable], rooms: list[int], within: float
) -> None:
    line = unreliable_line(machines, rooms)
    (known,) = known_values(line)
    assert known.how == "decomposition"
    seen = simulate(line, until="60000 s", warmup="2000 s", replications=12).good_per_h()
    assert seen.half_width_95 is not None
    assert abs(known.per_h / seen.mean - 1) <= within + seen.half_width_95 / seen.mean


def test_a_pair_has_the_known_limits() -> None:
    """No room: every failure stops both. Endless room: the least of the two (section 5)."""
    assert pair(A, A, 1e-9).throughput == pytest.approx(1 / (1 + 0.1 + 0.1), rel=1e-6)
    assert pair(A, B, 1e7).throughput == pytest.approx(1 / (1 + 0.4), rel=1e-6)
    assert line_throughput([A, B, C], [7, 9]) == pytest.approx(
        line_throughput([C, B, A], [9, 7]), rel=1e-6
    )

"""Material that is brought: both engines do the same with it, and none gets lost (rule S42)."""

from __future__ import annotations

import pytest
from equal_runs import first_difference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_lines import SECOND, lines

from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.simpy_engine import SimpyEngine
from twin.errors import EngineError
from twin.model import Line, Station
from twin.model.materials import Material, Use

END = 90 * SECOND
MICRO = 1_000_000
brought = st.lists(
    st.tuples(st.integers(0, END), st.sampled_from([0.25, 1.0, 7.5])), max_size=12
).map(sorted)
slow = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def scarce(line: Line, stock: float) -> Line:
    """The line whose foil runs out unless somebody brings some."""
    materials = tuple(
        one.model_copy(update={"stock": stock}) if one.id == "foil" else one
        for one in line.materials
    )
    return line.model_copy(update={"materials": materials})


@pytest.mark.skipif(kernel_library() is None, reason="the compiled engine is not installed")
@slow
@given(line=lines(), stock=st.sampled_from([0.0, 2.0]), todo=brought)
def test_both_engines_do_the_same_with_deliveries(line: Line, stock: float, todo) -> None:
    line = scarce(line, stock)
    reference, compiled = EventLog(), EventLog()
    simpy = SimpyEngine(line, log=reference)
    kernel = KernelEngine(line, on_events=compiled.add_block)
    for at_us, amount in todo:
        for engine in (simpy, kernel):
            engine.advance(at_us)
            engine.deliver("foil", amount)
    simpy.advance(END)
    kernel.advance(END)
    if reference.digest() != compiled.digest():
        pytest.fail(first_difference(reference.table(), compiled.table()))
    assert simpy.snapshot() == kernel.snapshot()
    row = [one.id for one in line.materials].index("foil")
    held, used = (getattr(simpy.snapshot().materials, name)[row] for name in ("level", "used"))
    assert held == round((stock + sum(amount for _, amount in todo)) * MICRO) - used
    assert held >= 0


def short_line() -> Line:
    station = Station(id="A", cycle_time="2 s", uses=(Use(material="glue", amount=1.0),))
    store = Material(id="glue", unit="kg", stock=1.0)
    return Line(id="L", stations=(station,), materials=(store, Material(id="film", unit="kg")))


@pytest.mark.parametrize("engine", [SimpyEngine, *([KernelEngine] if kernel_library() else [])])
def test_a_station_waits_until_material_is_brought(engine) -> None:
    running = engine(short_line())
    running.advance(10 * SECOND)
    assert running.counters().good[0] == 1
    running.deliver("glue", 3.0)
    running.advance(20 * SECOND)
    assert running.counters().good[0] == 4


@pytest.mark.parametrize("engine", [SimpyEngine, *([KernelEngine] if kernel_library() else [])])
@pytest.mark.parametrize(
    ("material", "amount", "said"),
    [
        ("glu", 1.0, "no such material; did you mean 'glue'?"),
        ("film", 1.0, "never runs out"),
        ("glue", 0.0, "must be greater than 0"),
        ("glue", float("nan"), "must be greater than 0"),
        ("glue", 1e10, "at most 10"),
    ],
)
def test_what_can_not_be_brought(engine, material: str, amount: float, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        engine(short_line()).deliver(material, amount)

"""Snapshots: equal from both engines, and the run after one is the run that was interrupted."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from random_lines import lines

from lines.loader import load
from twin.engine.counters import Counters
from twin.engine.events import EventLog
from twin.engine.kernel import KernelEngine, kernel_library
from twin.engine.redraw import redrawn
from twin.engine.simpy_engine import SimpyEngine
from twin.engine.simulation import Engine, EngineName, open_engine
from twin.engine.snapshot import SAVED, Snapshot
from twin.model import Line
from twin.model.status import Condition

pytestmark = pytest.mark.skipif(
    kernel_library() is None, reason="the compiled engine is not installed: no C compiler"
)
SECOND = 1_000_000
ENGINES: tuple[EngineName, ...] = ("simpy", "kernel")
many = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
# At whole seconds nearly everything happens at once, in between there is work in hand.
instants = st.one_of(st.integers(0, 90).map(lambda s: s * SECOND), st.integers(0, 90 * SECOND))
starts = st.sampled_from([0, 0, 7 * SECOND, 1_234_567])


def assert_same(a: Snapshot, b: Snapshot) -> None:
    if a == b:
        return
    for name in SAVED:
        one, other = getattr(a, name), getattr(b, name)
        for column in type(one).model_fields:
            assert getattr(one, column) == getattr(other, column), f"{name}.{column}"
    assert a.model_dump() == b.model_dump()


SINCE_ITS_BEGINNING = {"level_us", "starved_by_us", "blocked_by_us", "good_by_hour"}
"""What an engine counts from where it begins itself (rules S38 to S41)."""


def assert_counted_alike(a: Counters, b: Counters) -> None:
    for field in fields(Counters):
        if field.name in SINCE_ITS_BEGINNING:
            continue
        assert np.array_equal(getattr(a, field.name), getattr(b, field.name)), field.name


def through_text(snapshot: Snapshot) -> Snapshot:
    read = Snapshot.from_json(snapshot.to_json())
    packed = Snapshot.from_bytes(read.to_bytes())
    assert read == packed == snapshot
    return packed


def uninterrupted(line: Line, seed: int, start: int, stops: list[int]) -> tuple[EventLog, Counters]:
    """The events of a run, each stretch between two stops hashed by itself, and its counters."""
    log = EventLog()
    engine = SimpyEngine(line, seed=seed, start_us=start, log=log)
    for stop in stops:
        engine.advance(stop)
    return log, engine.counters()


def rest(log: EventLog, after_us: int, to_us: int) -> str:
    """The digest of what happened after an instant, up to and at another."""
    table = log.table()
    part = EventLog()
    part.add_block(table[(table[:, 0] > after_us) & (table[:, 0] <= to_us)])
    return part.digest()


def open_both(line: Line, seed: int, start: int) -> list[Engine]:
    return [open_engine(line, name, seed=seed, start_us=start) for name in ENGINES]


@many
@given(lines(), starts, st.lists(instants, min_size=1, max_size=4).map(sorted), st.integers(0, 99))
def test_both_engines_give_the_same_snapshot(
    line: Line, start: int, stops: list[int], seed: int
) -> None:
    engines = open_both(line, seed, start)
    for stop in [0, *stops]:
        for engine in engines:
            engine.advance(start + stop)
        simpy, kernel = (engine.snapshot() for engine in engines)
        assert_same(simpy, kernel)
        # Taking one changes nothing, and who goes on from it is where it was.
        assert_same(engines[0].snapshot(), simpy)
        for name in ENGINES:
            assert_same(open_engine(line, name, start=simpy).snapshot(), simpy)
        again, shown = SimpyEngine.from_snapshot(line, simpy), engines[0]
        assert isinstance(shown, SimpyEngine)
        assert again.status() == shown.status()
        assert again.material_used() == shown.material_used()
        assert again.parts_inside() == shown.parts_inside()


@many
@given(
    line=lines(),
    start=starts,
    stops=st.lists(instants, min_size=2, max_size=5).map(sorted),
    seed=st.integers(0, 99),
    names=st.lists(st.sampled_from(ENGINES), min_size=5, max_size=5),
)
def test_a_run_goes_on_from_a_chain_of_snapshots(
    line: Line, start: int, stops: list[int], seed: int, names: list[EngineName]
) -> None:
    stops = [start + stop for stop in [0, *stops]]
    log, counters = uninterrupted(line, seed, start, stops)
    engine = open_engine(line, names[0], seed=seed, start_us=start)
    engine.advance(stops[0])
    for (at, to), name in zip(pairwise(stops), names, strict=False):
        snapshot = through_text(engine.snapshot())
        events = EventLog()
        engine = open_engine(line, name, start=snapshot, log=events)
        engine.advance(to)
        note(f"{name} from {at} to {to}")
        assert events.digest() == rest(log, at, to)
    assert_counted_alike(engine.counters(), counters)


@many
@given(line=lines(constants_only=True), at=instants, seed=st.integers(0, 99))
def test_each_engine_goes_on_as_the_uninterrupted_run_on_lines_full_of_ties(
    line: Line, at: int, seed: int
) -> None:
    end = at + 60 * SECOND
    log, counters = uninterrupted(line, seed, 0, [at, end])
    for taker in ENGINES:
        engine = open_engine(line, taker, seed=seed)
        engine.advance(at)
        snapshot = through_text(engine.snapshot())
        for name in ENGINES:
            events = EventLog()
            after = open_engine(line, name, start=snapshot, log=events)
            after.advance(end)
            assert events.digest() == rest(log, at, end), f"{taker} to {name}"
            assert_counted_alike(after.counters(), counters)


@settings(many, max_examples=60)
@given(line=lines(eventful=True, max_steps=2), seed=st.integers(0, 99), parity=st.booleans())
def test_lines_where_much_stands_still_go_on_from_many_snapshots(
    line: Line, seed: int, parity: bool
) -> None:
    stops = [round(k * 4.75 * SECOND) for k in range(1, 20)]
    log, counters = uninterrupted(line, seed, 0, stops)
    engines = open_both(line, seed, 0)
    for turn, (at, to) in enumerate(pairwise([0, *stops])):
        snapshots = [engine.snapshot() for engine in engines]
        assert_same(*snapshots)
        # Each goes on from the other's, in turn in its own kind of engine and in the other kind.
        names = ENGINES if parity ^ (turn // 2 % 2) else ENGINES[::-1]
        logs = [EventLog(), EventLog()]
        engines = [
            open_engine(line, name, start=snapshots[0], log=events)
            for name, events in zip(names, logs, strict=True)
        ]
        for engine, events in zip(engines, logs, strict=True):
            engine.advance(to)
            assert events.digest() == rest(log, at, to)
    for engine in engines:
        assert_counted_alike(engine.counters(), counters)


@settings(many, max_examples=60)
@given(line=lines(eventful=True), at=instants)
def test_a_fork_goes_on_as_its_origin_and_leaves_it_alone(line: Line, at: int) -> None:
    end = at + 30 * SECOND
    log = EventLog()
    origin = KernelEngine(line)
    origin.advance(at)
    fork = origin.fork(on_events=log.add_block)
    fork.advance(end)
    origin.advance(end)
    assert_same(fork.snapshot(), origin.snapshot())
    assert log.digest() == rest(uninterrupted(line, 1, 0, [end])[0], at, end)


def seen(snapshot: Snapshot) -> Counter[str]:
    """What a snapshot was taken in the middle of."""
    machines, places = snapshot.machines, snapshot.places
    found: Counter[str] = Counter()
    found["mid-repair"] = sum(
        down >= 0 and ends >= 0 for down, ends in zip(machines.down, machines.ends_us, strict=True)
    )
    found["waiting for a crew"] = sum(turn > 0 for turn in machines.crew_turn)
    found["in maintenance"] = sum(service >= 0 for service in machines.service)
    found["blocked"] = sum(condition == Condition.BLOCKED for condition in places.condition)
    found["waiting for a load"] = sum(waits == 1 for waits in places.waits_for)
    found["mid-work"] = sum(
        0 < left < drawn for left, drawn in zip(places.left_us, places.drawn_us, strict=True)
    )
    found["with a load of several parts"] = sum(
        n > 1 for n in Counter(
            holder
            for held_in, holder in zip(snapshot.parts.held_in, snapshot.parts.holder, strict=True)
            if held_in == 1
        ).values()
    )  # fmt: skip
    found["interrupted work"] = sum(
        loaded and condition != Condition.EXECUTE
        for loaded, condition in zip(places.loaded, places.condition, strict=True)
    )
    return found


@pytest.mark.parametrize(
    ("name", "minutes"),
    [("storage_line", [0, 61, 420.123456, 1020]), ("tube_line", [0, 48, 258, 324.7])],
)
def test_the_packaged_lines_go_on_from_their_snapshots(name: str, minutes: list[float]) -> None:
    line = load(name)
    stops = [round(m * 60 * SECOND) for m in minutes]
    stops.append(stops[-1] + 20 * 60 * SECOND)
    log, counters = uninterrupted(line, 1, 0, stops)
    engines = open_both(line, 1, 0)
    met: Counter[str] = Counter()
    for at, to in pairwise(stops):
        for engine in engines:
            engine.advance(at)
        snapshots = [engine.snapshot() for engine in engines]
        assert_same(*snapshots)
        met += seen(snapshots[0])
        between = through_text(snapshots[0])
        logs = [EventLog(), EventLog()]
        # Each goes on from the other's.
        engines = [
            open_engine(line, which, start=between, log=events)
            for which, events in zip(reversed(ENGINES), logs, strict=True)
        ]
        for engine in engines:
            engine.advance(to)
        for events in logs:
            assert events.digest() == rest(log, at, to)
    for engine in engines:
        assert_counted_alike(engine.counters(), counters)
    assert {"mid-work", "mid-repair", "blocked", "interrupted work"} <= {
        k for k, n in met.items() if n
    }


@many
@given(lines(), st.integers(0, 5), instants, st.integers(1, 3))
def test_both_engines_go_on_alike_from_a_redrawn_state(
    line: Line, seed: int, at_us: int, replication: int
) -> None:
    engine = open_engine(line, "kernel", seed=seed)
    engine.advance(at_us)
    start = redrawn(line, engine.snapshot(), replication)
    ends = []
    for name in ENGINES:
        running = open_engine(line, name, start=start, replication=replication)
        running.advance(at_us + 60 * SECOND)
        ends.append(running.snapshot())
    assert_same(*ends)

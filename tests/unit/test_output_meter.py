"""What comes off a line as the twin saw it: units so far, scrap, and the rate over a window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.historian.port import Quality
from twin.live.mirror import Mirror
from twin.live.output import OutputMeter
from twin.live.readings import ConnectionChanged, Reading
from twin.model.line import Line

LINE = Line.model_validate(
    {
        "id": "L1",
        "plcs": ({"id": "PLC"},),
        "yield_from": "MAKE",
        "stations": (
            {"id": "CAST", "cycle_time": "1 s", "plc": "PLC"},
            {"id": "MAKE", "cycle_time": "1 s", "plc": "PLC"},
            {"id": "BOX", "cycle_time": "4 s", "takes": 12, "gives": 1, "plc": "PLC"},
        ),
        "buffers": (
            {"id": "B1", "from": "CAST", "to": "MAKE", "capacity": 9},
            {"id": "B2", "from": "MAKE", "to": "BOX", "capacity": 24},
        ),
    }
)
T0 = 1_767_571_200_000_000
S = 1_000_000
MIN = 60 * S


def counters(unit: str, at: int, **values: int) -> tuple[Reading, ...]:
    return tuple(
        Reading("PLC", unit, name, value, at, at, Quality.GOOD) for name, value in values.items()
    )


@pytest.fixture
def meter() -> OutputMeter:
    meter = OutputMeter(Mirror(LINE))
    meter.mirror.handle(ConnectionChanged("PLC", connected=True, at_us=T0, reason=""))
    for unit in ("CAST01", "MAKE01", "BOX01"):
        meter.mirror.handle(counters(unit, T0, processed=1000, defective=100, reworked=10))
    meter.sample()
    return meter


def box(meter: OutputMeter, at: int, **values: int) -> None:
    meter.mirror.handle(counters("BOX01", at, **values))
    meter.sample()


def test_what_was_made_before_the_twin_came_is_not_its_output(meter) -> None:
    assert meter.good_units() == 0
    assert meter.scrap_units() == 0
    assert meter.per_h() is None
    assert meter.watched_us == 0


def test_output_is_in_units_of_product_and_good_only(meter) -> None:
    box(meter, T0 + MIN, processed=1010, defective=101, reworked=12)
    assert meter.good_units() == (10 - 1 - 2) * 12


def test_scrap_counts_from_where_the_yield_does(meter) -> None:
    meter.mirror.handle(counters("CAST01", T0 + S, defective=150))
    meter.mirror.handle(counters("MAKE01", T0 + S, defective=103))
    box(meter, T0 + MIN, defective=101)
    assert meter.scrap_units() == 3 + 12


def test_the_rate_is_over_the_plants_time_and_needs_a_minute_of_it(meter) -> None:
    box(meter, T0 + MIN - 1, processed=1005)
    assert meter.per_h() is None
    box(meter, T0 + 2 * MIN, processed=1010)
    assert meter.watched_us == 2 * MIN
    assert meter.per_h() == 10 * 12 * 30


def test_the_rate_forgets_what_is_older_than_its_window() -> None:
    meter = OutputMeter(Mirror(LINE), window_us=10 * MIN)
    meter.mirror.handle(ConnectionChanged("PLC", connected=True, at_us=T0, reason=""))
    box(meter, T0, processed=0, defective=0, reworked=0)
    box(meter, T0 + 5 * MIN, processed=100)
    box(meter, T0 + 15 * MIN, processed=101)
    assert meter.watched_us == 10 * MIN
    assert meter.per_h() == 12 * 6
    assert meter.good_units() == 101 * 12


def test_samples_are_not_taken_at_every_call(meter) -> None:
    for second in range(300):
        box(meter, T0 + second * S, processed=1000 + second)
    assert len(meter._samples) == 20


def test_a_cold_restart_gives_no_negative_and_no_phantom_output(meter) -> None:
    box(meter, T0 + MIN, processed=1010)
    meter.mirror.handle(ConnectionChanged("PLC", connected=False, at_us=T0 + MIN, reason="off"))
    meter.mirror.handle(ConnectionChanged("PLC", connected=True, at_us=T0 + 2 * MIN, reason=""))
    box(meter, T0 + 2 * MIN, processed=0, defective=0, reworked=0)
    assert meter.good_units() == 10 * 12
    assert meter.scrap_units() == 0
    box(meter, T0 + 3 * MIN, processed=4, defective=1)
    assert meter.good_units() == 13 * 12
    assert meter.per_h() == 13 * 12 * 20


def test_a_clock_that_is_set_back_starts_the_rate_anew(meter) -> None:
    box(meter, T0 + 5 * MIN, processed=1010)
    meter.mirror.handle(ConnectionChanged("PLC", connected=False, at_us=T0, reason="off"))
    meter.mirror.handle(ConnectionChanged("PLC", connected=True, at_us=T0, reason=""))
    box(meter, T0 - 60 * MIN, processed=1010)
    assert meter.per_h() is None
    box(meter, T0 - 59 * MIN, processed=1020)
    assert meter.per_h() == 10 * 12 * 60
    assert meter.good_units() == 20 * 12


def test_the_rate_is_for_an_hour_of_planned_busy_time() -> None:
    """In Shanghai it is 08:00 on a Monday: half an hour's stop, then half an hour of work."""
    stop = {"every": "8 h", "lasts": "30 min"}
    calendars = ({"id": "cal", "stops": (stop,)},)
    more = {"time_zone": "Asia/Shanghai", "calendar": "cal", "calendars": calendars}
    line = Line.model_validate({**LINE.model_dump(by_alias=True), **more})
    meter = OutputMeter(Mirror(line))
    meter.mirror.handle(ConnectionChanged("PLC", connected=True, at_us=T0, reason=""))
    box(meter, T0, processed=0, defective=0, reworked=0)
    box(meter, T0 + 20 * MIN, processed=1)
    assert meter.watched_us == 20 * MIN
    assert meter.planned_busy_us == 0
    assert meter.per_h() is None
    box(meter, T0 + 60 * MIN, processed=100)
    assert meter.planned_busy_us == 30 * MIN
    assert meter.per_h() == 12 * 100 * 2


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3 * MIN),
        st.dictionaries(
            st.sampled_from(["processed", "defective", "reworked"]), st.integers(0, 50), min_size=1
        ),
    ),
    max_size=20,
)


@given(STEPS)
def test_no_counter_makes_it_negative(steps) -> None:
    meter = OutputMeter(Mirror(LINE))
    meter.mirror.handle(ConnectionChanged("PLC", connected=True, at_us=T0, reason=""))
    at = T0
    for by_us, values in steps:
        at += by_us
        box(meter, at, **values)
        meter.mirror.validate()
        assert meter.good_units() >= 0
        assert meter.scrap_units() >= 0
        assert (meter.per_h() or 0) >= 0
        assert meter.watched_us <= meter.window_us

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.engine.draws import Purpose, draw_index, key_for, word
from twin.engine.part_draws import BLOCK, PASS, REJECT, REWORK, SCRAP, PartDraws
from twin.engine.quantiles import quantile_table, variate
from twin.model import Line, Station

EXPONENTIAL: Any = {"distribution": "exponential", "mean": "2 s"}
JUDGED: Any = {
    "scrap": 0.1,
    "rework": {"rate": 0.2},
    "defects": {"u": 0.1, "v": 0.05},
    "inspection": {"detects": {"v": 0.5, "u": 0.25}, "false_reject": 0.1},
}
numbers = st.integers(0, (1 << 62) - 1)


def draws(**more: Any) -> PartDraws:
    station = Station(id="A", cycle_time=EXPONENTIAL, **more)
    line = Line(id="L", stations=(station,), defects=({"id": "u"}, {"id": "v"}))  # type: ignore[arg-type]
    return PartDraws(line, station, 7, 1)


@given(numbers, st.integers(0, 3))
def test_service_in_blocks_is_service_one_by_one(number: int, rework_pass: int) -> None:
    table = quantile_table(Station(id="A", cycle_time=EXPONENTIAL).cycle_time)
    alone = word(key_for(7, 1, Purpose.SERVICE, "A"), draw_index(number, rework_pass))
    assert draws().service_us(number, rework_pass) == variate(table, alone)


def judge(number: int, rework_pass: int, defects: int) -> tuple[int, int]:
    """Rules S14 and S15 as they stand, one draw after the other."""
    index = draw_index(number, rework_pass)

    def drawn(purpose: Purpose, detail: str = "") -> float:
        return (word(key_for(7, 1, purpose, "A", detail=detail), index) >> 1) / (1 << 63)

    arisen = drawn(Purpose.ARISE)
    if arisen < 0.1:
        defects |= 1
    elif arisen < 0.1 + 0.05:
        defects |= 2
    for bit, name, probability in ((2, "v", 0.5), (1, "u", 0.25)):
        if defects & bit and drawn(Purpose.DETECT, name) < probability:
            return SCRAP, defects
    if not defects and drawn(Purpose.FALSE_REJECT) < 0.1:
        return SCRAP, 0
    outcome = drawn(Purpose.OUTCOME)
    return (SCRAP if outcome < 0.1 else REWORK if outcome < 0.1 + 0.2 else PASS), defects


@given(numbers, st.integers(0, 2), st.integers(0, 3))
def test_verdicts_follow_the_rules_one_by_one(number: int, rework_pass: int, had: int) -> None:
    verdict = draws(**JUDGED).verdict(number, rework_pass, had)
    assert verdict == judge(number, rework_pass, had)


def test_a_whole_block_is_judged_as_its_parts_are() -> None:
    station = draws(**JUDGED)
    for number in range(3 * BLOCK - 300, 3 * BLOCK + 300):
        assert station.verdict(number, 0, 0) == judge(number, 0, 0)


def test_rejects_go_where_the_file_says() -> None:
    inspection = {"detects": {"u": 1.0}, "rejects_to": "A"}
    assert draws(inspection=inspection).verdict(5, 0, 1) == (REJECT, 1)


def test_old_blocks_are_drawn_again_when_they_are_needed_again() -> None:
    station = draws()
    first = [station.service_us(block * BLOCK, 0) for block in range(100)]
    assert [station.service_us(block * BLOCK, 0) for block in range(100)] == first


@pytest.mark.parametrize("more", [{}, {"effectiveness": 0.5}])
def test_a_station_without_quality_judges_nothing(more: Any) -> None:
    assert draws(**more).plain
    assert not draws(**JUDGED).plain

"""Laws of a condition, for every order of what the plant and operators do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opcua.alarms.condition import (
    Condition,
    ConditionRefused,
    ConditionState,
    Kind,
    Shelving,
    acknowledged,
    commented,
    confirmed,
    enabled,
    followed,
    shelved,
    unshelved,
)
from opcua.alarms.conditions_of_line import conditions_of_line
from twin.model.base import Text
from twin.model.line import Line

ACTS = (
    "comes",
    "goes",
    "bad",
    "acknowledge",
    "confirm",
    "comment",
    "enable",
    "disable",
    "shelve",
    "put away",
    "take out",
)


def done(state: ConditionState, act: str, at_us: int) -> ConditionState:
    last = state.event_ids[-1] if state.event_ids else b""
    match act:
        case "comes" | "goes":
            return followed(state, active=act == "comes", at_us=at_us)
        case "bad":
            return followed(state, active=not state.active, at_us=at_us, status=0x80000000)
        case "acknowledge":
            return acknowledged(state, last, at_us)
        case "confirm":
            return confirmed(state, last, at_us)
        case "comment":
            return commented(state, "x", "en", "eve", at_us)
        case "enable" | "disable":
            return enabled(state, at_us, on=act == "enable")
        case "shelve":
            return shelved(state, at_us, 0.000_003)
        case "put away":
            return shelved(state, at_us)
    return unshelved(state, at_us)


@given(st.lists(st.sampled_from(ACTS), max_size=40))
def test_whatever_is_done_in_whatever_order(acts: list[str]) -> None:
    state = ConditionState()
    for at_us, act in enumerate(acts, 1):
        before = state
        try:
            state = done(state, act, at_us)
        except ConditionRefused:
            continue
        if state is not before:
            state = state.as_event(at_us.to_bytes(8, "big"))
        assert state.retain == (
            state.enabled and (state.active or not state.acked or not state.confirmed)
        )
        # What nobody has seen is not confirmed as done.
        assert state.acked or state.confirmed
        assert (state.unshelve_us is not None) == (state.shelving is Shelving.TIMED)
        if act == "bad":
            assert (state.active, state.acked) == (before.active, before.acked)
        if not before.enabled and act in ("comes", "goes"):
            assert state.active == before.active
        if state.active and not before.active:
            assert not state.acked
            assert len(state.event_ids) == 1
        if before.active and not state.active:
            assert state.shelving is not Shelving.ONE_SHOT
        assert len(state.event_ids) <= 16


def test_an_earlier_event_of_the_same_occurrence_can_be_acknowledged_and_none_before() -> None:
    first = followed(ConditionState(), active=True, at_us=1).as_event(b"1")
    gone = followed(first, active=False, at_us=2).as_event(b"2")
    assert acknowledged(gone, b"1", 3).acked
    again = followed(gone, active=True, at_us=4).as_event(b"4")
    for event_id in (b"1", b"2"):
        with pytest.raises(ConditionRefused, match="BadEventIdUnknown"):
            acknowledged(again, event_id, 5)


def test_limits_say_on_which_side_a_value_is() -> None:
    both = Condition(
        "n", "s", "T", Text.of("T"), Kind.LEVEL, "PRC", 1, ("u", "a"), low=1.0, high=2.0
    )
    assert [both.limit(value) for value in (0.9, 1.0, 2.0, 2.1)] == ["Low", "", "", "High"]


def test_a_station_with_an_alarm_for_faults_has_no_other() -> None:
    alarm = {"id": "E1", "category": "EQP", "severity": 1, "when": "fault"}
    line = Line.model_validate(
        {
            "id": "L1",
            "stations": (
                {"id": "A", "cycle_time": "1 s", "machines": 2, "alarms": (alarm,)},
                {"id": "B", "cycle_time": "1 s"},
            ),
            "buffers": ({"id": "AB", "from": "A", "to": "B", "capacity": 3},),
        }
    )
    found = [(c.source, c.name) for c in conditions_of_line(line, line.plc_of("A"))]
    assert found == [("L1/A/A01", "E1"), ("L1/A/A02", "E1"), ("L1/B/B01", "Fault")]

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from twin.errors import QuantityError
from twin.model.base import FROM_FILE
from twin.model.quantity import (
    MAX_TIME_US,
    Count,
    Energy,
    Micros,
    PositiveMicros,
    Power,
    Probability,
    Rate,
    format_duration,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("75.5 s", 75_500_000),
        ("0.1 s", 100_000),
        ("0.4s", 400_000),
        ("  3   h ", 10_800_000_000),
        ("2 week", 1_209_600_000_000),
        ("1 d", 86_400_000_000),
        ("1.5 min", 90_000_000),
        ("7 ms", 7_000),
        ("3 us", 3),
        ("1e3 s", 1_000_000_000),
        ("0 s", 0),
        ("0.5 us", 0),
        ("1.5 us", 2),
    ],
)
def test_times_are_exact_microseconds(text: str, micros: int) -> None:
    assert parse_duration(text) == micros


@pytest.mark.parametrize(
    ("raw", "must"),
    [
        ("75", "a time with its unit"),
        ("s", "a time with its unit"),
        ("", "a time with its unit"),
        ("3 hours", "a time with its unit"),
        ("3 S", "a time with its unit"),
        ("1,5 s", "a time with its unit"),
        ("NaN s", "a time with its unit"),
        ("Infinity s", "a time with its unit"),
        (75, "a time with its unit"),
        (None, "a time with its unit"),
        (True, "a time with its unit"),
        ("-3 s", "must not be negative"),
        ("-0.1 us", "must not be negative"),
        ("101 d d", "a time with its unit"),
        ("40000 d", "must be at most 100 years"),
        ("1e999999999 s", "must be a number below 10^18"),
    ],
)
def test_what_is_no_time_is_refused(raw: object, must: str) -> None:
    with pytest.raises(QuantityError, match=re.escape(must)):
        parse_duration(raw)


@given(st.integers(0, MAX_TIME_US))
def test_a_formatted_time_parses_to_itself(micros: int) -> None:
    assert parse_duration(format_duration(micros)) == micros


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with suppress(QuantityError):
        assert 0 <= parse_duration(text) <= MAX_TIME_US


FROM = {"file": FROM_FILE, "code": None}


@pytest.mark.parametrize(
    ("kind", "where", "raw", "value"),
    [
        (Micros, "file", "0 s", 0),
        (Micros, "code", 75, 75),
        (Micros, "code", "75 s", 75_000_000),
        (PositiveMicros, "file", "1 us", 1),
        (PositiveMicros, "code", 1, 1),
        (Probability, "file", 0, 0.0),
        (Probability, "file", 1, 1.0),
        (Probability, "file", 0.25, 0.25),
        (Probability, "file", "0.45 %", 0.0045),
        (Probability, "file", "0.45%", 0.0045),
        (Probability, "file", "30 ppm", 0.00003),
        (Count, "file", 12, 12_000),
        (Count, "file", 187.7, 187_700),
        (Count, "code", 1_000_000, 1_000_000_000),
        (Energy, "file", "2.4 kWh", 2.4),
        (Energy, "file", "500 Wh", 0.5),
        (Energy, "code", 2.4, 2.4),
        (Energy, "code", 2, 2.0),
        (Power, "file", "22 kW", 22.0),
        (Power, "file", "1.5 MW", 1500.0),
        (Rate, "file", "200 /h", 200.0),
        (Rate, "file", "2 /s", 7200.0),
        (Rate, "file", "48 /d", 2.0),
        (Rate, "code", 3.5, 3.5),
    ],
)
def test_quantities_become_plain_numbers(
    kind: object, where: str, raw: object, value: float
) -> None:
    read = TypeAdapter(kind).validate_python(raw, context=FROM[where])
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "where", "raw", "must"),
    [
        (Micros, "file", 75, "must be a time with its unit"),
        (Micros, "file", 7.5, "must be a time with its unit"),
        (Micros, "code", -1, "must not be negative"),
        (Micros, "code", MAX_TIME_US + 1, "must be at most 100 years"),
        (Micros, "code", True, "must be a time with its unit"),
        (PositiveMicros, "file", "0 s", "must be greater than 0"),
        (PositiveMicros, "file", "-3 s", "must be greater than 0"),
        (PositiveMicros, "file", "0.1 us", "must be at least 1 us"),
        (PositiveMicros, "file", "40000 d", "must be at most 100 years"),
        (PositiveMicros, "code", 0, "must be greater than 0"),
        (Probability, "file", "1.1", "must be a probability"),
        (Probability, "file", "half", "must be a probability"),
        (Probability, "file", None, "must be a probability"),
        (Probability, "file", True, "must be a probability"),
        (Probability, "file", 1.0000001, "must be from 0 to 1"),
        (Probability, "file", "101 %", "must be from 0 to 1"),
        (Probability, "file", -0.1, "must be from 0 to 1"),
        (Probability, "file", float("nan"), "must be from 0 to 1"),
        (Probability, "file", 10**400, "must be from 0 to 1"),
        (Count, "file", 0.5, "must be from 1 to 1,000,000 parts"),
        (Count, "file", 1_000_001, "must be from 1 to 1,000,000 parts"),
        (Count, "file", float("nan"), "must be from 1 to 1,000,000 parts"),
        (Count, "file", 1.0005, "must have at most 3 decimals"),
        (Count, "file", "12", "must be a number of parts"),
        (Count, "file", True, "must be a number of parts"),
        (Energy, "file", 2.4, "must be an energy"),
        (Energy, "file", "2.4 kW", "must be an energy"),
        (Energy, "file", "-1 kWh", "must not be negative"),
        (Energy, "code", -1.0, "must be from 0"),
        (Power, "file", "22 kWh", "must be a power"),
        (Rate, "file", "0 /h", "must be greater than 0"),
        (Rate, "file", 200, "must be a rate"),
        (Rate, "code", 0.0, "must be greater than 0"),
    ],
)
def test_what_is_no_such_quantity_is_refused(
    kind: object, where: str, raw: object, must: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(raw, context=FROM[where])
    (error,) = refused.value.errors()
    assert str(error["ctx"]["error"]).startswith(must)

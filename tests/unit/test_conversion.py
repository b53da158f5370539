"""From raw values to what a signal means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opcua.conversion import AS_IT_IS, Conversion, Unfit, converter, summed, unwrapped
from opcua.expression import expression
from opcua.unit_factors import UNIT_FACTORS, between
from twin.errors import QuantityError


@pytest.mark.parametrize(
    ("conversion", "raw", "value"),
    [
        (AS_IT_IS, 3.5, 3.5),
        (Conversion(bit=4), 16, True),
        (Conversion(bit=4, inverted=True, boolean=True), 16, False),
        (Conversion(values={1: 6, 2: 9}), 2, 9),
        (Conversion(values={1: 6}, otherwise=2), 77, 2),
        (Conversion(values={True: 6, False: 2}), True, 6),
        (Conversion(bits=((0, 9), (3, 6))), 0b1001, 9),
        (Conversion(bits=((0, 9), (3, 6)), otherwise=2), 0, 2),
        (Conversion(scale=0.1, offset=-40.0), 1000, 60.0),
        (Conversion(scale=0.1, whole=True), 104, 10),
        (Conversion(picks=((2,),)), [1, 2, 3], 3),
    ],
)
def test_a_raw_value_becomes_what_it_means(conversion, raw, value) -> None:
    found = converter(conversion)([raw])
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("conversion", "raw", "why"),
    [
        (Conversion(values={1: 6}), 2, "must be one of 1"),
        (Conversion(bits=((0, 9),)), 2, "must have one of its bits set, got 0x2"),
        (Conversion(picks=((9,),)), [1], "IndexError"),
        (Conversion(picks=(("Speed",),)), 5, "AttributeError"),
        (Conversion(bit=3), "on", "ValueError"),
        (Conversion(scale=2.0), "ab", "TypeError"),
        (Conversion(expression=expression("1 / a", ("a",))), 0, "ZeroDivisionError"),
        (Conversion(whole=True), float("nan"), "must be a whole number"),
    ],
)
def test_what_means_nothing_is_said_and_raises_nothing_else(conversion, raw, why) -> None:
    with pytest.raises(Unfit, match=why):
        converter(conversion)([raw])


def test_members_and_elements_lead_to_a_number() -> None:
    class Axis:
        def __init__(self, position: float) -> None:
            self.Position = position

    picks = ((1, "Position"),)
    assert converter(Conversion(picks=picks))([[Axis(1.0), Axis(2.5)]]) == 2.5


@given(st.lists(st.integers(0, 100), min_size=1, max_size=50), st.integers(8, 32))
def test_a_counter_that_wraps_gains_what_was_made(steps: list[int], width: int) -> None:
    count = converter(Conversion(wraps_at=1 << width))
    true = shown_first = 250
    first = count([shown_first % (1 << width)])
    for step in steps:
        true += step
        shown = count([true % (1 << width)])
        assert shown - first == true - shown_first


@given(st.integers(0, 10**9), st.integers(0, 65_535), st.integers(0, 65_535))
def test_a_counter_goes_on_or_is_seen_to_be_reset(extra: int, last: int, raw: int) -> None:
    total = extra * 65_536 + last
    now = unwrapped(total, last, raw, 65_536)
    assert now % 65_536 == raw
    assert (0 <= now - total < 65_536) or now == raw


def test_a_sum_takes_each_terms_own_meaning() -> None:
    both = converter(summed([(1, Conversion(wraps_at=256)), (2, Conversion(
        expression=expression("a - b", ("a", "b"))))]))  # fmt: skip
    assert both([250, 5, 3]) == 252
    assert both([4, 5, 3]) == 262


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.real",
        "a[0]",
        "9**9**9",
        "[x for x in (1,)]",
        "lambda: 1",
        "'a' * 9",
        "(a := 1)",
        "b",
        "a << 99",
        "max(a, key=a)",
        "a +",
        "open(a)",
        "1e400",
        "1" * 600,
        "(" * 300 + "a" + ")" * 300,
    ],
)
def test_an_expression_reaches_nothing_but_its_inputs(text: str) -> None:
    with pytest.raises(QuantityError):
        expression(text, ("a",))


@given(st.text(alphabet="ab()+-*/%&|^>=<.0123456789 ifelsnotrdm,", max_size=60))
def test_whatever_an_expression_is_it_is_refused_or_a_number(text: str) -> None:
    try:
        made = expression(text, ("a", "b"))
    except QuantityError:
        return
    try:
        value = made.value((7, 2.5))
    except (ArithmeticError, TypeError, ValueError):
        return
    assert isinstance(value, bool | int | float) or callable(value)


def test_an_expression_knows_what_it_is_of() -> None:
    made = expression("bit(word, 2) and not off", ("word", "off"))
    assert made.value((4, False)) is True
    assert not made.value((4, True))


@pytest.mark.parametrize("units", UNIT_FACTORS.values(), ids=UNIT_FACTORS)
def test_units_convert_there_and_back(units) -> None:
    for one in units:
        for other in units:
            factor, offset = between(one, other)
            back, back_offset = between(other, one)
            assert (17.0 * factor + offset) * back + back_offset == pytest.approx(17.0)


def test_units_of_different_things_do_not_convert() -> None:
    assert between("degC", "degF")[0] * 100 + between("degC", "degF")[1] == pytest.approx(212)
    with pytest.raises(QuantityError, match="must be a unit of pressure"):
        between("mm", "bar")
    with pytest.raises(QuantityError, match="did you mean 'degC'"):
        between("degc", "K")
    with pytest.raises(QuantityError, match="use scale and offset"):
        between("mm", "wombat")

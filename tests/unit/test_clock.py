"""The plant's clock: speed, pause and single steps; it never goes back."""

from __future__ import annotations

import pytest

from opcua.clock import WallClock

S = 1_000_000


class Wall:
    """A steady clock that is moved by hand."""

    def __init__(self) -> None:
        self.ns = 5_000

    def __call__(self) -> int:
        return self.ns

    def pass_s(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


@pytest.fixture
def wall() -> Wall:
    return Wall()


def test_a_new_speed_counts_from_now_on(wall) -> None:
    clock = WallClock(0, 3 * S, 2.0, wall)
    wall.pass_s(10)
    assert clock.now_us() == 23 * S
    clock.set_speed(0.5)
    assert clock.now_us() == 23 * S
    wall.pass_s(10)
    assert clock.now_us() == 28 * S
    with pytest.raises(ValueError, match="greater than 0"):
        clock.set_speed(0)


def test_it_stands_while_paused_and_goes_on_from_there(wall) -> None:
    clock = WallClock(0, speed=4.0, monotonic_ns=wall)
    wall.pass_s(1)
    clock.pause()
    clock.pause()
    wall.pass_s(100)
    assert (clock.now_us(), clock.paused) == (4 * S, True)
    clock.step(7)
    assert clock.now_us() == 4 * S + 7
    clock.set_speed(1.0)
    wall.pass_s(1)
    assert clock.now_us() == 4 * S + 7
    clock.resume()
    clock.resume()
    wall.pass_s(1)
    assert (clock.now_us(), clock.paused) == (5 * S + 7, False)


def test_a_step_jumps_a_running_clock_ahead_and_never_back(wall) -> None:
    clock = WallClock(0, monotonic_ns=wall)
    clock.step(60 * S)
    wall.pass_s(1)
    assert clock.now_us() == 61 * S
    with pytest.raises(ValueError, match="not be negative"):
        clock.step(-1)

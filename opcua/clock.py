"""The plant's clock, a port: where engine time stands now, and what UTC instant that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

__all__ = ["Clock", "ManualClock", "WallClock", "unix_us", "week_start_us"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Where the plant should be by now.

    `epoch_unix_us` is engine time 0 as microseconds since 1970-01-01 UTC. `now_us` never goes back.
    """

    epoch_unix_us: int

    def now_us(self) -> int:
        """Engine time that has been reached: microseconds since a Monday 00:00."""


def unix_us(at: datetime) -> int:
    """Turn an aware instant into microseconds since 1970-01-01 UTC, exactly.

    >>> unix_us(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (at - _EPOCH) // _MICROSECOND


def week_start_us(time_zone: str, at: datetime) -> int:
    """Find the Monday 00:00 at or before an instant, in a time zone: engine time 0 of its week.

    Args:
        time_zone: IANA name, as `Asia/Shanghai`.
        at: an aware instant.

    Returns:
        Microseconds since 1970-01-01 UTC.

    >>> week_start_us("UTC", datetime(1970, 1, 7, 12, tzinfo=UTC)) // 86_400_000_000
    4
    """
    local = at.astimezone(ZoneInfo(time_zone))
    monday = local.date() - timedelta(days=local.weekday())
    return unix_us(datetime(monday.year, monday.month, monday.day, tzinfo=local.tzinfo))


class WallClock:
    """Engine time that runs with the wall's, `speed` times as fast; it can stand and be stepped.

    >>> ns = iter(range(0, 10**11, 10**9))
    >>> clock = WallClock(0, speed=2.0, monotonic_ns=lambda: next(ns))
    >>> clock.now_us()
    2000000
    >>> clock.pause(); clock.step(500_000); clock.now_us() == clock.now_us()
    True

    Args:
        epoch_unix_us: engine time 0, microseconds since 1970-01-01 UTC.
        start_us: engine time at which it starts, not negative.
        speed: engine seconds a wall second, greater than 0. Above 1 source time runs ahead of
            the wall, which is the point.
        monotonic_ns: the wall's steady clock.
    """

    def __init__(
        self,
        epoch_unix_us: int,
        start_us: int = 0,
        speed: float = 1.0,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, got {speed}")
        self.epoch_unix_us = epoch_unix_us
        self._start_us = start_us
        self._speed = speed
        self._monotonic_ns = monotonic_ns
        self._started_ns = monotonic_ns()
        self._paused = False

    @classmethod
    def of_this_week(
        cls, time_zone: str, speed: float = 1.0, at: datetime | None = None
    ) -> WallClock:
        """Make the clock of a plant that starts now: engine time 0 is this week's Monday 00:00.

        Args:
            time_zone: the line's.
            speed: engine seconds a wall second.
            at: what now is; absent: the wall's.
        """
        at = at or datetime.now(UTC)
        epoch = week_start_us(time_zone, at)
        return cls(epoch, unix_us(at) - epoch, speed)

    def now_us(self) -> int:
        """Engine time that has been reached."""
        if self._paused:
            return self._start_us
        elapsed_ns = self._monotonic_ns() - self._started_ns
        return self._start_us + int(elapsed_ns * self._speed) // 1000

    @property
    def speed(self) -> float:
        """Engine seconds a wall second, while it is not paused."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether it stands."""
        return self._paused

    def set_speed(self, speed: float) -> None:
        """Run so many times as fast as the wall's clock from now on; greater than 0."""
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, got {speed}")
        self._begin_anew()
        self._speed = speed

    def pause(self) -> None:
        """Stand still; doing so twice is harmless."""
        self._begin_anew()
        self._paused = True

    def resume(self) -> None:
        """Go on from where it stands; doing so twice is harmless."""
        self._begin_anew()
        self._paused = False

    def step(self, by_us: int) -> None:
        """Jump ahead by microseconds, not negative; a clock that stands goes on standing."""
        if by_us < 0:
            raise ValueError(f"by_us must not be negative, got {by_us}")
        self._begin_anew()
        self._start_us += by_us

    def _begin_anew(self) -> None:
        self._start_us = self.now_us()
        self._started_ns = self._monotonic_ns()


class ManualClock:
    """Engine time that stands until it is moved: for tests and replays.

    >>> clock = ManualClock(epoch_unix_us=1_000_000)
    >>> clock.move(500)
    >>> clock.now_us()
    500
    """

    def __init__(self, epoch_unix_us: int = 0, start_us: int = 0) -> None:
        self.epoch_unix_us = epoch_unix_us
        self._now_us = start_us

    def now_us(self) -> int:
        """Engine time that has been reached."""
        return self._now_us

    def move(self, by_us: int) -> None:
        """Move on by microseconds, not negative."""
        if by_us < 0:
            raise ValueError(f"by_us must not be negative, got {by_us}")
        self._now_us += by_us

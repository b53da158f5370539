"""What is observed of machines: operations, times between failures, repairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Observation", "Operation", "Repair", "Uptime"]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that ended.

    Args:
        station, unit: whose.
        at_us: when that was published, microseconds since 1970-01-01 UTC.
        worked_us: from its start to its end, without the stops in it.
        stopped: whether there was a stop in it, so that `worked_us` is only as good as the scan.
        whole: whether its machine was watched from its start on; False: it may have had a stop that
            nobody saw.
    """

    station: str
    unit: str
    at_us: int
    worked_us: int
    stopped: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long a failure's clock ran, up to a failure or to where it was lost sight of.

    Args:
        station, unit: whose.
        mode: id of the failure.
        at_us: when it ended, microseconds since 1970-01-01 UTC.
        ran_us: on the failure's own clock (rule S17): working time, or all time but stops.
        failed: whether the failure struck; False: it had not yet (censored).
        whole: whether it was seen from a repair on; False: a rest of an unknown whole.
    """

    station: str
    unit: str
    mode: str
    at_us: int
    ran_us: int
    failed: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair, seen from the failure on.

    Args:
        station, unit: whose.
        mode: id of the failure.
        at_us: when it ended or was lost sight of, microseconds since 1970-01-01 UTC.
        lasted_us: how long.
        ended: whether it did; False: it went on (censored).
    """

    station: str
    unit: str
    mode: str
    at_us: int
    lasted_us: int
    ended: bool


Observation: TypeAlias = Operation | Uptime | Repair

"""What stops a machine on its own account: failures, changeovers, preventive maintenance."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.model.base import FileText, Frozen, Id
from twin.model.durations import Duration
from twin.model.quantity import Micros, PositiveMicros

__all__ = ["Changeover", "Crew", "Failure", "Maintenance"]


class Crew(Frozen):
    """People who repair, first come, first served.

    Args:
        size: repairs at the same time.
    """

    id: Id
    name: FileText | None = None
    size: int = Field(ge=1, le=10_000)


class Failure(Frozen):
    """One way in which each machine of a station fails.

    Args:
        id: the mode's name; unique among its station's failures and changeovers.
        depends_on: `operation`, a clock that counts working time only (Gershwin's
            operation-dependent failure); `time`, a clock that always runs.
        stops: `work`, the operation stands still; `handling`, loading and unloading stand still
            and what is inside goes on (a rack's crane).
        mtbf: time to failure, on that clock.
        mttr: time to repair, after a crew has come.
        after: what becomes of the interrupted operation: `resume`, `restart` (from its
            beginning, with the time drawn before), or `scrap` (its parts).
        crew: the crew that repairs; none needed if absent.
    """

    id: Id
    name: FileText | None = None
    depends_on: Literal["operation", "time"] = "operation"
    stops: Literal["work", "handling"] = "work"
    mtbf: Duration
    mttr: Duration
    after: Literal["resume", "restart", "scrap"] = "resume"
    crew: Id | None = None


class Changeover(Frozen):
    """A set-up that is due after so much working time: a roll, a knife, a reel.

    Args:
        id: its name; unique among its station's failures and changeovers.
        every: working time of the machine from one to the next.
        lasts: time of the set-up.
    """

    id: Id
    name: FileText | None = None
    every: Duration
    lasts: Duration


class Maintenance(Frozen):
    """Preventive maintenance, by the clock, when the machine is next empty.

    Machine k of m has its first at `first` + k/m of `every`, unless `together`.

    Args:
        every_us: time from one to the next.
        lasts_us: how long it takes; less than `every`.
        first_us: when the first is due.
        together: all machines of the station at the same time.
        crew: the crew that does it; none needed if absent.
    """

    every_us: PositiveMicros = Field(alias="every")
    lasts_us: PositiveMicros = Field(alias="lasts")
    first_us: Micros = Field(alias="first", default=0)
    together: bool = False
    crew: Id | None = None

"""Engines: what gives a line behaviour. The rules are in `docs/explanation/semantics.md`.

What most users need is here:

>>> from twin.engine import simulate
>>> from twin.model import Line, Station
>>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
>>> simulate(line, until="1 h", replications=3).good_per_h()
Estimate(mean=1800.0, half_width_95=0.0)
"""

from twin.engine.carry_over import carried_over
from twin.engine.counters import Counters
from twin.engine.events import COLUMNS, EVENT, EventKind, EventLog, Events
from twin.engine.results import Estimate, Results
from twin.engine.simulation import Engine, EngineName, open_engine, simulate
from twin.engine.snapshot import Snapshot
from twin.engine.stops import (
    BufferEmpty,
    BufferFull,
    GoodParts,
    MachineIn,
    Operations,
    Stop,
)

__all__ = [
    "COLUMNS",
    "EVENT",
    "BufferEmpty",
    "BufferFull",
    "Counters",
    "Engine",
    "EngineName",
    "Estimate",
    "EventKind",
    "EventLog",
    "Events",
    "GoodParts",
    "MachineIn",
    "Operations",
    "Results",
    "Snapshot",
    "Stop",
    "carried_over",
    "open_engine",
    "simulate",
]

"""The line in SimPROCESD: a source, part processors with buffers between them, a sink.

A new time is set when a part is received, as its documentation has it for times that vary.
"""

from __future__ import annotations

import random

from peer import Plan, main
from simprocesd.model import System
from simprocesd.model.factory_floor import Buffer, PartProcessor, Sink, Source


def simulate(plan: Plan) -> tuple[int, int]:
    random.seed(plan.seed)
    system = System()
    last = Source()
    for i in range(plan.stations):
        if i:
            last = Buffer(upstream=[last], capacity=plan.places)
        last = PartProcessor(upstream=[last], cycle_time=1.0)
        last.add_receive_part_callback(
            lambda station, part: setattr(station, "cycle_time", random.expovariate(1.0))
        )
    sink = Sink(upstream=[last])
    system.simulate(plan.warm_up, print_summary=False)
    before = sink.received_parts_count
    system.simulate(plan.span, print_summary=False)
    return before, sink.received_parts_count


if __name__ == "__main__":
    main(simulate)

"""The line in Simantha: a source, machines with buffers between them, a sink; no data collected.

Its own distributions are whole numbers; its documentation says to override `sample` for others.
"""

from __future__ import annotations

import random

from peer import Plan, main
from simantha import Buffer, Machine, Sink, Source, System
from simantha.simulation import Distribution


class Exponential(Distribution):
    def __init__(self) -> None:
        super().__init__(1)

    def sample(self) -> float:
        return random.expovariate(1.0)


def simulate(plan: Plan) -> tuple[int, int]:
    random.seed(plan.seed)
    source, sink = Source(), Sink()
    machines = [Machine(name=f"M{i}") for i in range(plan.stations)]
    buffers = [Buffer(name=f"B{i}", capacity=plan.places) for i in range(plan.stations - 1)]
    for machine in machines:
        machine.cycle_time = Exponential()
    chain = [source, machines[0]]
    for buffer, machine in zip(buffers, machines[1:], strict=True):
        chain += [buffer, machine]
    chain.append(sink)
    for i, link in enumerate(chain):
        before, after = chain[max(i - 1, 0) : i], chain[i + 1 : i + 2]
        if link is source:
            source.define_routing(downstream=after)
        elif link is sink:
            sink.define_routing(upstream=before)
        else:
            link.define_routing(upstream=before, downstream=after)
    System(chain).simulate(
        warm_up_time=plan.warm_up, simulation_time=plan.span, verbose=False, collect_data=False
    )
    out = len(sink.level_data["time"]) - 1
    return out - int(sink.level), out


if __name__ == "__main__":
    main(simulate)

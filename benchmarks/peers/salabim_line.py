"""The line in salabim: a process for each station, a store with a capacity for each buffer.

Processes are generators (`yieldless=False`), the quicker of its two ways, and monitors are off.
"""

from __future__ import annotations

import salabim as sim
from peer import Plan, main


class Station(sim.Component):
    def setup(self, before: sim.Store | None, after: sim.Store | None) -> None:
        self.before, self.after, self.made = before, after, 0
        self.time = sim.Exponential(1)
        self.status.monitor(False)
        self.mode.monitor(False)

    def process(self):
        while True:
            part = (
                (yield self.from_store(self.before)) if self.before is not None else sim.Component()
            )
            yield self.hold(self.time.sample())
            self.made += 1
            if self.after is not None:  # an empty store is false
                yield self.to_store(self.after, part)


def simulate(plan: Plan) -> tuple[int, int]:
    env = sim.Environment(trace=False, random_seed=plan.seed, yieldless=False)
    stores = [sim.Store(capacity=plan.places, monitor=False) for _ in range(plan.stations - 1)]
    lasts = [
        Station(before=b, after=a) for b, a in zip([None, *stores], [*stores, None], strict=True)
    ]
    env.run(plan.warm_up)
    before = lasts[-1].made
    env.run(plan.span)
    return before, lasts[-1].made


if __name__ == "__main__":
    main(simulate)

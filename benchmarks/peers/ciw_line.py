"""The line in Ciw: nodes in tandem with queue capacities and its Type I blocking (after service).

Ciw has no node that never starves. Here arrivals fill the first queue up every few time units, to
more than can be served until then, so that it is never empty, and short, as Ciw looks through it.
"""

from __future__ import annotations

import ciw
from peer import Plan, main

EVERY, FILLED = 3.0, 25


class FillUp(ciw.dists.Distribution):
    """A batch that fills the first node up."""

    def sample(self, t: float | None = None, ind: object = None) -> int:
        return max(0, FILLED - self.simulation.nodes[1].number_of_individuals)


def simulate(plan: Plan) -> tuple[int, int]:
    ciw.seed(plan.seed)
    k = plan.stations
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Deterministic(EVERY), *[None] * (k - 1)],
        batching_distributions=[FillUp(), *[ciw.dists.Deterministic(1)] * (k - 1)],
        service_distributions=[ciw.dists.Exponential(1.0) for _ in range(k)],
        number_of_servers=[1] * k,
        queue_capacities=[float("inf"), *[plan.places] * (k - 1)],
        routing=[[1.0 if j == i + 1 else 0.0 for j in range(k)] for i in range(k)],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(plan.warm_up + plan.span)
    left = [person.data_records[-1].exit_date for person in simulation.nodes[-1].all_individuals]
    return sum(at <= plan.warm_up for at in left), len(left)


if __name__ == "__main__":
    main(simulate)

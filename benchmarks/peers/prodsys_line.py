"""The line in prodsys: a resource for each station, parts carried in no time, queues that fill up.

In prodsys a resource has a queue for what comes in and one for what goes out, so the places between
two stations are shared out over both. The first station never starves: the source makes a part
whenever its own queue has room. (A variable called `process` here would break prodsys 1.3.1, whose
dataclasses look their types up by name in the caller.)
"""

from __future__ import annotations

import prodsys
import prodsys.express as psx
from peer import Plan, main
from prodsys.models import port_data

SOON = 1e-3


def simulate(plan: Plan) -> tuple[int, int]:
    prodsys.set_logging("ERROR")
    carrying = psx.TransportProcess(psx.FunctionTimeModel("constant", 0.0, ID="at once"), "carry")
    works = [
        psx.ProductionProcess(psx.FunctionTimeModel("exponential", 1.0, ID=f"t{i}"), f"p{i}")
        for i in range(plan.stations)
    ]
    stations = [
        psx.Resource([work], [float(i + 1), 0.0], 1, ID=f"s{i}") for i, work in enumerate(works)
    ]
    leaving = plan.places // 2
    for station in stations:
        station.ports = [
            psx.Queue(
                ID=f"{station.ID}_in",
                capacity=plan.places - leaving,
                location=station.location,
                interface_type=port_data.PortInterfaceType.INPUT,
            ),
            psx.Queue(
                ID=f"{station.ID}_out",
                capacity=leaving,
                location=station.location,
                interface_type=port_data.PortInterfaceType.OUTPUT,
            ),
        ]
    carrier = psx.Resource([carrying], [0.0, 1.0], 100, ID="carrier")
    part = psx.Product(works, carrying, "part")
    soon = psx.FunctionTimeModel("constant", SOON, ID="soon")
    source = psx.Source(part, soon, [0.0, 0.0], ID="source")
    source.ports = [
        psx.Queue(
            ID="source_out",
            capacity=1,
            location=source.location,
            interface_type=port_data.PortInterfaceType.OUTPUT,
        )
    ]
    sink = psx.Sink(part, [float(plan.stations + 1), 0.0], "sink")
    system = psx.ProductionSystem([*stations, carrier], [source], [sink])
    system.run(plan.warm_up + plan.span, seed=plan.seed)
    events = system.runner.event_logger.get_data_as_dataframe()
    left = events.loc[events["Activity"] == "finished product", "Time"]
    return int((left <= plan.warm_up).sum()), len(left)


if __name__ == "__main__":
    main(simulate)

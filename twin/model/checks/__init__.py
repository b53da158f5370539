"""What must hold between the parts of a line, and no single field can state.

Pure functions from a line to its faults. `lines.load` runs them on every file and adds the
positions; `check_line` is for lines that Python code has made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twin.errors import Fault
from twin.model.checks.draft import Draft
from twin.model.checks.flow import check_flow
from twin.model.checks.ids import check_ids, check_machine_names
from twin.model.checks.loads import (
    check_capacities,
    check_lanes,
    check_merges,
    check_shares,
    check_takes,
)
from twin.model.checks.plant import check_ports, check_size, check_stores, check_time_zone
from twin.model.checks.references import check_references
from twin.model.checks.returns import check_probabilities, check_returns
from twin.model.checks.stops import (
    check_calendars,
    check_failures,
    check_maintenance,
    check_shifts,
)
from twin.model.line import Line

__all__ = ["CHECKS", "Draft", "check", "check_line"]

CHECKS: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    check_ids,
    check_machine_names,
    check_references,
    check_flow,
    check_takes,
    check_capacities,
    check_lanes,
    check_shares,
    check_merges,
    check_probabilities,
    check_returns,
    check_failures,
    check_maintenance,
    check_calendars,
    check_shifts,
    check_time_zone,
    check_stores,
    check_ports,
    check_size,
)


def check(draft: Draft) -> list[Fault]:
    """Return every fault of a line, or of what of it is well formed.

    Args:
        draft: the line, perhaps with stand-ins for elements that are not well formed.

    Returns:
        The faults, with paths (`stations[3].rework.to`) and without positions.
    """
    return [fault for one in CHECKS for fault in one(draft) if draft.about_the_file(fault)]


def check_line(line: Line) -> list[Fault]:
    """Return every fault of a line; an empty list means that an engine can run it.

    >>> from twin.model import Buffer, Line, Station
    >>> line = Line(id="L", stations=(Station(id="A", cycle_time="1 s"),),
    ...             buffers=(Buffer(id="OUT", sources="A", sinks="B"),))
    >>> print(*check_line(line))
    buffers[0].to: must be the id of a station, got B; known: A
    """
    return check(Draft(line))

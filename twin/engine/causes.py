"""What starves and what blocks: how the reference engine counts time by its cause (S38 to S40).

Sums over time are kept like this: a span's beginning is taken off, its end added. The sum up to now
is then what stands there and now, for each span that lasts.
"""

from __future__ import annotations

from collections.abc import Iterable

from twin.engine.floor import Group, Lane, Place
from twin.engine.lanes import need, outlet_for
from twin.model.status import Condition

__all__ = ["begin_sums", "change_cause", "look_for_cause"]

STARVED, BLOCKED = int(Condition.STARVED), int(Condition.BLOCKED)


def _first_short(group: Group) -> int | None:
    """What the next operation has too little of: an input, or a material after those."""
    run = group.station
    for k, inlet in enumerate(group.inlets):
        if sum(len(lane.parts) for lane in inlet.lanes) < need(inlet, run.started):
            return k
    for k, (store, amount) in enumerate(run.uses):
        if store.level < amount:
            return len(group.inlets) + k
    return None


def look_for_cause(group: Group, now_us: int) -> None:
    """Find out what a group's places that wait for a load are short of now (rule S39)."""
    found = _first_short(group)
    if found is None or found == group.short_of:
        return
    group.starved_us[group.short_of] += group.starved * now_us
    group.starved_us[found] -= group.starved * now_us
    group.short_of = found


def change_cause(place: Place, condition: int, now_us: int) -> None:
    """A place's time goes to something else from now on, or to the same for another cause.

    Args:
        place: of a machine that tells causes; `place.condition` is what its time has gone to.
        condition: what it goes to from now on.
        now_us: engine time.
    """
    group = place.group
    if group.tells_causes:
        starves = (condition == STARVED) - (place.condition == STARVED)
        group.starved += starves
        group.starved_us[group.short_of] -= starves * now_us
    if len(group.outlets) > 1:
        if place.condition == BLOCKED:
            assert place.wants is not None  # noqa: S101 - it was set when it began to be blocked
            place.wants.blocked -= 1
            place.wants.blocked_us += now_us
        if condition == BLOCKED:
            _begin_blocked(place, now_us)


def _begin_blocked(place: Place, now_us: int) -> None:
    group = place.group
    place.wants = outlet_for(group, place.out[0]) if place.out else group.outlets[0]
    place.wants.blocked += 1
    place.wants.blocked_us -= now_us


def begin_sums(lanes: Iterable[Lane], places: Iterable[Place], now_us: int) -> None:
    """Count from now on, whatever state the floor is in."""
    for lane in lanes:
        lane.level_us = -len(lane.parts) * now_us
    for place in places:
        group = place.group
        if group.tells_causes:
            if not group.starved:
                look_for_cause(group, now_us)
            if place.condition == STARVED:
                group.starved += 1
                group.starved_us[group.short_of] -= now_us
        if len(group.outlets) > 1 and place.condition == BLOCKED:
            _begin_blocked(place, now_us)

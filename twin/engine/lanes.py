"""What can be asked of lanes, of who takes from them and who puts into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twin.engine.draws import draw_index, word
from twin.engine.floor import Group, Inlet, Lane, Outlet, Part
from twin.model.quantity import MILLI

__all__ = [
    "has_room",
    "is_contested",
    "is_ready",
    "lane_with_room",
    "need",
    "outlet_for",
    "take_oldest",
    "turn_of_head",
]

turn_of_head: Callable[[Any], int] = lambda waiters: next(iter(waiters.waiting.values()))  # noqa: E731
"""When the first of who waits (of a `Group` or an `Outlet`) began to."""


def need(inlet: Inlet, operation: int) -> int:
    """How many parts an operation takes from a buffer (rule S5)."""
    milli = inlet.milli
    return (operation + 1) * milli // MILLI - operation * milli // MILLI


def is_ready(group: Group) -> bool:
    """Whether everything is there that the station's next operation needs (rules S8, S13)."""
    single = group.single
    if single is not None:
        return bool(single.parts)
    run = group.station
    for inlet in group.inlets:
        if sum(len(lane.parts) for lane in inlet.lanes) < need(inlet, run.started):
            return False
    return all(store.level >= amount for store, amount in run.uses)


def is_contested(group: Group) -> bool:
    """Whether parts that came in at this instant are still to be dealt out (rule S26)."""
    single = group.single
    if single is not None:
        return single.gained_parts
    return any(lane.gained_parts for inlet in group.inlets for lane in inlet.lanes)


def take_oldest(lanes: tuple[Lane, ...]) -> tuple[Part, Lane]:
    """Take the part that entered first, of all in some lanes."""
    oldest = min((lane for lane in lanes if lane.parts), key=lambda lane: lane.parts[0].entered)
    return oldest.parts.popleft(), oldest


def outlet_for(group: Group, part: Part) -> Outlet:
    """Where a part goes; with shares by a draw of its own (rule S10)."""
    outlets = group.outlets
    if len(outlets) == 1:
        return outlets[0]
    run = group.station
    assert run.share_key is not None  # noqa: S101 - several outlets only come from shares
    drawn = word(run.share_key, draw_index(part.number, part.rework_pass)) >> 1
    for outlet, below in zip(outlets, run.share_below, strict=True):
        if drawn < below:
            return outlet
    return outlets[-1]


def has_room(lane: Lane) -> bool:
    """Whether a part can be put into a lane now (rule S11)."""
    if lane.capacity:
        return len(lane.parts) < lane.capacity
    # With no place of its own, a lane holds as many parts as places wait for one.
    return len(lane.parts) < sum(len(group.waiting) for group in lane.takers)


def lane_with_room(outlet: Outlet) -> Lane | None:
    """The lane that a part goes to, the lowest level among those with room (rule S10)."""
    lanes = outlet.lanes
    if len(lanes) == 1:
        return lanes[0] if has_room(lanes[0]) else None
    with_room = [lane for lane in lanes if has_room(lane)]
    return min(with_room, key=lambda lane: len(lane.parts)) if with_room else None

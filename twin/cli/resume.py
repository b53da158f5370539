"""A twin that begins where the one before ended: what history knows, before the PLCs answer."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from twin.errors import LinetwinError
from twin.historian.port import Historian, Point, Series
from twin.live.mirror import Mirror
from twin.live.readings import Recalled
from twin.live.recollection import recollected, span_of

__all__ = ["resume"]

_log = logging.getLogger("twin.live")


def resume(store: Historian, mirror: Mirror, *, same_plant: bool) -> tuple[Point, ...]:
    """Fill a line's mirror with the last that its history knows; nothing of it is trusted.

    However the twin before ended, killed or not, it can't have said that it no longer looks.

    Args:
        store: the history.
        mirror: of the line; nothing has been heard of it yet.
        same_plant: the plant went on meanwhile; False: another one begins, of which the history
            says nothing.

    Returns:
        Points that say that nobody looked from then on.
    """
    line = mirror.line
    try:
        span = span_of(store, line)
        found = None if span is None else recollected(store, line, span[1])
    except LinetwinError as error:
        _log.warning("%s: begins without its last known state: %s", line.id, error)
        return ()
    if found is None:
        return ()
    if same_plant:
        now_us = time.time_ns() // 1000
        # Its first reports are stored after some seconds; a younger twin leaves its values only.
        lost_us = {
            plc: min(now_us, found.connected_us.get(plc, spoke_us))
            for plc, spoke_us in found.spoke_us.items()
        }
        mirror.handle(Recalled(found.readings, found.spoke_us, found.ahead_us, lost_us))
        zone = ZoneInfo(line.time_zone)
        _log.info(
            "%s: last known at %s %s; not trusted until its PLCs answer",
            line.id,
            f"{datetime.fromtimestamp(found.at_us / 1e6, zone):%Y-%m-%d %H:%M:%S}",
            line.time_zone,
        )
    return tuple(
        Point(Series(line.id, plc, "watched"), found.spoke_us[plc] + 1, 0.0)
        for plc in mirror.plcs
        if plc in found.watched and plc in found.spoke_us
    )

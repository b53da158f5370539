"""What the live twin knows of a line now, to look ahead from: the newest state of its history."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from twin.cli.live_at import newest_of, open_history
from twin.cli.places import DataPlaces
from twin.errors import UsageError
from twin.live.recollection import mirror_then, recollected
from twin.live.restored import restored
from twin.model.line import Line
from twin.whatif.forecast import State

if TYPE_CHECKING:
    from twin.historian.influx import InfluxAddress

__all__ = ["live_state"]


def live_state(places: DataPlaces, address: InfluxAddress | None, line: Line, seed: int) -> State:
    """Put the newest state together that the history knows, of a twin that runs or has ended.

    Args:
        places: the twin's data directory.
        address: of an InfluxDB; None: the history is the embedded one.
        line: which line.
        seed: of what no signal says.

    Raises:
        UsageError: there is no history, or nothing of this line in it.
        NotConnected: others have the history all the time, or it is away.
    """
    store = open_history(places, None, address)
    try:
        at_us = newest_of(store, line)
        found = recollected(store, line, at_us)
    finally:
        store.close()
    if found is None:
        raise UsageError(f"the history has nothing of {line.id}; 'twin run' makes it")
    state = restored(mirror_then(found), seed=seed)
    local = datetime.fromtimestamp(state.at_us / 1e6, ZoneInfo(line.time_zone))
    name = f"the live twin at {local:%Y-%m-%d %H:%M:%S} {line.time_zone}"
    return State(state.snapshot, unknown=state.unheard_us, name=name)

"""The plant's present state, read where the twin runs, for the page's threads."""

from __future__ import annotations

import asyncio

from dashboards.live.page import Page
from twin.errors import LinetwinError, NotConnected
from twin.live.restored import Restored, restored

__all__ = ["present_state"]

DEADLINE_S = 30.0


def present_state(page: Page, line_id: str, seed: int) -> Restored:
    """Put a watched line's state together from what the twin knows of it now.

    Args:
        page: whose line; its twin must be running.
        line_id: which.
        seed: of what is drawn because no PLC says it.

    Raises:
        NotConnected: nothing has been heard of the line yet, or the twin does not answer.
    """
    watched, loop = page.watched_line(line_id), page.board.loop
    mirror, levels = watched.mirror, watched.levels
    if loop is None:
        raise NotConnected("the twin has not begun to watch")

    async def read() -> Restored:
        # Between two messages of the PLCs: no other thread may look while the mirror takes one.
        return restored(mirror, seed=seed, levels=levels)

    try:
        return asyncio.run_coroutine_threadsafe(read(), loop).result(DEADLINE_S)
    except TimeoutError:
        raise NotConnected(f"the twin did not answer within {DEADLINE_S:.0f} s") from None
    except LinetwinError as error:
        raise NotConnected(str(error)) from None

"""Spare the garbage collector what lives for ever: while it is built, and ever after."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["keep_for_good", "no_collection"]


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect nothing while the context lasts; it saves 40 % of the time of building nodes.

    >>> with no_collection():
    ...     gc.isenabled()
    False
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def keep_for_good() -> None:
    """Leave all that is there now out of every later collection.

    A full one of what a twin has imported alone takes 0.3 s on a busy core, in which no value
    moves; it comes a few times a minute. Call it once, when all is set up.

    >>> keep_for_good()
    >>> gc.get_freeze_count() > 10_000
    True
    >>> gc.unfreeze()
    """
    gc.collect()
    gc.freeze()
    # What is left out of the last collection, too, DuckDB would report as leaked at the end.
    atexit.register(gc.unfreeze)

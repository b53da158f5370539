"""Keep asyncua's own loggers from flooding the log: what matters is said once, by us."""

from __future__ import annotations

import logging

__all__ = ["quiet_asyncua"]

_MUTED = logging.CRITICAL + 1


def quiet_asyncua() -> None:
    """Mute asyncua's loggers, except those whose level somebody has set on purpose.

    It logs a traceback for every answer that does not come while a peer is away, and a line for
    every knock at a server's door. Its wire log, which shows passwords, stays off in any case.
    """
    library = logging.getLogger("asyncua")
    # It has lines of the highest level too, so that CRITICAL alone would not do.
    if library.level in (logging.NOTSET, logging.CRITICAL):
        library.setLevel(_MUTED)
    wire = logging.getLogger("asyncua.client.ua_client.UASocketProtocol")
    if wire.level in range(logging.INFO):
        wire.setLevel(max(logging.INFO, library.getEffectiveLevel()))

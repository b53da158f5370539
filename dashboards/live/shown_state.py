"""How a machine's state is shown: one letter, which a colour and a word go with."""

from __future__ import annotations

from typing import Final

from twin.model.packml import State

__all__ = ["LETTERS", "UNKNOWN", "shown_state"]

UNKNOWN: Final = "?"

_OF_STATE: Final = {
    State.EXECUTE: "E",
    State.ABORTED: "F",
    State.ABORTING: "F",
    State.CLEARING: "F",
    State.HELD: "H",
    State.HOLDING: "H",
    State.UNHOLDING: "H",
    State.STOPPED: "-",
    State.STOPPING: "-",
    State.IDLE: "i",
    State.COMPLETE: "i",
}

LETTERS: Final = ("E", "s", "b", "F", "H", "-", "i", "t", UNKNOWN)
"""Execute, starved, blocked, fault, held (set-up), stopped, idle, on its way, unknown."""


def shown_state(state: float | None, starved: float | None, blocked: float | None) -> str:
    """Say a machine's state in a letter.

    Args:
        state: PackML's number; None: unknown.
        starved, blocked: whether it waits for parts, or for room; None: not known.

    Returns:
        One of `LETTERS`.

    >>> shown_state(6, 0, 0), shown_state(5, 0, 1), shown_state(5, 1, 0), shown_state(None, 0, 0)
    ('E', 'b', 's', '?')
    """
    if state is None:
        return UNKNOWN
    try:
        known = State(int(state))
    except ValueError:
        return UNKNOWN
    if known is State.SUSPENDED:
        return "b" if blocked else "s"
    return _OF_STATE.get(known, "t")

"""How the way to the database is: what waits, what went, what was lost."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SpoolStatus"]


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """The spool between the twin and its database, at one instant.

    Args:
        points: points that wait in it.
        age_s: how long the oldest of them has waited, in seconds.
        drained_per_s: points that the database took in the last ten seconds, a second.
        dropped: points that were dropped for want of room, since the spool's file was made.
        refused: points that were set aside because the database can't take them.
        dropping: whether points were dropped in the last minute.
        away: why nothing goes to the database now; empty where it does.
    """

    points: int
    age_s: float
    drained_per_s: float
    dropped: int
    refused: int
    dropping: bool
    away: str

"""Defects, where they arise, how an inspection finds them, and what becomes of a part."""

from __future__ import annotations

from pydantic import Field

from twin.model.base import FileText, Frozen, Id
from twin.model.quantity import Probability

__all__ = ["DefectClass", "Inspection", "Rework"]


class DefectClass(Frozen):
    """A kind of defect that a part can carry."""

    id: Id
    name: FileText | None = None


class Rework(Frozen):
    """The share of a station's parts that is done again.

    Args:
        rate: probability for each part, on each pass.
        to: the station whose input buffer it goes back to; absent: the machine does it again
            at once, which only a station that handles one part at a time can.
    """

    rate: Probability
    to: Id | None = None


class Inspection(Frozen):
    """What a station finds.

    Args:
        detects: for each defect class the probability that it is found in a part that has it.
        false_reject: probability that a part without any defect is rejected.
        rejects_to: station whose input buffer a rejected part goes back to; absent: scrap.
    """

    detects: dict[Id, Probability] = Field(min_length=1)
    false_reject: Probability = 0.0
    rejects_to: Id | None = None

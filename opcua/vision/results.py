"""The results of a vision post as values: what it found in the parts of one scan.

A post counts; a result is what its counters have grown by from one scan to the next: the parts that
it inspected, how many it passed, and of the others how many for which kind of defect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

__all__ = ["KEPT", "Asked", "Result", "Results", "result_of"]

KEPT = 100
"""Results that a post keeps; and handles that are given out before the oldest is taken back."""

Key = tuple[str, str]
_COUNTERS = ("processed", "defective", "reworked")


@dataclass(frozen=True, slots=True)
class Result:
    """What a post found.

    Args:
        unit: the machine.
        last: number of the last part that it is of, counted since the start.
        inspected, scrapped, reworked: parts, and of them those that did not pass.
        found: by kind of defect the parts that did not pass for it.
        at_us: when, microseconds since 1970-01-01 UTC.
    """

    unit: str
    last: int
    inspected: int
    scrapped: int
    reworked: int
    found: tuple[tuple[str, int], ...]
    at_us: int

    @property
    def id(self) -> str:
        """Its own, and no other's in the system."""
        return f"{self.unit}-{self.last}"

    @property
    def content(self) -> dict[str, int]:
        """What it says, by name: parts, and those of each kind of defect that was found."""
        passed = self.inspected - self.scrapped - self.reworked
        return {
            "Inspected": self.inspected,
            "Passed": passed,
            "Scrapped": self.scrapped,
            "Reworked": self.reworked,
            **{kind: count for kind, count in self.found if count},
        }


def result_of(
    unit: str,
    kinds: tuple[str, ...],
    before: Mapping[str, int],
    after: Mapping[str, int],
    at_us: int,
) -> Result | None:
    """Say what a post found between two scans; None: it inspected nothing.

    Args:
        unit: the machine.
        kinds: the kinds of defects that it looks for.
        before, after: its counters, by signal; those that are known.
        at_us: when the second scan was, microseconds since 1970-01-01 UTC.

    >>> before = {"processed": 7, "defective": 0, "reworked": 0, "defect.dent": 0}
    >>> after = {"processed": 10, "defective": 1, "reworked": 0, "defect.dent": 1}
    >>> result_of("AVI01", ("dent",), before, after, 0).content
    {'Inspected': 3, 'Passed': 2, 'Scrapped': 1, 'Reworked': 0, 'dent': 1}
    """

    def grown(name: str) -> int:
        # A counter that was not known until now tells nothing of what came between.
        return after[name] - before[name] if name in before else 0

    inspected, scrapped, reworked = map(grown, _COUNTERS)
    if inspected <= 0:
        return None
    found = tuple((kind, grown(f"defect.{kind}")) for kind in kinds)
    return Result(unit, after["processed"], inspected, scrapped, reworked, found, at_us)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which results somebody asks for.

    Args:
        matches: whether any result of the post can be meant at all.
        most: no more than these; 0: all.
        first: places of the newest that are left out.
    """

    matches: bool = True
    most: int = 0
    first: int = 0


@dataclass(slots=True)
class Results:
    """The results that a post keeps, and those that it keeps for somebody who holds a handle."""

    newest: deque[Result] = field(default_factory=lambda: deque(maxlen=KEPT))
    held: dict[int, tuple[Result, ...]] = field(default_factory=dict)
    given: int = 0

    @property
    def latest(self) -> Result | None:
        """The newest."""
        return self.newest[-1] if self.newest else None

    def find(self, result_id: str) -> Result | None:
        """Find a result that is kept."""
        of_handles = (result for results in self.held.values() for result in results)
        every = (*reversed(self.newest), *of_handles)
        return next((result for result in every if result.id == result_id), None)

    def select(self, asked: Asked) -> tuple[tuple[Result, ...], bool]:
        """List results, the newest first.

        Returns:
            The results, and whether these are all that there are.
        """
        if not asked.matches:
            return (), True
        end = asked.first + asked.most if asked.most else None
        chosen = tuple(islice(reversed(self.newest), asked.first, end))
        return chosen, asked.first + len(chosen) >= len(self.newest)

    def hold(self, results: tuple[Result, ...]) -> int:
        """Keep results for somebody, until the handle is given back, and return the handle."""
        self.given += 1
        self.held[self.given] = results
        while len(self.held) > KEPT:
            del self.held[min(self.held)]
        return self.given

    def release(self, handle: int) -> bool:
        """Take a handle back; whether it was one."""
        return self.held.pop(handle, None) is not None

"""Every error that linetwin raises on purpose.

LinetwinError
 ├── LineFileError      a line file is wrong; carries every fault found
 │    └── ScenarioError a scenario is wrong
 ├── QuantityError      a text is no quantity of the wanted kind (ValueError too)
 ├── EngineError        an engine was asked for something it can't do
 ├── TraceError         a file is no trace, or two traces are not of the same run
 ├── CommandRefused     a machine does not take a command or a setpoint now
 ├── NotConnected       a peer (PLC, database) is away; try again later
 └── UsageError         the command line asks for something impossible
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CommandRefused",
    "EngineError",
    "Fault",
    "LineFileError",
    "LinetwinError",
    "NotConnected",
    "QuantityError",
    "ScenarioError",
    "TraceError",
    "UsageError",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file: where, what must hold, what was found, the remedy.

    Args:
        path: where in the document, as `stations[3].cycle_time`.
        must: what must hold, as `must be greater than 0`.
        found: what is there instead; empty where there is nothing to show.
        remedy: what to do about it; empty where `must` already says so.
        file, line, column: position, 1-based; 0 where it is unknown.

    >>> print(Fault("stations[3].cycle_time", "must be greater than 0", "-3 s", file="a.yaml",
    ...             line=42, column=7))
    a.yaml:42:7: stations[3].cycle_time: must be greater than 0, got -3 s
    """

    path: str
    must: str
    found: str = ""
    remedy: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        found = f", got {self.found}" if self.found else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{where}{self.path or 'file'}: {self.must}{found}{remedy}"


class LinetwinError(Exception):
    """The root of every error raised on purpose."""


class LineFileError(LinetwinError):
    """A line file is refused; `faults` names every reason, the message the first hundred."""

    SHOWN = 100

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        shown = [str(fault) for fault in self.faults[: self.SHOWN]]
        if len(self.faults) > self.SHOWN:
            shown.append(f"... and {len(self.faults) - self.SHOWN:,} more faults")
        super().__init__("\n".join(shown))


class ScenarioError(LineFileError):
    """A scenario is refused; the same in all else."""


class QuantityError(LinetwinError, ValueError):
    """A text is no quantity of the wanted kind."""


class EngineError(LinetwinError):
    """An engine was asked for something it can't do."""


class TraceError(LinetwinError):
    """A file is no trace, or two traces are not of the same run."""


class CommandRefused(LinetwinError):
    """A machine does not take a command or a setpoint, in its state or at all."""


class NotConnected(LinetwinError):
    """A peer is away; the caller keeps what it has and tries again.

    Args:
        message: who is away and why.
        retry_after_s: how long the peer asks to be left alone, in seconds; None if it didn't say.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UsageError(LinetwinError):
    """The command line asks for something impossible."""

"""From a refused request down to the lines that are wrong, by halving; the others are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twin.historian.influx import LinesRefused

__all__ = ["RefusedLine", "write_what_it_takes"]


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that the database does not take, and its words on why."""

    text: str
    reason: str


def write_what_it_takes(lines: Sequence[str], write: Callable[[bytes], None]) -> list[RefusedLine]:
    """Write lines, and find those that the database refuses.

    A database may store some lines of a request that it refuses, or none. So each half is written
    again: a point that is there already stays as it is. One bad line among 5,000 takes 26 requests.

    Args:
        lines: one point each; one or more.
        write: writes lines in one request.

    Returns:
        The lines that are refused, in their order.

    Raises:
        NotConnected: the database is away; write all of the lines again.

    >>> def write(body):
    ...     if b"bad" in body:
    ...         raise LinesRefused("no bad ones")
    >>> [line.text for line in write_what_it_takes(["a", "bad", "c", "d"], write)]
    ['bad']
    """
    try:
        write("\n".join(lines).encode())
    except LinesRefused as error:
        if len(lines) == 1 or error.dropped == len(lines):
            return [RefusedLine(line, str(error)) for line in lines]
        middle = len(lines) // 2
        return [
            *write_what_it_takes(lines[:middle], write),
            *write_what_it_takes(lines[middle:], write),
        ]
    return []

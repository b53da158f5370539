"""What a trace file says about itself: which run its events are of."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationError

from twin.engine.line_mark import LineMark, differences
from twin.errors import TraceError
from twin.model.base import Frozen

__all__ = ["BufferEnds", "TraceHeader", "why_not_comparable"]

Natural = Annotated[int, Field(ge=0, lt=1 << 62)]


class BufferEnds(Frozen):
    """Between which stations a buffer lies."""

    sources: tuple[str, ...]
    sinks: tuple[str, ...]


class TraceHeader(Frozen):
    """Which run a trace is of, and what it must contain.

    Args:
        version: of this form.
        linetwin: version of the program that wrote it.
        line: which line.
        engine: `simpy` or `kernel`.
        seed, replication: of its draws.
        from_us, to_us: engine time at which it begins and ends.
        events: how many there are.
        digest: of all of them, `EventLog.digest`.
        buffers: by id.
    """

    VERSION: ClassVar[int] = 1

    version: Literal[1] = 1
    linetwin: str
    line: LineMark
    engine: str
    seed: int
    replication: Natural
    from_us: Natural
    to_us: Natural
    events: Natural
    digest: str = Field(pattern="^[0-9a-f]{32}$")
    buffers: dict[str, BufferEnds]

    @classmethod
    def from_json(cls, text: str | bytes) -> TraceHeader:
        """Read what a trace file has of it.

        Raises:
            TraceError: it is none, or one of another version.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            faults = [
                f"{'.'.join(map(str, fault['loc'])) or 'text'}: {fault['msg']}"
                for fault in error.errors(include_url=False)[:10]
            ]
            raise TraceError(
                f"its head is not that of a trace of version {cls.VERSION}: {'; '.join(faults)}"
            ) from error


def why_not_comparable(a: TraceHeader, b: TraceHeader) -> list[str]:
    """Say what makes two traces ones of different runs; empty if they are of the same.

    The engine and the version of linetwin may differ: to compare those is what traces are for.
    """
    faults = [f"line {text}" for text in differences(a.line, b.line)]
    for name, says in (
        ("seed", "seed"),
        ("replication", "replication"),
        ("from_us", "beginning in us"),
        ("to_us", "end in us"),
    ):
        one, other = getattr(a, name), getattr(b, name)
        if one != other:
            faults.append(f"{says} {one} and {other}")
    return faults

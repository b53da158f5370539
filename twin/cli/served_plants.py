"""A line's emulated plant that somebody else serves, as `twin plc` in a container of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from twin.errors import UsageError

__all__ = ["ServedPlant"]


@dataclass(slots=True)
class ServedPlant:
    """What `LineProcess` is to a twin, where there is no process to keep up.

    Args:
        line: file or packaged name.
        speed: times real speed, as it was told to be served.
        ports: port by PLC, of this machine's loopback.

    Raises:
        UsageError: a PLC has no port of its own.
    """

    line: str
    speed: float
    ports: dict[str, int]
    endpoints: dict[str, str] = field(init=False)
    listening: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        without = [plc for plc, port in self.ports.items() if not port]
        if without:
            raise UsageError(
                f"--plcs-are-there needs the port of each PLC, of {self.line} those of "
                f"{', '.join(without)}; name them in the line file, or give --ports-from"
            )
        self.endpoints = {plc: f"opc.tcp://127.0.0.1:{port}" for plc, port in self.ports.items()}
        self.listening.set()

    async def run(self) -> None:
        """Do nothing until cancelled."""
        await asyncio.Event().wait()

"""What clients ask of a plant: each request is carried out between two scans, whole.

Nothing runs between scans, so what is asked then acts at the plant's instant of the last scan: it
is as if the next scan had read it first and then let the plant run on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twin.engine.plant import Plant
from twin.model.packml import Mode
from twin.model.packml_table import Command
from twin.setpoints import Setpoint, setpoints
from twin.signals import Value

__all__ = ["Requests"]


class Requests:
    """The requests of a plant's clients.

    Args:
        plant: who carries them out.
    """

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._turn = asyncio.Lock()
        self.setpoints: dict[tuple[str, str], Setpoint] = {s.key: s for s in setpoints(plant.line)}
        self.values: dict[tuple[str, str], Value] = {
            key: point.default for key, point in self.setpoints.items()
        }

    @asynccontextmanager
    async def scanning(self) -> AsyncIterator[None]:
        """Let requests wait while the context lasts."""
        async with self._turn:
            yield

    def forget(self, plc: str) -> None:
        """Undo what a PLC's machines have been told and what was set on it; between scans only."""
        for station in self._plant.line.stations:
            if self._plant.line.plc_of(station.id) == plc:
                for machine in range(station.machines):
                    self._plant.release(station.machine_id(machine))
        for key, point in self.setpoints.items():
            if point.plc == plc and self.values[key] != point.default:
                self._plant.set(*key, point.default)
                self.values[key] = point.default

    async def command(self, unit: str, command: Command, reason: int = 0) -> None:
        """Tell a machine something.

        Raises:
            CommandRefused: no such machine, or not in its state.
        """
        async with self._turn:
            self._plant.command(unit, command, reason)

    async def set_mode(self, unit: str, mode: Mode) -> None:
        """Change a machine's mode.

        Raises:
            CommandRefused: no such machine, or not in its state.
        """
        async with self._turn:
            self._plant.set_mode(unit, mode)

    async def set(self, unit: str, setpoint: str, value: Value) -> None:
        """Set something of a unit.

        Raises:
            CommandRefused: no such setpoint, or out of its limits.
        """
        async with self._turn:
            self._plant.set(unit, setpoint, value)
            self.values[unit, setpoint] = value

"""What a PLC publishes besides states and counters: process variables, alarms, the PLCs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from twin.errors import QuantityError
from twin.model.base import FileText, Frozen, Id

__all__ = ["Alarm", "Plc", "ProcessVariable"]


class Plc(Frozen):
    """A controller: its stations name it.

    Args:
        port: where it serves OPC UA; 0: any free port.
    """

    id: Id
    name: FileText | None = None
    port: int = Field(default=0, ge=0, le=65535)


class ProcessVariable(Frozen):
    """A measured value of each machine of a station.

    Args:
        id: the tag, as `SheetTime`.
        unit: as on the screen, `degC`, `m/min`; `1` for none.
        nominal: value in normal production.
        low, high: the ends of the instrument's range (OPC UA's EURange).
        alarm_low, alarm_high: limits of normal operation; absent: no such limit.
        when_idle: what it goes to while the machine does not work: `hold` (a temperature),
            `zero` (a speed), or a value.
    """

    id: Id
    name: FileText | None = None
    unit: str = Field(min_length=1)
    nominal: float
    low: float
    high: float
    alarm_low: float | None = None
    alarm_high: float | None = None
    when_idle: Literal["hold", "zero"] | float = "hold"

    @model_validator(mode="after")
    def _in_range(self) -> ProcessVariable:
        if not self.low < self.high:
            raise QuantityError("must have low < high")
        if not self.low <= self.nominal <= self.high:
            raise QuantityError("must have its nominal value between low and high")
        below = self.alarm_low is not None and self.alarm_low > self.nominal
        above = self.alarm_high is not None and self.alarm_high < self.nominal
        if below or above:
            raise QuantityError("must have its nominal value between alarm_low and alarm_high")
        return self


class Alarm(Frozen):
    """An alarm that stands while its cause does.

    Args:
        id: the code, as `EQP001`.
        category: what it is about: safety, equipment, process, quality, material, utility,
            environment, communication, maintenance, logistics, cyber security.
        severity: 1 (least) to 1000, as in OPC UA.
        when: `fault` (a machine is down), `starved`, `blocked`, or the id of a process
            variable that is outside its limits.
    """

    id: Id
    name: FileText | None = None
    category: Literal["SAF", "EQP", "PRC", "QLT", "MAT", "UTL", "ENV", "COM", "MNT", "LOG", "CYB"]
    severity: int = Field(ge=1, le=1000)
    when: str = Field(min_length=1)

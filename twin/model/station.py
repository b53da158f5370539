"""A station: m parallel machines that take parts, work a drawn time and put the results out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from twin.model.base import FileText, Frozen, Id
from twin.model.durations import Duration
from twin.model.energy import StationEnergy
from twin.model.failures import Changeover, Failure, Maintenance
from twin.model.materials import Use
from twin.model.plc import Alarm, ProcessVariable
from twin.model.quality import Inspection, Rework
from twin.model.quantity import MILLI, Count, Probability

__all__ = ["Station"]


def _one_number_is_for_the_only_buffer(raw: Any) -> Any:
    return raw if isinstance(raw, dict) else {"": raw}


class Station(Frozen):
    """One station of a line. `docs/explanation/semantics.md` says what each field does.

    Args:
        id: as `STK`; its machines are `STK01`, `STK02`, ...
        area: ISA-95 area.
        kind: ISA-95 name of what its machines are.
        plc: the PLC that controls it; absent: the line's first.
        machines: parallel machines, 1 to 10,000.
        places: operations that one machine holds at the same time (a rack, a tunnel); each place
            is loaded and unloaded by itself.
        lanes: the machines are dealt out in order over so many lanes, and each group works with
            its own lanes of a buffer that has lanes; 1: every machine reaches every lane.
        takes_milli: parts that an operation takes, by input buffer (kept in thousandths); absent:
            one from each. `187.7` takes 187 and 188 in turn.
        gives_milli: new parts that an operation makes (kept in thousandths); absent: a station
            with one input passes its parts on, one with several or none makes one new part.
        product_units: units of product (cells, tubes) that one outgoing part stands for; absent:
            worked out from takes and gives, 1 at a source or an assembly.
        automation: how it is run; for reports.
        cycle_time: planned time of one operation.
        effectiveness: ISO 22400's: planned over actual time; below 1 stretches every operation.
        failures: what stops its machines.
        changeovers: set-ups after so much working time.
        maintenance: preventive maintenance by the clock.
        calendar: the calendar it follows; absent: the line's.
        scrap: probability that a part is scrapped after the operation.
        rework: the share of parts that is done again.
        defects: probability that the operation puts a defect of that class into a part.
        inspection: what it finds in parts.
        uses: materials that an operation takes out of stores.
        energy: what it draws.
        variables: process variables of each machine.
        alarms: alarms of each machine.
    """

    id: Id
    name: FileText | None = None
    area: Id = "AREA"
    kind: Literal["work cell", "unit", "storage unit", "production unit"] = "work cell"
    plc: Id | None = None
    automation: Literal["auto", "semi", "manual"] = "auto"
    machines: int = Field(default=1, ge=1, le=10_000)
    places: int = Field(default=1, ge=1, le=100_000)
    lanes: int = Field(default=1, ge=1, le=10_000)
    takes_milli: Annotated[
        dict[str, Count],
        BeforeValidator(
            _one_number_is_for_the_only_buffer, json_schema_input_type=Count | dict[str, Count]
        ),
        Field(description="a number of parts, or one for each input buffer by its id"),
    ] = Field(alias="takes", default_factory=dict)
    gives_milli: Count | None = Field(alias="gives", default=None)
    product_units: float | None = Field(default=None, gt=0)
    cycle_time: Duration
    effectiveness: float = Field(default=1.0, gt=0, le=2)
    failures: tuple[Failure, ...] = Field(default=(), max_length=20)
    changeovers: tuple[Changeover, ...] = Field(default=(), max_length=20)
    maintenance: tuple[Maintenance, ...] = Field(default=(), max_length=5)
    calendar: Id | None = None
    scrap: Probability = 0.0
    rework: Rework | None = None
    defects: dict[Id, Probability] = Field(default_factory=dict)
    inspection: Inspection | None = None
    uses: tuple[Use, ...] = ()
    energy: StationEnergy = StationEnergy()
    variables: tuple[ProcessVariable, ...] = ()
    alarms: tuple[Alarm, ...] = ()

    @property
    def makes_new_parts(self) -> bool:
        """Whether the operation makes new parts by the file's own word (`gives`)."""
        return self.gives_milli is not None

    def machine_id(self, machine: int) -> str:
        """Name a machine, counted from 0: `STK01` is machine 0 of `STK`."""
        return f"{self.id}{machine + 1:02d}"

    def takes_from(self, buffer: str) -> int:
        """Thousandths of parts that an operation takes from a buffer."""
        return self.takes_milli.get(buffer, self.takes_milli.get("", MILLI))

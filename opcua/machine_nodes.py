"""What every machine shows besides its signals: PackML's unit, Machinery's identification.

A machine is a PackMLBaseObjectType (OPC 30050): its signals hang below that type's own Status and
Admin. It is listed among the Machines of OPC 40001-1, with identification and item state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from opcua.instances import instance
from opcua.node_spec import Derived, NodeKind, NodeSpec
from opcua.standards import DI, MACHINERY, PACKML, VISION, nodesets
from opcua.structures import count
from opcua.vision.nodes import vision_nodes
from opcua.wire_values import BASE, Localized, QName, Ref, Span, Unit, Wire, base
from twin.engine.quantiles import mean_us
from twin.model.line import Line
from twin.model.packml import Mode, State
from twin.model.packml_table import RUNNING_STATES
from twin.model.station import Station
from twin.signals import Value

__all__ = ["PACKML_UNIT", "machine_nodes", "packml_states"]

PACKML_UNIT = Ref(PACKML, 6)
MODES = Ref(PACKML, 11)

_MACHINES = Ref(MACHINERY, 1001)
_IDENTIFICATION = Ref(MACHINERY, 1012)
_BUILDING_BLOCKS = QName(MACHINERY, "MachineryBuildingBlocks")
_ITEM_STATE, _OPERATION_MODE = Ref(MACHINERY, 1002), Ref(MACHINERY, 1008)
_COUNT_DATA = Ref(PACKML, 14)
_ORGANIZES, _HAS_COMPONENT, _HAS_ADD_IN = base(35), base(47), base(17604)
_STATE_TYPE, _INITIAL_STATE_TYPE, _TRANSITION_TYPE = base(2307), base(2309), base(2310)
_HAS_TYPE = base(40)
_FOLDER, _VARIABLE = base(61), base(63)
_STATE_NOT_ACTIVE = 0x80BF0000

_BASE_MACHINE = "BaseStateMachine"
_MACHINE = f"{_BASE_MACHINE}/MachineState"
_EXECUTE = f"{_MACHINE}/ExecuteState"
_COMMANDS = (
    *(f"{_BASE_MACHINE}/{name}" for name in ("Abort", "Clear")),
    *(f"{_MACHINE}/{name}" for name in ("Stop", "Reset")),
    *(
        f"{_EXECUTE}/{name}"
        for name in ("Start", "Hold", "Unhold", "Suspend", "Unsuspend", "Reset", "ToComplete")
    ),
)
_COUNTERS = {
    "ProdConsumedCount": "consumed",
    "ProdProcessedCount": "processed",
    "ProdDefectiveCount": "defective",
}


def machine_nodes(line: Line, station: Station, unit: str, node: str) -> Iterator[NodeSpec]:
    """Plan a machine: its object and all that the standards make mandatory.

    Args:
        line, station: what it is in.
        unit: its id, as `STK03`.
        node: its node; that of its station is the one above.
    """
    # As many parts a minute as it makes when nothing stops it.
    speed = 60e6 * station.places / mean_us(station.cycle_time)
    for spec in instance(
        PACKML_UNIT,
        node,
        node.rpartition("/")[0],
        QName("", unit),
        also=_COMMANDS,
        held={
            **_state_values(unit),
            "Status/MachSpeed": Wire("Float", speed),
            "Status/MachSpeed/EURange": Wire("ExtensionObject", Span(0.0, 2 * speed)),
            "Status/CurMachSpeed": Derived(
                ((unit, "state_current"), (unit, "cycle_time_s")), _speed(station.places)
            ),
            "Status/CurMachSpeed/EURange": Wire("ExtensionObject", Span(0.0, 2 * speed)),
            "Status/UnitSupportedModes": Wire("NodeId", MODES),
        },
        listed_by=((_ORGANIZES, _MACHINES),),
    ):
        is_mode = spec.browse_name == "UnitModeCurrent"
        yield replace(spec, data_type=MODES) if is_mode else spec
    for name in ("MachSpeed", "CurMachSpeed"):
        yield NodeSpec(
            f"{node}/Status/{name}/EngineeringUnits",
            f"{node}/Status/{name}",
            "EngineeringUnits",
            NodeKind.VARIABLE,
            name_uri=BASE,
            reference=base(46),
            type_id=base(68),
            data_type=base(887),
            held=Wire("ExtensionObject", Unit("1/min", "C94")),
        )
    for name, signal in _COUNTERS.items():
        # The signal has the plain name and counts further than an Int32 can.
        yield NodeSpec(
            f"{node}/Admin/{name}[]",
            f"{node}/Admin",
            name,
            NodeKind.VARIABLE,
            name_uri=PACKML,
            type_id=_VARIABLE,
            data_type=_COUNT_DATA,
            rank=1,
            derived=Derived(((unit, signal),), _counted(line.product.unit)),
        )
    yield from _machinery(line, station, unit, node)
    if station.inspection is not None:
        states = _follows(unit, "VisionStateMachine/", _states(VISION), _vision_state)
        yield from vision_nodes(unit, node, states)


def _machinery(line: Line, station: Station, unit: str, node: str) -> Iterator[NodeSpec]:
    shown = station.name.en if station.name else unit
    yield from instance(
        _IDENTIFICATION,
        f"{node}/Identification",
        node,
        QName(DI, "Identification"),
        reference=_HAS_ADD_IN,
        also=("AssetId", "ComponentName", "Location", "Model"),
        held={
            "Manufacturer": Wire("LocalizedText", Localized("linetwin", "en")),
            "Model": Wire("LocalizedText", Localized(shown, "en")),
            "ComponentName": Wire("LocalizedText", Localized(unit)),
            "AssetId": Wire("String", unit),
            "SerialNumber": Wire("String", f"{line.id}-{unit}"),
            "ProductInstanceUri": Wire("String", f"urn:linetwin:{line.id}:{unit}"),
            "Location": Wire("String", f"{line.site}/{station.area}/{line.id}/{station.id}"),
        },
    )
    blocks = f"{node}/{_BUILDING_BLOCKS.name}"
    yield NodeSpec(
        blocks,
        node,
        _BUILDING_BLOCKS.name,
        NodeKind.FOLDER,
        name_uri=MACHINERY,
        type_id=_FOLDER,
        reference=_HAS_COMPONENT,
    )
    yield from instance(
        _ITEM_STATE,
        f"{blocks}/MachineryItemState",
        blocks,
        QName(MACHINERY, "MachineryItemState"),
        reference=_HAS_ADD_IN,
        held=_follows(unit, "", _states(MACHINERY), _item_state),
    )
    yield from instance(
        _OPERATION_MODE,
        f"{blocks}/MachineryOperationMode",
        blocks,
        QName(MACHINERY, "MachineryOperationMode"),
        reference=_HAS_ADD_IN,
        held=_follows(unit, "", _states(MACHINERY), _operation_mode, "unit_mode_current"),
    )


def _speed(places: int) -> Callable[[tuple[Value, ...], int], Wire]:
    def read(values: tuple[Value, ...], _: int) -> Wire:
        state, cycle_s = values
        runs = state == State.EXECUTE and cycle_s > 0
        return Wire("Float", 60.0 * places / cycle_s if runs else 0.0)

    return read


def _counted(unit: str) -> Callable[[tuple[Value, ...], int], Wire]:
    def read(values: tuple[Value, ...], _: int) -> Wire:
        return Wire("ExtensionObject", (count(unit, "count", int(values[0])),))

    return read


# -- state machines -----------------------------------------------------------------------------


@cache
def _states(uri: str) -> dict[str, Ref]:
    """The states of a standard's machines, by name."""
    return {
        node.name.name: node.ref
        for nodeset in nodesets()
        if nodeset.uri == uri
        for node in nodeset.nodes
        if node.node_class == "Object"
        and any(
            reference == _HAS_TYPE and target in (_STATE_TYPE, _INITIAL_STATE_TYPE)
            for reference, _, target in node.references
        )
    }


@cache
def _transitions() -> dict[str, Ref]:
    return {
        node.name.name: node.ref
        for nodeset in nodesets()
        if nodeset.uri == PACKML
        for node in nodeset.nodes
        if any(
            reference == _HAS_TYPE and target == _TRANSITION_TYPE
            for reference, _, target in node.references
        )
    }


def packml_states(state: State) -> tuple[str, str | None, str | None]:
    """Name what the three PackML machines are in, from the outermost to the innermost.

    >>> packml_states(State.EXECUTE), packml_states(State.ABORTED)
    (('Cleared', 'Running', 'Execute'), ('Aborted', None, None))
    """
    name = state.name.title()
    if state in (State.ABORTING, State.ABORTED):
        return name, None, None
    if state in RUNNING_STATES:
        return "Cleared", "Running", name
    return "Cleared", name, None


def _operation_mode(mode: int) -> str:
    """Machinery's operation mode (OPC 40001-1, 13.2): in PackML's Manual a unit is set up."""
    names = {
        Mode.PRODUCE: "Processing",
        Mode.MAINTENANCE: "Maintenance",
        Mode.MANUAL: "Setup",
    }
    return names.get(Mode(mode), "None")


def _item_state(state: int) -> str:
    """Machinery's item state (OPC 40001-1, 12.2): a unit that runs executes, one in fault can't."""
    if state in (State.ABORTING, State.ABORTED, State.CLEARING):
        return "OutOfService"
    return "Executing" if state == State.EXECUTE else "NotExecuting"


def _vision_state(state: int) -> str:
    if state in (State.ABORTING, State.ABORTED):
        return "Error"
    if state in (State.STOPPED, State.STOPPING, State.CLEARING):
        return "Halted"
    return "Operational"


def _follows(
    unit: str,
    path: str,
    refs: dict[str, Ref],
    name: Callable[[int], str | None],
    signal: str = "state_current",
) -> dict[str, Wire | Derived]:
    """The CurrentState of a machine that follows from the PackML state or mode, and its Id."""
    of = ((unit, signal),)

    def shown(values: tuple[Value, ...], _: int) -> Wire:
        said = name(int(values[0]))
        if said is None:
            return Wire("LocalizedText", None, _STATE_NOT_ACTIVE)
        return Wire("LocalizedText", Localized(said, "en"))

    def ident(values: tuple[Value, ...], _: int) -> Wire:
        said = name(int(values[0]))
        if said is None:
            return Wire("NodeId", None, _STATE_NOT_ACTIVE)
        return Wire("NodeId", refs[said])

    return {f"{path}CurrentState": Derived(of, shown), f"{path}CurrentState/Id": Derived(of, ident)}


def _state_values(unit: str) -> dict[str, Wire | Derived]:
    refs, moves = _states(PACKML), _transitions()
    own = {
        _BASE_MACHINE: ("Aborting", "Aborted", "Cleared"),
        _MACHINE: ("Stopped", "Stopping", "Clearing", "Running"),
        _EXECUTE: tuple(state.name.title() for state in RUNNING_STATES),
    }
    values: dict[str, Wire | Derived] = {}
    for level, (path, names) in enumerate(own.items()):

        def name(state: int, level: int = level) -> str | None:
            return packml_states(State(state))[level]

        values |= _follows(unit, f"{path}/", refs, name)
        values[f"{path}/AvailableStates"] = Wire("NodeId", tuple(refs[n] for n in names))
        values[f"{path}/AvailableTransitions"] = Wire(
            "NodeId",
            tuple(ref for move, ref in moves.items() if move.partition("To")[0] in names),
        )
    return values

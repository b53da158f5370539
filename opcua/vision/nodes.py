"""A vision post as nodes of a plan: a VisionSystemType (OPC 40100-1) below its machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from opcua.instances import instance, mandatory_parts
from opcua.node_spec import Derived, NodeKind, NodeSpec
from opcua.standards import VISION
from opcua.vision.structures import (
    COMPLETED,
    RESULT_DATA,
    configuration_id,
    job_id,
    recipe_id,
)
from opcua.wire_values import QName, Ref, Wire, base
from twin.model.base import Text

__all__ = ["LATEST", "MANAGEMENT", "SYSTEM", "vision_nodes"]

SYSTEM = "VisionSystem"
MANAGEMENT = f"{SYSTEM}/ResultManagement"
LATEST = f"{MANAGEMENT}/Results/Latest"
_VISION_SYSTEM, _RESULT = Ref(VISION, 1003), Ref(VISION, 2002)
_HAS_COMPONENT = base(47)
_NO_DATA = 0x809B0000  # no part has been inspected
_TEXTS = {
    SYSTEM: Text.of("vision post", "视觉检测"),
    MANAGEMENT: Text.of("results of inspections", "检测结果"),
    LATEST: Text.of("what was found in the parts of the last scan", "最近一次扫描的检测结果"),
}


def vision_nodes(unit: str, node: str, states: Mapping[str, Wire | Derived]) -> Iterator[NodeSpec]:
    """Plan a vision system with its state machine and its results.

    Args:
        unit: the machine's id.
        node: its node.
        states: values of the state machine's variables, by path below the vision system.
    """
    latest = f"{node}/{LATEST}"
    nodes = [
        *instance(
            _VISION_SYSTEM,
            f"{node}/{SYSTEM}",
            node,
            QName("", SYSTEM),
            reference=_HAS_COMPONENT,
            also=(
                "ResultManagement",
                "ResultManagement/Results",
                "ResultManagement/ReleaseResultHandle",
            ),
            held=states,
        ),
        NodeSpec(
            latest,
            latest.rpartition("/")[0],
            "Latest",
            NodeKind.VARIABLE,
            type_id=_RESULT,
            data_type=RESULT_DATA,
            reference=_HAS_COMPONENT,
            held=Wire("ExtensionObject", None, _NO_DATA),
        ),
        *mandatory_parts(
            _RESULT,
            latest,
            {
                "ResultId": Wire("ExtensionObject", None, _NO_DATA),
                "CreationTime": Wire("DateTime", None, _NO_DATA),
                "IsPartial": Wire("Boolean", value=False),
                "ResultState": Wire("Int32", COMPLETED),
                "InternalRecipeId": Wire("ExtensionObject", recipe_id(unit)),
                "InternalConfigurationId": Wire("ExtensionObject", configuration_id(unit)),
                "JobId": Wire("ExtensionObject", job_id(unit)),
            },
        ),
    ]
    for spec in nodes:
        text = _TEXTS.get(spec.node.removeprefix(f"{node}/"))
        yield spec if text is None else replace(spec, text=text)

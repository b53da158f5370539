"""A PLC's job management as nodes of a plan: a JobManagementType (OPC 40001-3) of its device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from opcua.instances import instance
from opcua.jobs.book import COMMANDS, MOST_ORDERS
from opcua.jobs.offer import offer_of
from opcua.jobs.structures import work_master
from opcua.node_spec import NodeSpec
from opcua.standards import JOBS
from opcua.wire_values import QName, Ref, Wire, base
from twin.model.base import Text
from twin.model.line import Line

__all__ = ["CONTROL", "RESULTS", "STORING", "job_nodes", "management_node"]

_MANAGEMENT = Ref(JOBS, 1003)
_HAS_ADD_IN = base(17604)
_STATE_NOT_ACTIVE = 0x80BF0000
CONTROL, RESULTS = "JobOrderControl", "JobOrderResults"
STORING = ("Store", "StoreAndStart", "Update")
"""Methods that take an order; the others take its id."""

_TEXTS = {
    "": Text.of("job orders of this PLC", "本 PLC 的作业订单"),
    CONTROL: Text.of("takes job orders and commands", "接收订单与命令"),
    f"{CONTROL}/JobOrderList": Text.of("orders and their states", "订单及其状态"),
    f"{CONTROL}/MaxDownloadableJobOrders": Text.of("most orders kept at once", "最多订单数"),
    f"{CONTROL}/WorkMaster": Text.of("how the product is made", "工艺主数据"),
    f"{CONTROL}/EquipmentID": Text.of("stations that orders may ask for", "可选工位"),
    f"{CONTROL}/PhysicalAssetID": Text.of("machines that orders may ask for", "可选设备"),
    f"{CONTROL}/MaterialDefinitionID": Text.of("what is made", "产品"),
    RESULTS: Text.of("what has become of job orders", "订单执行结果"),
    f"{RESULTS}/JobOrderResponseList": Text.of("responses of all begun orders", "已开始订单的结果"),
}


def management_node(plc: str) -> str:
    """Name the node of a PLC's job management."""
    return f"plc:{plc}/JobManagement"


def job_nodes(line: Line, plc: str) -> Iterator[NodeSpec]:
    """Plan a PLC's job management, below its device's node."""
    offer = offer_of(line, plc)
    node = management_node(plc)
    nothing = Wire("String", ())
    for spec in instance(
        _MANAGEMENT,
        node,
        f"plc:{plc}",
        QName(JOBS, "JobManagement"),
        reference=_HAS_ADD_IN,
        also=(
            *(f"{CONTROL}/{name}" for name in (*STORING, *COMMANDS)),
            f"{RESULTS}/JobOrderResponseList",
        ),
        held={
            # The machine is that of each order, and the object is no order (OPC 10031-4, 6.2.1.1).
            f"{CONTROL}/CurrentState": Wire("LocalizedText", None, _STATE_NOT_ACTIVE),
            f"{CONTROL}/CurrentState/Id": Wire("NodeId", None, _STATE_NOT_ACTIVE),
            f"{CONTROL}/EquipmentID": Wire("String", offer.stations),
            f"{CONTROL}/JobOrderList": Wire("ExtensionObject", ()),
            f"{CONTROL}/MaterialClassID": nothing,
            f"{CONTROL}/MaterialDefinitionID": Wire("String", (offer.product,)),
            f"{CONTROL}/MaxDownloadableJobOrders": Wire("UInt16", MOST_ORDERS),
            f"{CONTROL}/PersonnelID": nothing,
            f"{CONTROL}/PhysicalAssetID": Wire("String", offer.machines),
            f"{CONTROL}/WorkMaster": Wire("ExtensionObject", (work_master(offer),)),
            f"{RESULTS}/JobOrderResponseList": Wire("ExtensionObject", ()),
        },
    ):
        yield replace(spec, text=_TEXTS.get(spec.node.removeprefix(node).removeprefix("/")))

"""asyncua's own client does what the others do: asyncua_client.py URL PKI LINE STATION MACHINE."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

PACKML = "http://opcfoundation.org/UA/PackML/"


async def connected(url: str, pki: Path, password: str) -> Client:
    client = Client(url, timeout=30)  # of a busy machine
    client.application_uri = "urn:linetwin:twin"
    client.set_user("twin")
    client.set_password(password)
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        str(pki / "client.cert.der"),
        str(pki / "client.key.pem"),
        server_certificate=str(pki / "server.cert.der"),
    )
    await client.connect()
    return client


async def status(work) -> str:
    try:
        await work
    except ua.UaStatusCodeError as error:
        return type(error).__name__
    return "Good"


class Notices:
    """What a subscription said: values, or the alarms of one condition."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.latest: object = None
        self.changed = asyncio.Event()

    def datachange_notification(self, _node, value, _data) -> None:
        self.seen.append(value)
        self.changed.set()

    def event_notification(self, event) -> None:
        if event.ConditionName == "Fault":
            self.latest = event
            self.seen.append(
                [getattr(event, f"{name}/Id") for name in ("ActiveState", "AckedState")]
            )
            self.changed.set()

    async def until(self, what: object) -> None:
        async with asyncio.timeout(20):
            while what not in self.seen:
                self.changed.clear()
                await self.changed.wait()


async def main(url: str, pki: Path, line: str, station: str, machine: str) -> None:
    seen: dict[str, object] = {}
    seen["wrongPassword"] = await status(connected(url, pki, "wrong"))
    client = await connected(url, pki, (pki / "password").read_text("utf-8").strip())
    try:
        namespaces = seen["namespaces"] = await client.get_namespace_array()
        own = next(i for i, uri in enumerate(namespaces) if uri.endswith(f":{line}"))
        packml = namespaces.index(PACKML)

        def node(path: str = ""):
            return client.get_node(ua.NodeId(f"{line}/{station}/{machine}{path}", own))

        below = await node().get_children_descriptions()
        seen["below"] = sorted(each.BrowseName.to_string() for each in below)
        kind = client.get_node(await node().read_type_definition())
        seen["type"] = (await kind.read_browse_name()).to_string()
        path = [f"{packml}:BaseStateMachine", f"{packml}:MachineState", "0:CurrentState"]
        machine_state = await node().get_child(path)
        seen["machineState"] = (await machine_state.read_value()).Text
        seen["state"] = await node("/Status/StateCurrent").read_value()
        seen["processed"] = await node("/Admin/ProdProcessedCount").read_value()
        states = Notices()
        subscription = await client.create_subscription(100, states)
        await subscription.subscribe_data_change(node("/Status/StateCurrent"))
        await states.until(6)
        machines = node("/BaseStateMachine/MachineState")
        seen["stop"] = await status(machines.call_method(ua.NodeId(375, packml)))
        await states.until(2)
        seen["states"] = list(states.seen)
        executes = node("/BaseStateMachine/MachineState/ExecuteState")
        seen["start"] = await status(executes.call_method(ua.NodeId(369, packml)))
        factor = node("/Setpoints/CycleTimeFactor")
        seen["write"] = await status(factor.write_value(1.5))
        seen["written"] = await factor.read_value()
        seen["writeOutOfRange"] = await status(factor.write_value(-1.0))
        state = ua.Variant(6, ua.VariantType.Int32)
        seen["writeReadOnly"] = await status(node("/Status/StateCurrent").write_value(state))
        began = datetime.now(UTC) - timedelta(hours=1)
        past = await node("/Status/StateCurrent").read_raw_history(began, datetime.now(UTC))
        seen["history"] = [value.Value.Value for value in past]
        alarms = Notices()
        subscription_of_alarms = await client.create_subscription(100, alarms)
        kind = ua.ObjectIds.AlarmConditionType
        await subscription_of_alarms.subscribe_alarms_and_conditions(evtypes=kind)
        seen["abort"] = await status(node("/BaseStateMachine").call_method(ua.NodeId(364, packml)))
        await alarms.until([True, False])
        remark = ua.Variant(ua.LocalizedText("seen", "en"), ua.VariantType.LocalizedText)
        condition, event_id = node("/Conditions/Fault"), alarms.latest.EventId
        seen["acknowledge"] = await status(condition.call_method("0:Acknowledge", event_id, remark))
        await alarms.until([True, True])
        seen["alarms"] = alarms.seen
        await subscription_of_alarms.delete()
        await subscription.delete()
    finally:
        await client.disconnect()
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    url, pki, *rest = sys.argv[1:]
    asyncio.run(main(url, Path(pki), *rest))

"""asyncua's own client does what the others do: asyncua_client.py URL PKI LINE STATION MACHINE."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

PACKML = "http://opcfoundation.org/UA/PackML/"


async def connected(url: str, pki: Path, password: str) -> Client:
    client = Client(url)
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


class States:
    def __init__(self) -> None:
        self.seen: list[int] = []
        self.changed = asyncio.Event()

    def datachange_notification(self, _node, value, _data) -> None:
        self.seen.append(value)
        self.changed.set()

    async def until(self, state: int) -> None:
        async with asyncio.timeout(20):
            while state not in self.seen:
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
        states = States()
        subscription = await client.create_subscription(100, states)
        await subscription.subscribe_data_change(node("/Status/StateCurrent"))
        await states.until(6)
        machines = node("/BaseStateMachine/MachineState")
        seen["stop"] = await status(machines.call_method(ua.NodeId(375, packml)))
        await states.until(2)
        seen["states"] = states.seen
        executes = node("/BaseStateMachine/MachineState/ExecuteState")
        seen["start"] = await status(executes.call_method(ua.NodeId(369, packml)))
        factor = node("/Setpoints/CycleTimeFactor")
        seen["write"] = await status(factor.write_value(1.5))
        seen["written"] = await factor.read_value()
        seen["writeOutOfRange"] = await status(factor.write_value(-1.0))
        state = ua.Variant(6, ua.VariantType.Int32)
        seen["writeReadOnly"] = await status(node("/Status/StateCurrent").write_value(state))
        await subscription.delete()
    finally:
        await client.disconnect()
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    url, pki, *rest = sys.argv[1:]
    asyncio.run(main(url, Path(pki), *rest))

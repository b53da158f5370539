"""The OPC UA server of one PLC of a line: its nodes, and what is written to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from asyncua import Server, ua
from asyncua.server.address_space import AddressSpace

from opcua.address_space import PLC_SIGNALS, plan
from opcua.alarms.conditions_of_line import condition_folders, conditions_of_line
from opcua.alarms.desk import AlarmDesk, Seen
from opcua.alarms.methods import bind_condition_methods
from opcua.apply import AppliedPlan, Locale, apply, wire_value
from opcua.command_nodes import bind_requests
from opcua.faults.show import write_shown
from opcua.faults.tamper import Shown, Tamper
from opcua.faults.wire import Wire
from opcua.guarded_server import guarded_server, namespace_table
from opcua.jobs.desk import JobDesk
from opcua.naming import Naming
from opcua.packml_methods import bind_packml
from opcua.personality import GENERIC, Personality, dress, own_uri, say_make, say_service_level
from opcua.recorder import Recorder
from opcua.requests import Requests
from opcua.security import ServerSecurity, is_loopback
from opcua.setpoint_nodes import setpoint_specs
from opcua.structures import instant
from opcua.vision.desk import VisionDesk
from twin.errors import UsageError
from twin.model.line import Line
from twin.signals import Value

__all__ = ["Key", "PlcServer"]

Key = tuple[str, str]


class PlcServer:
    """The OPC UA server of one PLC of a line. It writes what it is given and knows no plant.

    Args:
        line: the line.
        plc: one of the line's PLCs.
        security: whom to let in; None: everybody, unencrypted, on a loopback address only.
        host: address to listen on.
        port: 0 to 65535; 0 for any free one.
        locale: language of descriptions.
        personality: the make of PLC to be like.
    """

    def __init__(
        self,
        line: Line,
        plc: str,
        security: ServerSecurity | None,
        host: str = "127.0.0.1",
        port: int = 0,
        locale: Locale = "en",
        personality: Personality = GENERIC,
    ) -> None:
        if security is None and not is_loopback(host):
            raise UsageError(
                f"{plc}: a PLC without encryption must listen on a loopback address, got {host}; "
                "leave security on, or listen on 127.0.0.1"
            )
        self.line = line
        self.plc = plc
        self.security = security
        self.alarms = AlarmDesk(conditions_of_line(line, plc), locale)
        self.jobs = JobDesk(line, plc)
        self.vision = VisionDesk(line, plc)
        self.tamper = Tamper()
        self.wire = Wire(random.Random(f"{line.id}/{plc}"))
        self.namespace_shift = 0
        self._service_level = 255
        self._requests: Requests | None = None
        self.fault_methods: Callable[[AddressSpace, Naming], None] | None = None
        self.recorder: Recorder | None = None
        self._host = host
        self._port = port
        self._locale: Locale = locale
        self._personality = personality
        self._server: Server | None = None
        self._applied = AppliedPlan({})
        self._values: dict[Key, Value] = {}
        self._at_us = 0
        self._offs = 0
        self._places: dict[Key, int] = {}

    @property
    def url(self) -> str:
        """Where it listens; the port is known once it has started."""
        return f"opc.tcp://{self._host}:{self._port}"

    async def start(
        self, values: Mapping[Key, Value], at_unix_us: int, requests: Requests | None = None
    ) -> None:
        """Make the nodes with their first values and listen.

        Args:
            values: by (unit, signal), for every tag of the PLC.
            at_unix_us: their source timestamp, microseconds since 1970-01-01 UTC.
            requests: who carries out what clients ask; None: they can't ask for anything.

        Raises:
            UsageError: the address can't be listened on.
        """
        make = self._personality
        uri = own_uri(make, self.line)
        namespaces = namespace_table(uri, self.namespace_shift, make.libraries)
        naming = Naming(namespaces[uri], make.syntax)
        self._requests = requests
        name = f"{self.line.id} {self.plc}"
        server = await guarded_server(name, self.url, self.security, namespaces, make.limits)
        if make.name != GENERIC.name:
            await say_make(server, make)
        await say_service_level(server, self._service_level)
        own = {(self.plc, signal.name): _zero(signal.value_type.value) for signal in PLC_SIGNALS}
        folders = tuple(condition_folders(self.line, self.plc))
        settable = () if requests is None else tuple(setpoint_specs(self.line, self.plc))
        self._values = {**own, **values, **(requests.values if requests else {})}
        self._applied = apply(
            server.iserver.aspace,
            uri,
            namespaces,
            dress((*plan(self.line, self.plc), *folders, *settable), make, self.line),
            self._values,
            at_unix_us,
            self._locale,
            make.syntax,
        )
        table = server.iserver.table
        variables = self._applied.variables
        places = table.adopt(node_id for node_id, _ in variables.values())
        self._places = dict(zip(variables, places, strict=True))
        if requests is not None:
            nodes = {s.key: self._applied.variables[s.key][0] for s in settable if s.key}
            bind_requests(server.iserver, naming, self.line, self.plc, requests, nodes)
            bind_packml(server.iserver.aspace, self._applied, requests)
            self.jobs.bind(
                server.iserver, naming, self._applied, requests, self._values, at_unix_us
            )
        ids = {key: node_id for key, (node_id, _) in variables.items()}
        known = None if requests is None else self._values
        self.vision.bind(server.iserver, naming, self._applied, known)
        self.alarms.bind(server.iserver, naming, ids, self._values, at_unix_us)
        bind_condition_methods(server.iserver, naming, self.alarms)
        if self.recorder is not None:
            self.recorder.listen(server.iserver)
        if self.fault_methods is not None:
            self.fault_methods(server.iserver.aspace, naming)
        try:
            await server.start()
        except OSError as error:
            raise UsageError(
                f"{self.plc}: must be able to listen on {self._host}:{self._port}, "
                f"{error.strerror or error}; choose another port, or 0 for a free one"
            ) from error
        self._server = server
        self._port = server.bserver.port
        self.wire.listen(server)

    async def power_off(self) -> None:
        """End every connection and listen no more, until as many `power_on`; values are kept."""
        self._offs += 1
        await self.stop()

    async def power_on(self, at_unix_us: int | None) -> None:
        """Listen again, on the same port, with the values as they are now.

        Args:
            at_unix_us: their source timestamp, microseconds since 1970-01-01 UTC; None: as old as
                the last that was written.
        """
        self._offs -= 1
        if self._offs == 0:
            self._at_us = self._at_us if at_unix_us is None else at_unix_us
            await self.start(self._values, self._at_us, self._requests)

    @property
    def connections(self) -> list[Any]:
        """asyncua's protocols, one a connection; none while the power is off."""
        return [] if self._server is None else list(self._server.bserver.clients)

    @property
    def subscriptions(self) -> Any:
        """asyncua's subscription service; None while the power is off."""
        return None if self._server is None else self._server.iserver.subscription_service

    async def serve_at_level(self, level: int) -> None:
        """Say how well it serves, from 0 to 255, also after the power was off."""
        self._service_level = level
        if self._server is not None:
            await say_service_level(self._server, level)

    async def hide(self, touches: Callable[[Key], bool]) -> dict[ua.NodeId, Any]:
        """Take nodes out of the address space; who watches them is told.

        Args:
            touches: which, by (unit, signal).

        Returns:
            What was taken out, for `unhide`.
        """
        gone: dict[ua.NodeId, Any] = {}
        if self._server is None:
            return gone
        space = self._server.iserver.aspace
        unknown = ua.DataValue(StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
        for key, (node_id, _) in self._applied.variables.items():
            if not touches(key) or node_id not in space:
                continue
            gone[node_id] = space[node_id]
            await self._server.iserver.table.take_out(node_id, unknown)
            del space[node_id]
        return gone

    def unhide(self, gone: Mapping[ua.NodeId, Any]) -> None:
        """Put back what `hide` took out."""
        if self._server is not None:
            for node_id, node in gone.items():
                self._server.iserver.aspace[node_id] = node
                self._server.iserver.table.put_back(node_id)

    async def write(self, values: Mapping[Key, Value], at_unix_us: int) -> None:
        """Publish values.

        Nothing is published between the first and the last: a client sees all or none.

        Args:
            values: by (unit, signal).
            at_unix_us: their source timestamp, microseconds since 1970-01-01 UTC.
        """
        self._values.update(values)
        self._at_us = at_unix_us
        if self._server is None:
            return
        server, applied, watched = self._server.iserver, self._applied, self.alarms.watches
        if self.tamper.idle:
            places = [self._places[key] for key in values]
            await server.table.write_values(places, list(values.values()), at_unix_us)
            seen = {key: Seen(value) for key, value in values.items() if key in watched}
        else:
            seen = await self._write_tampered(values, at_unix_us)
        await self.alarms.follow(seen, at_unix_us)
        await self.jobs.follow(values, at_unix_us)
        await self.vision.follow(values, at_unix_us)
        source = instant(at_unix_us)
        for key in values:
            for follower, derived in applied.derived.get(key, ()):
                of = tuple(self._values[signal] for signal in derived.of)
                wire = derived.value(of, at_unix_us)
                held = wire_value(wire, applied.namespaces, source)
                # Not `Node.write_value`: six times the cost, for checks of what is known.
                await server.aspace.write_attribute_value(follower, ua.AttributeIds.Value, held)

    async def show(self, key: Key, shown: Shown) -> None:
        """Publish one value with a status of its own, as a recording has it."""
        if self._server is not None:
            server = self._server.iserver
            node_id, value_type = self._applied.variables[key]
            await write_shown(server.aspace, server.table, node_id, shown, value_type)

    async def _write_tampered(
        self, values: Mapping[Key, Value], at_unix_us: int
    ) -> dict[Key, Seen]:
        """Publish what faults make of values; what follows from a value stays true.

        Returns:
            What is shown of the signals that alarms are judged by.
        """
        assert self._server is not None  # noqa: S101 - the caller has looked
        server = self._server.iserver
        signals = {key: self._values[key] for key in self._applied.variables if key in self._values}
        seen: dict[Key, Seen] = {}
        for key, shown in self.tamper.shown(values, signals, at_unix_us):
            if key in self.alarms.watches:
                seen[key] = Seen(shown.value, getattr(ua.StatusCodes, shown.status))
            node_id, value_type = self._applied.variables[key]
            if node_id in server.aspace:
                await write_shown(server.aspace, server.table, node_id, shown, value_type)
        return seen

    async def stop(self) -> None:
        """Close every connection and stop listening; doing so twice is harmless."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()


def _zero(type_name: str) -> Value:
    return 0.0 if type_name == "Double" else 0

"""Emulated PLCs: OPC UA servers that publish a running plant, scan by scan.

Every PLC of a line shares one plant. A scan lets the plant run on to its clock's now, reads every
signal, and writes those that changed, with the plant's time as their source's.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from asyncua import Server, ua
from asyncua.server.address_space import AddressSpace

from opcua.address_space import PLC_SIGNALS, plan, plc_ids
from opcua.apply import AppliedPlan, Locale, apply, wire_value
from opcua.clock import Clock
from opcua.collection import no_collection
from opcua.command_nodes import bind_requests
from opcua.faults.control import bind_faults
from opcua.faults.show import write_shown
from opcua.faults.stand import FaultStand
from opcua.faults.tamper import Tamper
from opcua.faults.wire import Wire
from opcua.guarded_server import guarded_server, namespace_table
from opcua.naming import Naming
from opcua.packml_methods import bind_packml
from opcua.personality import GENERIC, Personality, dress, own_uri, say_make
from opcua.recorder import Recorder
from opcua.requests import Requests
from opcua.security import ServerSecurity, is_loopback
from opcua.setpoint_nodes import setpoint_specs
from opcua.structures import instant
from twin.engine.plant import Plant
from twin.errors import UsageError
from twin.model.line import Line
from twin.signals import Tag, Value, read_all, tags

__all__ = ["PlcServer", "Scan", "ServedLine", "serve_line"]

_log = logging.getLogger(__name__)
_VALUE = ua.AttributeIds.Value

Key = tuple[str, str]

_HOLD_LOOP_S = 0.02
_FIRST_SLICE_US = 1_000_000
_LAGS_FOR_GOOD = 10  # scans; catching up with the time that starting took is no news


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
        self.tamper = Tamper()
        self.wire = Wire(random.Random(f"{line.id}/{plc}"))
        self.namespace_shift = 0
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
        if make is not GENERIC:
            await say_make(server, make)
        own = {(self.plc, signal.name): _zero(signal.value_type.value) for signal in PLC_SIGNALS}
        settable = () if requests is None else tuple(setpoint_specs(self.line, self.plc))
        self._values = {**own, **values, **(requests.values if requests else {})}
        self._applied = apply(
            server.iserver.aspace,
            uri,
            namespaces,
            dress((*plan(self.line, self.plc), *settable), make, self.line),
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
        server, applied = self._server.iserver, self._applied
        if self.tamper.idle:
            places = [self._places[key] for key in values]
            await server.table.write_values(places, list(values.values()), at_unix_us)
        else:
            await self._write_tampered(values, at_unix_us)
        source = instant(at_unix_us)
        for key in values:
            for follower, derived in applied.derived.get(key, ()):
                of = tuple(self._values[signal] for signal in derived.of)
                wire = derived.value(of, at_unix_us)
                held = wire_value(wire, applied.namespaces, source)
                # Not `Node.write_value`: six times the cost, for checks of what is known.
                await server.aspace.write_attribute_value(follower, ua.AttributeIds.Value, held)

    async def _write_tampered(self, values: Mapping[Key, Value], at_unix_us: int) -> None:
        """Publish what faults make of values; what follows from a value stays true."""
        assert self._server is not None  # noqa: S101 - the caller has looked
        server = self._server.iserver
        signals = {key: self._values[key] for key in self._applied.variables if key in self._values}
        for key, shown in self.tamper.shown(values, signals, at_unix_us):
            node_id, value_type = self._applied.variables[key]
            if node_id in server.aspace:
                await write_shown(server.aspace, server.table, node_id, shown, value_type)

    async def stop(self) -> None:
        """Close every connection and stop listening; doing so twice is harmless."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()


def _zero(type_name: str) -> Value:
    return 0.0 if type_name == "Double" else 0


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scan did.

    Args:
        number: scans since the start, this one included.
        plant_us: engine time that the values are of.
        lag_us: engine time by which the plant is behind its clock.
        changed: values that were written.
        took_s: wall time.
    """

    number: int
    plant_us: int
    lag_us: int
    changed: int
    took_s: float


class ServedLine:
    """A line that is being served. Made by `serve_line`, which starts and stops its PLCs.

    Args:
        plant: what is published.
        clock: where the plant should be.
        plcs: its servers.
        scan_s: wall time from scan to scan, greater than 0.
        jitter_s: most by which a scan begins late, as a busy controller's do; not negative.
        seed: of that, and of faults.
        monotonic: the wall's steady clock, seconds.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        plant: Plant,
        clock: Clock,
        plcs: tuple[PlcServer, ...],
        scan_s: float = 0.5,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter_s: float = 0.0,
        seed: int = 1,
    ) -> None:
        if not scan_s > 0:
            raise UsageError(f"scan_s: must be greater than 0, got {scan_s}")
        if not 0 <= jitter_s < scan_s:
            raise UsageError(
                f"jitter_s: must be from 0 to less than the scan of {scan_s} s, got {jitter_s}"
            )
        self.plant = plant
        self.clock = clock
        self.plcs = plcs
        self.requests = Requests(plant)
        self.faults = FaultStand(self, seed)
        self.overruns = 0
        self._scan_s = scan_s
        self._jitter_s = jitter_s
        # The same delays every time: a run is to be had again.
        self._delays = random.Random(f"{seed}/{plant.line.id}")
        self._monotonic = monotonic
        self._sleep = sleep
        self._tags: tuple[Tag, ...] = tuple(tags(plant.line))
        self._values = self._read()
        self._scans = 0
        self._own: dict[str, Value] = {signal.name: 0 for signal in PLC_SIGNALS}
        self._last_took_s = 0.0
        self._slice_us = _FIRST_SLICE_US
        self._lagging_scans = 0

    @property
    def endpoints(self) -> dict[str, str]:
        """URL by PLC."""
        return {server.plc: server.url for server in self.plcs}

    @property
    def values(self) -> dict[Key, Value]:
        """What the plant showed at the last scan, by (unit, signal)."""
        return {tag.key: value for tag, value in zip(self._tags, self._values, strict=True)}

    def counters(self, plc: str) -> dict[Key, Value]:
        """What a PLC's counters showed at the last scan."""
        counting = {tag.key for tag in self._tags if tag.plc == plc and tag.signal.counter}
        return {key: value for key, value in self.values.items() if key in counting}

    async def start(self) -> None:
        """Start every PLC with the plant's present values; `serve_line` does it."""
        at = self.source_us
        for server in self.plcs:
            values = {
                tag.key: value
                for tag, value in zip(self._tags, self._values, strict=True)
                if tag.plc == server.plc
            }
            await server.start(values, at, self.requests)

    async def scan(self, within_s: float | None = None) -> Scan:
        """Let the plant run on to its clock's now and publish what changed.

        What clients have asked since the last scan has been carried out; what they ask during this
        one waits for its end.

        Args:
            within_s: wall time that the plant may take; where it needs more it lags behind, and
                source timestamps with it. None: as long as it takes.
        """
        async with self.requests.scanning():
            await self.faults.look()
            if self.faults.burden_s:
                await self._sleep(self.faults.burden_s)
            return await self._scan(within_s)

    async def _scan(self, within_s: float | None) -> Scan:
        began = self._monotonic()
        target = self.clock.now_us()
        await self._advance(target, within_s)
        fresh = self._read()
        source = self.source_us
        lag_us = max(0, target - self.plant.now_us)
        self._report_lag(lag_us)
        self._scans += 1
        changes: dict[str, dict[Key, Value]] = {server.plc: {} for server in self.plcs}
        changed = 0
        for tag, old, new in zip(self._tags, self._values, fresh, strict=True):
            if new != old and tag.plc in changes:
                changes[tag.plc][tag.key] = new
                changed += 1
        self._values = fresh
        own: dict[str, Value] = {
            "scan_time_s": self._last_took_s,
            "scan_overruns": self.overruns,
            "plant_lag_s": lag_us / 1e6,
            "heartbeat": self._scans,
        }
        said = {name: value for name, value in own.items() if value != self._own[name]}
        self._own = own
        for server in self.plcs:
            plc = server.plc
            about = {(plc, name): value for name, value in said.items()}
            await server.write({**changes[plc], **about}, source)
            # Writing never yields by itself, and publishing would starve.
            await asyncio.sleep(0)
        self._last_took_s = self._monotonic() - began
        return Scan(self._scans, self.plant.now_us, lag_us, changed, self._last_took_s)

    async def run(self) -> None:
        """Scan for ever, every `scan_s`. Scans that are missed are left out and counted."""
        due = self._monotonic()
        while True:
            await self.scan(within_s=self._scan_s)
            due += self._scan_s
            late = self._monotonic() - due
            if late > 0:
                missed = int(late / self._scan_s) + 1
                self.overruns += missed
                due += missed * self._scan_s
            late_s = self._jitter_s * self._delays.random()
            await self._sleep(max(0.0, due + late_s - self._monotonic()))

    def _read(self) -> list[Value]:
        return read_all(self._tags, self.plant.status())

    @property
    def source_us(self) -> int:
        """The plant's present, microseconds since 1970-01-01 UTC."""
        return self.clock.epoch_unix_us + self.plant.now_us

    def _report_lag(self, lag_us: int) -> None:
        if lag_us > 0:
            self._lagging_scans += 1
            if self._lagging_scans == _LAGS_FOR_GOOD:
                _log.warning("%s: the plant can't keep up with its clock", self.plant.line.id)
            return
        if self._lagging_scans >= _LAGS_FOR_GOOD:
            _log.info("%s: the plant is level with its clock again", self.plant.line.id)
        self._lagging_scans = 0

    async def _advance(self, target_us: int, within_s: float | None) -> None:
        """Run the plant in slices that hold the loop for about `_HOLD_LOOP_S` each."""
        ends = None if within_s is None else self._monotonic() + within_s
        while self.plant.now_us < target_us:
            began = self._monotonic()
            if ends is not None and began >= ends:
                return
            self.plant.advance(min(target_us, self.plant.now_us + self._slice_us))
            took = self._monotonic() - began
            if took > _HOLD_LOOP_S:
                self._slice_us = max(1000, self._slice_us // 2)
            elif took < _HOLD_LOOP_S / 4:
                self._slice_us *= 2
            await asyncio.sleep(0)


def _bind_faults(plc: str, stand: FaultStand, space: AddressSpace, naming: Naming) -> None:
    bind_faults(space, naming, plc, stand)


@asynccontextmanager
async def serve_line(
    plant: Plant,
    clock: Clock,
    security: ServerSecurity | None,
    *,
    plcs: Collection[str] | None = None,
    host: str = "127.0.0.1",
    ports: Mapping[str, int] | None = None,
    scan_s: float = 0.5,
    jitter_s: float = 0.0,
    monotonic: Callable[[], float] = time.monotonic,
    locale: Locale = "en",
    seed: int = 1,
    test_methods: bool = False,
    recorder: Recorder | None = None,
    personality: Personality = GENERIC,
) -> AsyncIterator[ServedLine]:
    """Serve a line's PLCs for as long as the context lasts. `ServedLine.run` keeps it going.

    Args:
        plant: what is published, at some instant not after its clock's now.
        clock: where the plant should be.
        security: whom to let in (`opcua.security.server_security`); None: everybody, unencrypted,
            on a loopback address only.
        plcs: ids of the PLCs to serve; None for all. With the same plant and seed, several
            processes can serve a PLC each.
        host: address to listen on.
        ports: port by PLC; absent: the line file's, 0 for any free one.
        scan_s: wall time from scan to scan, greater than 0.
        jitter_s: most by which a scan begins late.
        monotonic: the wall's steady clock, seconds; in virtual time the loop's.
        locale: language of descriptions.
        seed: of jitter and of faults.
        test_methods: whether clients can switch faults by methods of each PLC.
        recorder: writes down what clients do; None: nobody does.
        personality: the make of PLC to be like (`opcua.personality`).

    Yields:
        The line, with every PLC listening.

    Raises:
        UsageError: an unknown PLC, a port in use, no encryption on an address others can reach.

    Example:
        async with serve_line(plant, WallClock.of_this_week("UTC"), server_security(pki)) as served:
            print(served.endpoints)
            await served.run()
    """
    line = plant.line
    known = plc_ids(line)
    wanted = known if plcs is None else tuple(plc for plc in known if plc in plcs)
    if plcs is not None and (unknown := sorted(set(plcs) - set(known))):
        raise UsageError(f"plcs: must be of {', '.join(known)}, got {', '.join(unknown)}")
    file_ports = {plc.id: plc.port for plc in line.plcs}
    chosen = {**file_ports, **(ports or {})}
    servers = tuple(
        PlcServer(line, plc, security, host, chosen.get(plc, 0), locale, personality)
        for plc in wanted
    )
    served = ServedLine(plant, clock, servers, scan_s, monotonic, jitter_s=jitter_s, seed=seed)
    async with AsyncExitStack() as stack:
        for server in servers:
            server.recorder = recorder
            if test_methods:
                server.fault_methods = partial(_bind_faults, server.plc, served.faults)
            stack.push_async_callback(server.stop)
        with no_collection():
            await served.start()
        yield served

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

from asyncua.server.address_space import AddressSpace

from opcua.address_space import PLC_SIGNALS, plc_ids
from opcua.apply import Locale
from opcua.clock import Clock
from opcua.collection import no_collection
from opcua.faults.control import bind_faults
from opcua.faults.stand import FaultStand
from opcua.naming import Naming
from opcua.personality import GENERIC, Personality
from opcua.plc_server import Key, PlcServer
from opcua.recorder import Recorder
from opcua.requests import Requests
from opcua.security import ServerSecurity
from twin.engine.plant import Plant
from twin.errors import UsageError
from twin.signals import Tag, Value, read_all, tags

__all__ = ["Scan", "ServedLine", "serve_line"]

_log = logging.getLogger(__name__)

_HOLD_LOOP_S = 0.02
_FIRST_SLICE_US = 1_000_000
_LAGS_FOR_GOOD = 10  # scans; catching up with the time that starting took is no news


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

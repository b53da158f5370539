"""pytest fixtures: a PLC for each test, fresh, in a process of its own, that can be broken.

    def test_my_client(plc):
        client = MyClient(plc.url)
        plc.station("CUT", 1).abort(17)
        plc.assert_eventually(lambda: client.alarm == 17)

`docs/how-to/test-a-client.md` has a complete example.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Client
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from opcua.recorder import ClientAction
    from twin.model.line import Line

__all__ = ["Plc", "PlcUnit"]

_START_S, _STOP_S = 60.0, 10.0
CAN_FORK = sys.platform == "linux"


class PlcUnit:
    """One machine of a test's line."""

    def __init__(self, plc: Plc, unit: str) -> None:
        self._plc = plc
        self.unit = unit

    def command(self, name: str, reason: int = 0) -> None:
        """Tell it something, as `Hold`; `CommandRefused` where it does not take it."""
        from twin.model.packml_table import Command  # noqa: PLC0415 -- pytest starts without it

        self._plc.ask("command", self.unit, Command[name.upper()], reason)

    def abort(self, code: int = 0) -> None:
        """Abort it, with a stop reason."""
        self.command("abort", code)

    def stop(self, code: int = 0) -> None:
        """Stop it, with a stop reason."""
        self.command("stop", code)

    def hold(self, code: int = 0) -> None:
        """Hold it, with a stop reason."""
        self.command("hold", code)

    def value(self, signal: str) -> Any:
        """What one of its signals truly is, as `good`, whatever faults make of it."""
        return self._plc.value(self.unit, signal)

    @property
    def state(self) -> str:
        """Its PackML state, as `EXECUTE`."""
        from twin.model.packml import State  # noqa: PLC0415

        return State(self.value("state_current")).name

    def set(self, setpoint: str, value: float) -> None:
        """Set something of it, as `cycle_time_factor`."""
        self._plc.ask("set", self.unit, setpoint, value)


class Plc:
    """The PLCs of one line, in a process of their own.

    Args:
        connection: to the process.
        endpoints: URL by PLC.
        line: what they are of.
        process: to be waited for at the end; None where a template sees to it.
    """

    def __init__(
        self,
        connection: Any,
        endpoints: dict[str, str],
        line: Line,
        process: subprocess.Popen[bytes] | None,
    ) -> None:
        self._connection = connection
        self._process = process
        self.endpoints = endpoints
        self.line = line

    @property
    def url(self) -> str:
        """Where the first PLC listens."""
        return next(iter(self.endpoints.values()))

    @property
    def pid(self) -> int:
        """The process."""
        pid: int = self.ask("pid")
        return pid

    def ask(self, name: str, *args: Any) -> Any:
        """Ask the process something; what it raises is raised here."""
        self._connection.send((name, args))
        well, said = self._connection.recv()
        if not well:
            raise said
        return said

    def advance(self, seconds: float) -> float:
        """Let plant time pass at once, scan by scan; returns the plant's time, seconds."""
        now_s: float = self.ask("advance", seconds)
        return now_s

    def fault(self, kind: str, **words: Any) -> int:
        """Begin a fault.

        Args:
            kind: as in `docs/reference/faults.md`.
            words: what it is told, and `after`, `when`, `units`, `signals`, `plcs`; `lasts` is
                the script's `for`, which Python does not allow. Times are `30 s`, or seconds.

        Returns:
            Its number, for `end_fault`.
        """
        said = {"fault": kind, **words}
        if "lasts" in said:
            said["for"] = said.pop("lasts")
        for name in ("after", "for"):
            if isinstance(said.get(name), int | float):
                said[name] = f"{said[name]} s"
        number: int = self.ask("begin", said)
        return number

    def end_fault(self, number: int) -> None:
        """End a fault."""
        self.ask("end", number)

    def clear_faults(self) -> None:
        """End every fault."""
        self.ask("clear")

    @property
    def faults(self) -> dict[int, str]:
        """The faults that have begun: kind by number."""
        active: dict[int, str] = self.ask("active")
        return active

    def station(self, station: str, machine: int = 1) -> PlcUnit:
        """A machine of a station, counted from 1."""
        return PlcUnit(self, self.line.station_by_id[station].machine_id(machine - 1))

    def value(self, unit: str, signal: str) -> Any:
        """What a signal truly is, whatever faults make of it."""
        return self.ask("values")[unit, signal]

    def pause(self) -> None:
        """Let the plant stand."""
        self.ask("set_clock", None, True)

    def resume(self) -> None:
        """Let it go on."""
        self.ask("set_clock", None, False)

    def set_speed(self, speed: float) -> None:
        """Let it run so many times as fast as life."""
        self.ask("set_clock", speed, None)

    def actions(self, kind: str = "", node: str = "") -> list[ClientAction]:
        """What clients did, the oldest first.

        Args:
            kind: only `read`, `write`, `call`, `browse`, `subscribe`, `monitor`, `connect`, ...
            node: only on nodes whose id ends so.
        """
        from opcua.recorder import ClientAction  # noqa: PLC0415

        all_actions = (ClientAction(**words) for words in self.ask("actions"))
        return [
            one for one in all_actions if (not kind or one.kind == kind) and one.node.endswith(node)
        ]

    def forget_actions(self) -> None:
        """Begin the record anew."""
        self.ask("forget_actions")

    def assert_eventually(
        self, holds: Callable[[], Any], within_s: float = 10.0, every_s: float = 0.02
    ) -> Any:
        """Wait until something holds, or fail.

        In an async test say `await plc.assert_eventually(...)`: the test's loop goes on meanwhile.

        Args:
            holds: what must come to be true; what it raises by `assert` counts as not yet.
            within_s: longest wait.
            every_s: time from look to look.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return _wait_for(holds, within_s, every_s)
        return _await_for(holds, within_s, every_s)

    def close(self) -> None:
        """End the process, and wait until it has let go of its sockets."""
        if self._connection.closed:
            return
        # Half a goodbye: it ends its sessions, closes its side, and then there is nothing to read.
        pid = None
        with suppress(OSError, EOFError):
            pid = self.pid
        self._connection.close()
        if self._process is not None:
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
        elif pid is not None:
            _wait_until_gone(pid)


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + _STOP_S
    while _is_there(pid):
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
            return
        time.sleep(0.002)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _yet(holds: Callable[[], Any]) -> tuple[bool, AssertionError | None]:
    try:
        return bool(holds()), None
    except AssertionError as error:
        return False, error


def _wait_for(holds: Callable[[], Any], within_s: float, every_s: float) -> None:
    deadline = time.monotonic() + within_s
    while True:
        well, error = _yet(holds)
        if well:
            return
        if time.monotonic() > deadline:
            raise error or AssertionError(f"did not come to hold within {within_s:g} s")
        time.sleep(every_s)


async def _await_for(holds: Callable[[], Any], within_s: float, every_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        well, error = _yet(holds)
        if well:
            return
        if loop.time() > deadline:
            raise error or AssertionError(f"did not come to hold within {within_s:g} s")
        await asyncio.sleep(every_s)


class _Template:
    """The process that PLCs are forked from; where there is no fork, one process a PLC."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self, options: Any) -> Plc:
        """Start the PLCs of a line."""
        process = None
        if CAN_FORK:
            if self._process is None or self._process.poll() is not None:
                self._process, self._port = self._begin()
            port = self._port
        else:
            process, port = self._begin("--once")
        connection = Client(("127.0.0.1", port), authkey=self._key)
        connection.send(options)
        if not connection.poll(_START_S):
            connection.close()
            raise TimeoutError(f"the PLC did not start within {_START_S:g} s")
        well, said = connection.recv()
        if not well:
            connection.close()
            raise said
        return Plc(connection, said, options.line, process)

    def _begin(self, *args: str) -> tuple[subprocess.Popen[bytes], int]:
        process = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", "opcua.plc_process", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None  # noqa: S101 - asked for above
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(self._key.hex().encode() + b"\n")
        process.stdin.flush()
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the PLCs' template ended with exit code {process.wait()}")
        return process, int(said)

    def close(self) -> None:
        """End the template."""
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            process.wait(_STOP_S)


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest the marks."""
    config.addinivalue_line(
        "markers",
        "plc(line=..., seed=1, scan_s=0.1, speed=1.0, pki=None, plcs=None, personality='generic'): "
        "what the fixture plc serves; a line is a file, the name of a packaged line, or a Line",
    )
    config.addinivalue_line(
        "markers",
        "under_faults(*faults): run the test once under each fault; a fault is its name, or a "
        "mapping as in a script",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that is marked so under each fault."""
    mark = metafunc.definition.get_closest_marker("under_faults")
    if mark is None:
        return
    if "plc_fault" not in metafunc.fixturenames:
        metafunc.fixturenames.append("plc_fault")
    names = [fault if isinstance(fault, str) else fault["fault"] for fault in mark.args]
    metafunc.parametrize("plc_fault", mark.args, ids=names, indirect=True)


@pytest.fixture(scope="session")
def _plc_template() -> Iterator[_Template]:
    template = _Template()
    yield template
    template.close()


@pytest.fixture
def plc_line(
    request: pytest.FixtureRequest, _plc_template: _Template
) -> Iterator[Callable[..., Plc]]:
    """Make PLCs of any line: `plc_line("tube_line", seed=3)`; they end with the test."""
    made: list[Plc] = []

    def make(line: Any = None, **more: Any) -> Plc:
        from lines.loader import load  # noqa: PLC0415 -- pytest starts without it
        from opcua.plc_process import PlcOptions  # noqa: PLC0415

        if "manual_clock" in request.fixturenames:
            more.setdefault("speed", None)
        if isinstance(line, str | Path):
            line = load(line)
        options = PlcOptions(**more) if line is None else PlcOptions(line, **more)
        made.append(_plc_template.start(options))
        return made[-1]

    request.node._linetwin_plcs = made  # noqa: SLF001 -- manual_clock finds them there
    yield make
    for one in made:
        one.close()


@pytest.fixture
def plc_fault(request: pytest.FixtureRequest) -> Any:
    """The fault that this run of the test is under; None where it is under none."""
    return getattr(request, "param", None)


@pytest.fixture
def plc(request: pytest.FixtureRequest, plc_line: Callable[..., Plc], plc_fault: Any) -> Plc:
    """A fresh PLC, in a process of its own, on a free port; the mark `plc` says of what."""
    mark = request.node.get_closest_marker("plc")
    made = plc_line(*(mark.args if mark else ()), **(mark.kwargs if mark else {}))
    if plc_fault is not None:
        words = {"fault": plc_fault} if isinstance(plc_fault, str) else dict(plc_fault)
        made.fault(words.pop("fault"), **words)
    return made


class _ManualClock:
    """The clock of a test's plants, which is moved by hand."""

    def __init__(self, plcs: Callable[[], list[Plc]]) -> None:
        self._plcs = plcs

    def advance(self, seconds: float) -> None:
        """Let plant time pass at every PLC of the test."""
        for plc in self._plcs():
            plc.advance(seconds)


@pytest.fixture
def manual_clock(request: pytest.FixtureRequest) -> _ManualClock:
    """Let the plants of this test stand until they are advanced."""
    return _ManualClock(lambda: getattr(request.node, "_linetwin_plcs", []))

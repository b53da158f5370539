"""`twin plc` with `--anonymous` and `--limit`, over the wire: a line, a recording, load nodes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asyncua import ua

from opcua.connect import AccessRefused, close, connect
from opcua.security import ClientSecurity, client_security
from twin.errors import NotConnected

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")

SERVES = {
    "line": ("l1.yaml", "--port", "PLC=0"),
    "replay": ("l1.yaml", "--port", "PLC=0", "--replay", "points.csv"),
    "own": ("--fast", "5@1s"),
}
POINTS = "at,line,unit,signal,value\n2026-01-05T00:00:00Z,L1,A01,processed,10\n"


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    (folder / "l1.yaml").write_text("id: L1\nstations: [{id: A, cycle_time: 1 s}]\n")
    (folder / "points.csv").write_text(POINTS)
    command = [str(Path(sys.executable).with_name("twin")), "plc", *options]
    command += ["--json", "--data", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        try:
            said = (json.loads(line) for line in process.stdout)
            event = next(each for each in said if each["event"] == "listening")
            (url,) = event["endpoints"].values()
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


def nobody(folder: Path) -> ClientSecurity:
    return replace(client_security(folder / "pki"), user="", password="")


@pytest.mark.parametrize("served", SERVES)
def test_who_has_no_name_looks_and_has_no_more_than_is_allowed(tmp_path, served) -> None:
    allowed = ("sessions=2", "subscriptions=1", "monitored-items=3", "message-bytes=20000")
    options = [word for each in allowed for word in ("--limit", each)]

    async def body(url: str) -> None:
        one, two = [await connect(url, nobody(tmp_path)) for _ in range(2)]
        try:
            with pytest.raises(NotConnected, match="BadTooManySessions"):
                await connect(url, nobody(tmp_path))
            of = ua.ObjectIds.Server_ServerCapabilities_MaxMonitoredItems
            assert await one.get_node(of).read_value() == 3
            first = await one.create_subscription(1000, None)
            with pytest.raises(ua.uaerrors.BadTooManySubscriptions):
                await one.create_subscription(1000, None)
            status = one.get_node(ua.ObjectIds.Server_ServerStatus_State)
            for _ in range(3):
                await first.subscribe_data_change(status)
            with pytest.raises(ua.uaerrors.BadTooManyMonitoredItems):
                await first.subscribe_data_change(status)
            limits = two.uaclient.protocol._connection._limits
            limits.max_message_size = limits.max_chunk_count = 0
            with pytest.raises((ua.UaError, ConnectionError, TimeoutError, asyncio.CancelledError)):
                await two.get_node(status.nodeid).write_value("x" * 30_000)
            assert await status.read_value() == 0
        finally:
            await close(one)
            await close(two)

    with serving(tmp_path, *SERVES[served], "--anonymous", "observe", *options) as url:
        asyncio.run(body(url))


def test_nobody_comes_without_a_name_unless_it_is_asked_for(tmp_path) -> None:
    with serving(tmp_path, *SERVES["own"]) as url, pytest.raises(AccessRefused):
        asyncio.run(connect(url, nobody(tmp_path)))

"""Every client whose toolchain is here does with an emulated PLC what a client does: a table.

    python tests/interop/run.py [CLIENT ...]

Basic256Sha256, signed and encrypted, user and password; a fresh PLC for each client.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from checks import STEPS, failures  # noqa: E402 -- of this folder

from opcua.clock import WallClock  # noqa: E402
from opcua.emulated_plc import serve_line  # noqa: E402
from opcua.security import make_pki, server_security  # noqa: E402
from twin.engine.plant import SimulatedPlant  # noqa: E402
from twin.model import Line, Station  # noqa: E402

LINE = Line(id="L1", stations=(Station(id="A", cycle_time="100 ms"),))
WITHIN_S = 120.0
BUILT = HERE / "built"


class Missing(Exception):
    """Why a client can't be run here."""


@dataclass(frozen=True)
class Client:
    """A client that nobody here wrote.

    Args:
        name: its own, with its language.
        command: builds its program, and gives the command that runs it.
    """

    name: str
    command: Callable[[], list[str]]


def needs(tool: str) -> str:
    found = shutil.which(tool)
    if found is None:
        raise Missing(f"{tool} is not installed")
    return found


def built(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise Missing(f"{' '.join(command[:3])} failed: " + "\n".join(said))


def node_opcua() -> list[str]:
    node = needs("node")
    if not (HERE / "node_modules" / "node-opcua-client").is_dir():
        raise Missing("node-opcua-client is not installed: npm ci in tests/interop")
    return [node, str(HERE / "plc.mjs")]


def gopcua() -> list[str]:
    BUILT.mkdir(exist_ok=True)
    program = BUILT / "gopcua-client"
    built(needs("go"), "build", "-o", str(program), ".", cwd=HERE / "go")
    return [str(program), "plc"]


def milo() -> list[str]:
    java, jar = needs("java"), HERE / "java" / "target" / "interop.jar"
    built(needs("mvn"), "--batch-mode", "--quiet", "package", cwd=HERE / "java")
    return [java, "-jar", str(jar)]


def asyncua() -> list[str]:
    return [sys.executable, str(HERE / "asyncua_client.py")]


CLIENTS = {
    "node-opcua": Client("node-opcua (JavaScript)", node_opcua),
    "gopcua": Client("gopcua (Go)", gopcua),
    "milo": Client("Eclipse Milo (Java)", milo),
    "asyncua": Client("asyncua (Python)", asyncua),
}


async def saw(command: list[str], pki: Path) -> dict[str, object]:
    """What a client says that it saw of a fresh PLC."""
    clock = WallClock(time.time_ns() // 1000)
    async with serve_line(SimulatedPlant(LINE), clock, server_security(pki), scan_s=0.05) as served:
        scanning = asyncio.create_task(served.run())
        (url,) = served.endpoints.values()
        client = await asyncio.create_subprocess_exec(
            *command, url, str(pki), "L1", "A", "A01",
            cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(WITHIN_S):
                out, err = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
            scanning.cancel()
            await asyncio.gather(scanning, return_exceptions=True)
    if client.returncode:
        raise RuntimeError(err.decode()[-1500:] or f"ended with exit code {client.returncode}")
    seen: dict[str, object] = json.loads(out.decode().strip().splitlines()[-1])
    return seen


def main() -> int:
    """Run them; 1 where one that can be run has seen something else."""
    chosen = sys.argv[1:] or list(CLIENTS)
    if unknown := set(chosen) - set(CLIENTS):
        sys.stderr.write(f"must be of {', '.join(CLIENTS)}, got {', '.join(sorted(unknown))}\n")
        return 2
    table = Table("client", "connect", *STEPS, "took")
    why: list[str] = []
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        pki = Path(folder) / "pki"
        make_pki(pki)
        for name in chosen:
            client = CLIENTS[name]
            try:
                command = client.command()
                began = time.perf_counter()
                found = failures(asyncio.run(saw(command, pki)))
            except Missing as reason:
                table.add_row(client.name, "skipped")
                why.append(f"{client.name}: {reason}")
                continue
            except (RuntimeError, TimeoutError, json.JSONDecodeError) as error:
                table.add_row(client.name, "failed")
                why.append(f"{client.name}: {type(error).__name__}: {error}")
                failed = True
                continue
            took = f"{time.perf_counter() - began:.1f} s"
            marks = ("failed" if step in found else "yes" for step in STEPS)
            table.add_row(client.name, "yes", *marks, took)
            why += [f"{client.name}, {step}: {said}" for step, said in found.items()]
            failed = failed or bool(found)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    for line in why:
        sys.stdout.write(line + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

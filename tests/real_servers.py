"""Real database servers, started for a test on a free port and a directory of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from twin.historian.influx import InfluxAddress

__all__ = ["Influxd", "VictoriaMetrics", "program"]

DEADLINE_S = 60.0
BESIDE = Path(sys.prefix) / "servers" / "usr" / "bin"
"""Where `tools/get_servers.sh` puts them."""

ORG = "linetwin"


def program(name: str) -> str | None:
    """Find a server's program; None where it can't be had (`make test` fetches it on Debian)."""
    beside = BESIDE / name
    return shutil.which(name) or (str(beside) if beside.exists() else None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A server process that can be killed and started again where it was."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                cwd=self.directory,
            )
        deadline = time.monotonic() + DEADLINE_S
        while not self.answers():
            assert self.process.poll() is None, (self.directory / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=5) as answer:  # noqa: S310
                return 200 <= answer.status < 300
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Influxd(Server):
    """InfluxDB: the `influxd` that is there, of version 1 or 2."""

    with_users: bool = False
    token: str = ""

    def version(self) -> tuple[int, ...]:
        said = subprocess.run(
            [self.program(), "version"], capture_output=True, text=True, check=True
        ).stdout
        found = re.search(r"v?(\d+)\.(\d+)", said)
        assert found, said
        return int(found[1]), int(found[2])

    @staticmethod
    def program() -> str:
        found = program("influxd")
        assert found
        return found

    def command(self) -> list[str]:
        if self.version() < (2, 0):
            (self.directory / "influxdb.conf").write_text(
                f"""
                reporting-enabled = false
                bind-address = "127.0.0.1:0"
                [meta]
                dir = "{self.directory}/meta"
                [data]
                dir = "{self.directory}/data"
                wal-dir = "{self.directory}/wal"
                [http]
                bind-address = "127.0.0.1:{self.port}"
                log-enabled = false
                auth-enabled = {str(self.with_users).lower()}
                [monitor]
                store-enabled = false
                [continuous_queries]
                enabled = false
                """
            )
            return [self.program(), "-config", str(self.directory / "influxdb.conf")]
        return [
            self.program(),
            f"--http-bind-address=127.0.0.1:{self.port}",
            f"--bolt-path={self.directory}/influxd.bolt",
            f"--sqlite-path={self.directory}/influxd.sqlite",
            f"--engine-path={self.directory}/engine",
            "--reporting-disabled",
        ]

    def start(self) -> None:
        super().start()
        if self.token:
            return
        if self.version() >= (2, 0):
            self.token = self._onboard()
        elif self.with_users:
            order = "CREATE USER admin WITH PASSWORD 'secret-of-1' WITH ALL PRIVILEGES"
            self._post("/query", f"q={order}".encode(), "application/x-www-form-urlencoded")
            self.token = "admin:secret-of-1"  # noqa: S105

    def _onboard(self) -> str:
        order = {"username": "admin", "password": "secret-of-2", "org": ORG, "bucket": "first"}
        body = self._post("/api/v2/setup", json.dumps(order).encode(), "application/json")
        return str(json.loads(body)["auth"]["token"])

    def _post(self, path: str, body: bytes, kind: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310
            self.url + path, body, {"Content-Type": kind}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return bytes(answer.read())

    def address(self, database: str = "linetwin", **more: object) -> InfluxAddress:
        """Name a database of it."""
        return InfluxAddress(self.url, database, org=ORG, token=self.token, **more)  # type: ignore[arg-type]


@dataclass
class VictoriaMetrics(Server):
    """VictoriaMetrics: takes influxdb-client's writes to `/api/v2/write`; answers no InfluxQL."""

    def command(self) -> list[str]:
        found = program("victoria-metrics")
        assert found
        return [
            found,
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.directory}/data",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-search.disableCache",
        ]

    def export(self, match: str) -> list[dict[str, object]]:
        """Return what is stored, a series each: its name and tags, values and times in ms."""
        with urllib.request.urlopen(f"{self.url}/internal/force_flush", timeout=20):  # noqa: S310
            pass
        question = urllib.parse.urlencode({"match[]": match})
        url = f"{self.url}/api/v1/export?{question}"
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310
            return [json.loads(line) for line in answer.read().splitlines()]

"""The compose file without an engine: its form, its rules, and each of our commands run by hand."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import compose_spec
import pytest
from real_servers import Influxd
from ruamel.yaml import YAML

from twin.historian.influx_store import InfluxHistorian
from twin.historian.port import Query, Series

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
BIN = Path(sys.executable).parent
DEADLINE_S = 120.0
OURS = ("first-start", "influxdb-setup", "plcs-storage", "plcs-tube", "twin")
ONCE = ("first-start", "influxdb-setup")
SECRETS = ("influx_token", "influx_password", "grafana_password")


def compose() -> dict[str, Any]:
    return YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))


SERVICES: dict[str, dict[str, Any]] = compose()["services"]


def interpolated(content: dict[str, Any]) -> str:
    return re.sub(r"\$\{\w+:-(\d+)\}", r"\1", json.dumps(content))


def test_it_is_of_the_compose_specifications_form() -> None:
    # Merge keys and variables are put in first, as compose itself does.
    read = compose_spec.PyCompose.from_json(interpolated(compose()))
    assert set(read.services) == set(SERVICES)
    broken = compose()
    broken["services"]["twin"]["restart"] = "perhaps"
    with pytest.raises(ValueError, match="unknown variant `perhaps`"):
        compose_spec.PyCompose.from_json(interpolated(broken))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_confined_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", service["image"]), "a version, no latest"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+:\d+", service["user"])
    if name != "first-start":
        assert not service["user"].startswith("0:")
        assert "cap_add" not in service
    else:
        assert service["network_mode"] == "none", "root, and so without a network"
    if name in ONCE:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    for needed, how in service.get("depends_on", {}).items():
        once = "service_completed_successfully"
        assert how["condition"] == (once if needed in ONCE else "service_healthy")
    assert not {"privileged", "pid", "ipc", "devices"} & set(service)


def test_no_port_is_open_beyond_loopback_and_no_secret_is_in_the_file() -> None:
    text = FILE.read_text(encoding="utf-8")
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")
        for name, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN", name):
                assert value.startswith("/run/secrets/"), name
    assert not re.search(r"[0-9a-f]{32}", text)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/secrets/" in ignored


def test_volumes_are_named_and_what_is_mounted_is_there() -> None:
    named = set(compose()["volumes"])
    used: set[str] = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source, target, *_ = volume.split(":")
            assert target.startswith("/")
            if source.startswith("./"):
                assert source == "./secrets" or (ROOT / source).is_dir(), volume
            else:
                used.add(source)
    assert used == named


def test_the_dockerfile_by_a_linter() -> None:
    done = subprocess.run(
        [BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_dockerfile_copies_what_is_there_and_ends_without_rights() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("FROM ") == 2, "what builds is not what runs"
    _, _, last = text.rpartition("FROM ")
    assert "\nUSER 10001:10001\n" in last
    assert SERVICES["twin"]["user"] == "10001:10001"
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for copied in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", text, flags=re.MULTILINE):
        for source in copied.split():
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in ignored, source
    assert "*" in ignored, "nothing else goes into the image: no secrets, no history"


@pytest.mark.parametrize("script", sorted([*ROOT.glob("docker/*.sh"), *ROOT.glob("tools/*.sh")]))
def test_scripts_by_a_linter(script: Path) -> None:
    done = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def first_start(directory: Path, *group: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / "docker/first-start.sh", directory, *group],
        capture_output=True,
        text=True,
        check=False,
    )


def test_secrets_are_made_once_and_are_nobody_elses(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    done = first_start(directory)
    assert (done.returncode, done.stderr) == (0, "")
    made = {path.name: path.read_text() for path in directory.iterdir()}
    assert set(made) == set(SECRETS)
    assert len(set(made.values())) == len(made)
    for name, secret in made.items():
        assert re.fullmatch("[0-9a-f]{64}", secret)
        assert secret not in done.stdout
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
    again = first_start(directory)
    assert again.returncode == 0
    assert {path.name: path.read_text() for path in directory.iterdir()} == made
    assert again.stdout.count("is there") == 3


def test_a_secret_that_was_half_made_is_made_anew(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    first_start(directory)
    (directory / "influx_token").write_text("")
    (directory / "influx_token.part").write_text("abc")
    assert first_start(directory).returncode == 0
    assert len((directory / "influx_token").read_text()) == 64
    assert not list(directory.glob("*.part"))


def test_a_group_may_read_them_and_others_not(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    group = os.getgroups()[0] if os.getgroups() else os.getgid()
    assert first_start(directory, str(group)).returncode == 0
    assert stat.S_IMODE(directory.stat().st_mode) == 0o750
    for name in SECRETS:
        path = directory / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o440
        assert path.stat().st_gid == group


class ByHand:
    """The services' commands in processes of this machine, with paths and addresses put in."""

    def __init__(self, server: Influxd, directory: Path) -> None:
        self.server, self.directory = server, directory
        self.data, self.secrets = directory / "data", directory / "secrets"
        self.data.mkdir()

    def here(self, text: str) -> str:
        text = text.replace("$$", "$").replace("http://influxdb:8086", self.server.url)
        text = text.replace("/run/secrets", str(self.secrets))
        return re.sub(r"/data\b", str(self.data), text)

    def environment(self, name: str) -> dict[str, str]:
        given = SERVICES[name].get("environment", {})
        return dict(os.environ) | {key: self.here(value) for key, value in given.items()}

    def command(self, name: str) -> list[str]:
        service = SERVICES[name]
        if service.get("entrypoint") == ["first-start"]:
            group = os.getgroups()[0] if os.getgroups() else os.getgid()
            (where, _) = service["command"]
            return ["sh", str(ROOT / "docker/first-start.sh"), self.here(where), str(group)]
        return [str(BIN / "twin"), *(self.here(word) for word in service["command"])]

    def once(self, name: str) -> str:
        done = subprocess.run(
            self.command(name),
            env=self.environment(name),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        log = self.directory / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self.command(name),
                env=self.environment(name),
                cwd=self.directory,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        try:
            self.until(lambda: self.healthy(name), f"{name} is not healthy", log, process)
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) in {0, 130}, log.read_text()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def healthy(self, name: str) -> bool:
        how, *words = SERVICES[name]["healthcheck"]["test"]
        words = [self.here(word) for word in words]
        words = ["sh", "-c", *words] if how == "CMD-SHELL" else words
        words = [sys.executable if word == "python" else word for word in words]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    @staticmethod
    def until(holds, what: str, log: Path, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"{what}: {log.read_text()}"
            time.sleep(0.2)


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("fixed_ports")
def test_the_services_commands_make_a_plant_with_filled_boards(own_influxd, tmp_path) -> None:
    hand = ByHand(own_influxd, tmp_path)
    assert "is made" in hand.once("first-start")
    # The InfluxDB here is another version than the composed one, and knows no token.
    (hand.secrets / "influx_token").chmod(0o600)
    (hand.secrets / "influx_token").write_text(own_influxd.token or "of:nobody")
    made = hand.once("influxdb-setup")
    assert "linetwin: kept for 30 days, made" in made
    with ExitStack() as stack:
        for name in ("plcs-storage", "plcs-tube", "twin"):
            stack.enter_context(hand.running(name))
        with closing(InfluxHistorian(own_influxd.address("linetwin"))) as store:
            steady = {("", "energy_kwh"), ("AVI", "execute_s"), ("STK", "execute_s")}
            deadline = time.monotonic() + DEADLINE_S
            while True:
                last = store.last(Query())
                series = last.series
                found = {(one.unit, one.signal) for one in series}
                lines = {one.line for one in series if one.signal == "state_current"}
                value = dict(zip(series, last.value[last.series_index.argsort()], strict=True))
                stands = value.get(Series("TUBE1", "AVI", "planned_stop_s"), 0.0) > 0
                # The plants run by the clock on the wall: nothing is produced during a hand-over.
                wanted = steady | ({("AVI", "quality_ratio")} if not stands else set())
                if lines == {"LDES1", "TUBE1"} and wanted <= found:
                    break
                assert time.monotonic() < deadline, sorted(wanted - found)
                time.sleep(0.5)
    log = (tmp_path / "twin.log").read_text()
    assert "Traceback" not in log
    assert "points stored in" in log


def test_every_own_service_is_run_by_hand() -> None:
    own = {name for name, service in SERVICES.items() if service["image"].startswith("linetwin")}
    assert own == set(OURS)


def test_an_engine_would_say_the_same() -> None:
    """Where a Docker engine is at hand, its own reading of the file."""
    done = (
        subprocess.run(
            [shutil.which("docker") or "docker", "compose", "version"],
            capture_output=True,
            check=False,
        )
        if shutil.which("docker")
        else None
    )
    if done is None or done.returncode:
        pytest.skip("no docker compose here")
    subprocess.run(["docker", "compose", "-f", FILE, "config", "--quiet"], check=True)

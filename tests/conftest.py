"""Real servers for any test that asks for them, each started once; Ctrl-C as a terminal has it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from fixed_ports import turn
from real_servers import Influxd, VictoriaMetrics, program


def pytest_configure() -> None:
    """Tests in the background of a shell ignore Ctrl-C, and so would every process they start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def needs(name: str) -> None:
    if program(name) is None:
        pytest.skip(f"no {name} here; on Debian, make test fetches it")


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """A real InfluxDB that every test of the session shares, each with databases of its own."""
    needs("influxd")
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """A real InfluxDB for one test, to be killed and started again."""
    needs("influxd")
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """A real VictoriaMetrics, for what influxdb-client writes by `/api/v2/write`."""
    needs("victoria-metrics")
    server = VictoriaMetrics(tmp_path_factory.mktemp("victoria-metrics"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def fixed_ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The ports of the packaged lines, for one test at a time."""
    with turn(tmp_path_factory):
        yield

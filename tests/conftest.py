"""Real servers for any test that asks for them; a session of tests starts each once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_servers import Influxd, VictoriaMetrics, program


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

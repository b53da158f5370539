"""The door to InfluxDB against real servers, and against peers that misbehave."""

from __future__ import annotations

import gzip
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from conftest import needs
from real_servers import Influxd, VictoriaMetrics, free_port

from lines.loader import load
from twin.errors import LinetwinError, NotConnected
from twin.historian.influx import InfluxAddress, InfluxDoor, LinesRefused
from twin.historian.influx_setup import set_up
from twin.historian.influx_store import InfluxHistorian
from twin.historian.port import Point, Quality, Query, Series
from twin.historian.refused_lines import write_what_it_takes
from twin.signals import tags

NOW = time.time_ns() // 1_000_000_000 * 1_000_000
"""Retention is counted from the server's clock, so the points must be of today."""

POWER = Series("LDES1", "STK03", "power_kw")


@pytest.fixture
def address(influxd: Influxd) -> InfluxAddress:
    address = influxd.address(f"door-{uuid4().hex}")
    with closing(InfluxDoor(address)) as door:
        set_up(door)
    return address


# What is stored, and how


def test_setting_up_again_changes_nothing(influxd) -> None:
    address = influxd.address(f"setup-{uuid4().hex}")
    with closing(InfluxDoor(address)) as door:
        first = set_up(door)
        assert [(made.name, made.days, made.done) for made in first] == [
            (address.database, 30, "made"),
            (f"{address.database}-1m", 730, "made"),
        ]
        assert {made.done for made in set_up(door)} == {"as it was"}
        assert {made.done for made in set_up(door, keep_for_ever=True)} == {"changed"}
        assert {made.done for made in set_up(door)} == {"changed"}
        assert {made.done for made in set_up(door)} == {"as it was"}


def test_a_lines_signals_are_typed_fields_with_tags_of_identity(address) -> None:
    line = load("tube_line")
    points, kinds = [], {}
    for number, tag in enumerate(tags(line)):
        points.append(Point(Series(line.id, *tag.key), NOW + number, number % 2, Quality.UNCERTAIN))
        kinds[tag.signal.family.measurement, tag.signal.field] = (
            "integer" if tag.signal.whole else "float"
        )
    with closing(InfluxHistorian(address, [line])) as store:
        assert store.write(points).written == len(points)
        found = store.read(Query(line=line.id))
    stored = {
        (found.series[index], at_us, value, quality)
        for index, at_us, value, quality in zip(
            found.series_index, found.at_us, found.value, found.quality, strict=True
        )
    }
    assert stored == {(p.series, p.at_us, p.value, p.quality) for p in points}
    with closing(InfluxDoor(address)) as door:
        (fields,) = door.ask(["SHOW FIELD KEYS"], address.database)
        (names,) = door.ask(["SHOW TAG KEYS"], address.database)
    types = {(part["name"], name): kind for part in fields for name, kind in part["values"]}
    assert {key: kind for key, kind in types.items() if not key[1].endswith("_quality")} == kinds
    assert {kind for key, kind in types.items() if key[1].endswith("_quality")} == {"integer"}
    keys = {part["name"]: [row[0] for row in part["values"]] for part in names}
    assert keys == {
        "machine": ["line", "machine", "site", "station"],
        "variable": ["line", "machine", "site", "station", "variable"],
        "alarm": ["alarm", "line", "machine", "site", "station"],
        "defect": ["defect", "line", "machine", "site", "station"],
        "buffer": ["buffer", "line", "site", "station"],
        "lane": ["lane", "line", "site", "station"],
    }


def test_what_influxdb_has_no_words_for_is_set_aside_with_its_neighbours_kept(address) -> None:
    line = load("tube_line")
    state = Series(line.id, next(tags(line)).unit, "state_current")
    bad = [
        Point(state, NOW, 5.5),
        Point(state, NOW + 1, 1e19),
        Point(Series("L", "back\\slash", "x"), NOW, 1),
        Point(Series("L", "two\nlines", "x"), NOW, 1),
        Point(POWER, 9_300_000_000_000_000, 1),
    ]
    with closing(InfluxHistorian(address, [line])) as store:
        report = store.write([*bad, Point(state, NOW, 6)])
        assert [refused.point for refused in report.refused] == bad
        assert "must be a whole number of 64 bits, got 5.5" in report.refused[0].reason
        assert "no backslash or control character" in report.refused[2].reason
        assert "in the years 1678 to 2261" in report.refused[4].reason
        assert store.read(Query()).value.tolist() == [6.0]


def test_the_older_than_its_retention_are_set_aside(address) -> None:
    old = [Point(POWER, NOW - 400 * 86_400_000_000 + n, n) for n in range(50)]
    with closing(InfluxHistorian(address)) as store:
        report = store.write([*old[:25], Point(POWER, NOW, 1), *old[25:]])
        assert [refused.point for refused in report.refused] == old
        assert "beyond retention policy" in report.refused[0].reason
        assert store.read(Query()).at_us.tolist() == [NOW]


def test_victoria_metrics_takes_influxdb_clients_own_writes(
    victoria_metrics: VictoriaMetrics,
) -> None:
    """Not InfluxQL, but another server's reading of the same `/api/v2/write`."""
    line = load("tube_line")
    address = InfluxAddress(victoria_metrics.url)
    tag = next(tags(line))
    with closing(InfluxHistorian(address, [line])) as store:
        batch = [
            Point(Series(line.id, *tag.key), NOW - second * 1_000_000, 6, Quality.BAD)
            for second in range(100)
        ]
        assert store.write(batch).written == 100
        assert store.write(batch).written == 100
    (found,) = victoria_metrics.export("machine_state_current")
    assert found["metric"] == {
        "__name__": "machine_state_current",
        "line": line.id,
        "site": line.site,
        "station": tag.station,
        "machine": tag.unit,
    }
    assert set(found["values"]) == {6}
    assert set(found["timestamps"]) == {NOW // 1000 - second * 1000 for second in range(100)}
    (quality,) = victoria_metrics.export("machine_state_current_quality")
    assert set(quality["values"]) == {2}


# Bad input, on a real server


def test_one_bad_line_among_five_thousand(address) -> None:
    lines = [f"other,line=L value={n} {NOW + n}000" for n in range(5000)]
    lines[3333] = f"other,line=L value=abc {NOW}000"
    requests = []
    with closing(InfluxDoor(address)) as door:

        def write(body: bytes) -> None:
            requests.append(body)
            door.write(body, address.database)

        (bad,) = write_what_it_takes(lines, write)
        (counted,) = door.ask(["SELECT count(value) FROM other"], address.database)
    assert bad.text == lines[3333]
    assert "abc" in bad.reason
    assert counted[0]["values"][0][1] == 4999
    assert len(requests) <= 27


def test_a_field_of_the_wrong_type_is_set_aside(address) -> None:
    with closing(InfluxDoor(address)) as door:
        door.write(f"machine,line=L,machine=M state_current=6i {NOW}000".encode(), address.database)
        lines = [f"machine,line=L,machine=M state_current=6i {NOW + n}000" for n in range(1, 9)]
        lines[4] = lines[4].replace("6i", "6.5")
        (bad,) = write_what_it_takes(lines, lambda body: door.write(body, address.database))
        (counted,) = door.ask(["SELECT count(state_current) FROM machine"], address.database)
    assert bad.text == lines[4]
    assert "type conflict" in bad.reason
    assert counted[0]["values"][0][1] == 8


def test_a_wrong_database_is_said_with_the_remedy(influxd) -> None:
    address = influxd.address("no-such")
    with closing(InfluxHistorian(address)) as store:
        for call in (lambda: store.write([Point(POWER, NOW, 1)]), lambda: store.read(Query())):
            with pytest.raises(LinetwinError, match=r"no-such.*twin influx setup --influx http"):
                call()


@pytest.fixture(scope="module")
def with_users(tmp_path_factory) -> Iterator[Influxd]:
    needs("influxd")
    server = Influxd(tmp_path_factory.mktemp("users"), with_users=True)
    server.start()
    yield server
    server.kill()


def test_a_wrong_token_is_said_and_never_shown(with_users, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    right = with_users.address("guarded")
    with closing(InfluxDoor(right)) as door:
        set_up(door)
    with closing(InfluxHistorian(right)) as store:
        assert store.write([Point(POWER, NOW, 1)]).written == 1
    for token, said in (("admin:wrong-secret", "the token given"), ("", "no token at all")):
        address = InfluxAddress(with_users.url, "guarded", token=token)
        with closing(InfluxHistorian(address)) as store:
            for call in (lambda: store.write([Point(POWER, NOW, 1)]), lambda: store.read(Query())):
                with pytest.raises(LinetwinError, match=rf"{said} must be allowed to") as failed:
                    call()
                assert not isinstance(failed.value, NotConnected)
                assert "INFLUX_TOKEN" in str(failed.value)
                assert "secret" not in str(failed.value) + repr(address)
    assert "secret" not in caplog.text


def test_nobody_there(influxd) -> None:
    del influxd
    address = InfluxAddress(f"http://127.0.0.1:{free_port()}")
    with (
        closing(InfluxHistorian(address)) as store,
        pytest.raises(NotConnected, match=r"no whole answer .*refused"),
    ):
        store.write([Point(POWER, NOW, 1)])


# A peer that misbehaves


@contextmanager
def peer(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """An HTTP server that says that it is InfluxDB and then answers as it is told."""
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/ping"):
                self.send_response(204)
                self.send_header("X-Influxdb-Version", "v2.7.1")
                self.end_headers()
                return
            self.server.done = done
            answer(self)

        def do_POST(self) -> None:
            self.server.done = done
            self.server.body = self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        done.set()
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: bytes = b"", **headers: str):
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def half(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"results":[{"statement')
    handler.close_connection = True


def hangs(handler: BaseHTTPRequestHandler) -> None:
    handler.server.done.wait(20)
    handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "message", "retry_after_s"),
    [
        (says(500, b'{"message":"disk on fire"}'), "answers 500 .disk on fire", None),
        (says(503, b"", Retry_After="7"), "answers 503, asks to be left alone for 7 s", 7.0),
        (says(429, b"slow down", Retry_After="2.5"), "answers 429.*slow down", 2.5),
        (says(429, b"", Retry_After="Fri, 27 Nov 2026 10:00:00 GMT"), "answers 429", None),
        (half, "no whole answer", None),
        (hangs, "no whole answer .*timed out", None),
    ],
)
def test_a_peer_that_fails_is_to_be_tried_again(answer, message, retry_after_s) -> None:
    with peer(answer) as url:
        address = InfluxAddress(url, timeout_s=0.5)
        with closing(InfluxHistorian(address)) as store:
            for call in (lambda: store.write([Point(POWER, NOW, 1)]), lambda: store.read(Query())):
                with pytest.raises(NotConnected, match=message) as failed:
                    call()
                assert failed.value.retry_after_s == retry_after_s
                assert str(failed.value).startswith(url)


def test_an_answer_that_is_no_json_is_half_an_answer() -> None:
    with peer(says(200, b'{"results":[{"series":[{"na')) as url:
        store = InfluxHistorian(InfluxAddress(url))
        with closing(store), pytest.raises(NotConnected, match="its answer breaks off"):
            store.read(Query())


def test_what_is_no_influxdb_is_said() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    BaseHTTPRequestHandler.do_GET = says(200, b"hello")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = InfluxAddress(f"http://127.0.0.1:{server.server_port}")
        with (
            closing(InfluxHistorian(address)) as store,
            pytest.raises(LinetwinError, match="must be an InfluxDB"),
        ):
            store.write([Point(POWER, NOW, 1)])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_write_is_one_gzipped_request_with_nanoseconds() -> None:
    seen: list[tuple[str, dict[str, str], bytes]] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append((handler.path, dict(handler.headers), handler.server.body))
        says(204)(handler)

    with peer(note) as url, closing(InfluxDoor(InfluxAddress(url, token="t0ken"))) as door:  # noqa: S106
        door.write(b"other value=1 1000", "linetwin")
    ((path, headers, body),) = seen
    assert path == "/api/v2/write?org=linetwin&bucket=linetwin&precision=ns"
    assert headers["Authorization"] == "Token t0ken"
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == b"other value=1 1000"
    assert body[8] == 4, "compressed at the quickest level"


def test_lines_refused_tells_how_many_were_dropped() -> None:
    assert LinesRefused("partial write: points beyond retention policy dropped=17").dropped == 17
    assert LinesRefused("unable to parse 'x'").dropped == 0

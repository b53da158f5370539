"""How fast history goes into an InfluxDB, through a spool, and what it costs the twin.

    python benchmarks/influx.py [--outage MINUTES] [--points 500000]

It starts a real `influxd` of its own (`make bench` fetches Debian's where there is none) and
measures:

- live: CPU of the twin's process for each point, from `Point` to the database's 2xx, at 2,000
  points a second; and on the same points influxdb-client's `Point` with its batching `WriteApi`,
  into Debian's victoria-metrics, since Debian's influxd has no `/api/v2/write`;
- drain: points a second from a full spool into the database, beside the CPU that it costs;
- with `--outage`, a server that is away for so many minutes at 2,000 points a second: what is lost.

CPU is what the process and its threads used. A rate is by the wall's clock, of a machine whose load
is printed; the same rate by CPU is what one core could do if it were the twin's alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import influxdb_client
import numpy as np
from influxdb_client.client.write_api import WriteOptions

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from real_servers import Influxd, VictoriaMetrics, program

from lines.loader import load
from twin.historian.influx import InfluxAddress, InfluxDoor
from twin.historian.influx_setup import set_up
from twin.historian.influx_store import InfluxHistorian
from twin.historian.line_protocol import Encoder
from twin.historian.port import Point, Query, Series
from twin.historian.spool import Spool
from twin.historian.spooled_influx import SpooledInflux
from twin.signals import tags

PER_S = 2_000
LINE = load("storage_line")
TAGS = [tag for tag in tags(LINE) if not tag.signal.whole] + list(tags(LINE))
SERIES = [Series(LINE.id, *tag.key) for tag in dict.fromkeys(TAGS)]
WHOLE = {Series(LINE.id, *tag.key): tag.signal.whole for tag in TAGS}


def batches(count: int, size: int, start_us: int) -> Iterator[list[Point]]:
    """Points as a plant makes them: series after series, values that wander."""
    drawn = iter(np.random.default_rng(1).normal(50, 10, count).round(3).tolist())
    for first in range(0, count, size):
        yield [
            Point(
                series := SERIES[number % len(SERIES)],
                start_us + number * 500,
                float(round(value)) if WHOLE[series] else value,
            )
            for number, value in zip(range(first, min(first + size, count)), drawn, strict=False)
        ]


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def database(server: Influxd, name: str) -> Iterator[InfluxAddress]:
    address = server.address(name, timeout_s=30.0)
    with closing(InfluxDoor(address)) as door:
        set_up(door)
    yield address


def count(address: InfluxAddress) -> int:
    with closing(InfluxHistorian(address)) as store:
        return len(store.read(Query(line=LINE.id)))


def paced(parts: list[list[Point]], each: Callable[[list[Point]], object]) -> None:
    """Hand over a batch every so often, as points come from a plant."""
    began = time.monotonic()
    for number, part in enumerate(parts):
        time.sleep(max(0.0, began + number * len(part) / PER_S - time.monotonic()))
        each(part)


def live_spooled(server: Influxd, directory: Path, seconds: int) -> float:
    """CPU of each point at 2,000 a second through spool and drain, microseconds."""
    parts = list(batches(PER_S * seconds, PER_S // 5, time.time_ns() // 1000))
    with (
        database(server, f"live-{directory.name}") as address,
        closing(SpooledInflux(address, directory / "live.sqlite", [LINE])) as store,
    ):
        before = cpu_s()
        paced(parts, store.write)
        assert store.wait_until_empty(60.0)
        used = cpu_s() - before
    assert count(address) == PER_S * seconds
    return used / (PER_S * seconds) * 1e6


def live_client(server: VictoriaMetrics, seconds: int) -> float:
    """The same by influxdb-client's own way: a `Point` each, its batching `WriteApi`."""
    parts = list(batches(PER_S * seconds, PER_S // 5, time.time_ns() // 1000))
    named = {Series(LINE.id, *tag.key): tag for tag in tags(LINE)}
    client = influxdb_client.InfluxDBClient(server.url, "", org="linetwin", enable_gzip=True)
    write = client.write_api(WriteOptions(batch_size=5_000, flush_interval=1_000, max_retries=0))

    def each(part: list[Point]) -> None:
        records = []
        for point in part:
            tag = named[point.series]
            value = int(point.value) if tag.signal.whole else point.value
            record = influxdb_client.Point(tag.signal.family.measurement)
            record = record.tag("line", LINE.id).tag("site", LINE.site)
            record = record.tag("station", tag.station).tag("machine", tag.unit)
            record = record.field(tag.signal.field, value)
            record = record.field(f"{tag.signal.field}_quality", int(point.quality))
            records.append(record.time(point.at_us * 1000))
        write.write("live-client", "linetwin", records)

    before = cpu_s()
    paced(parts, each)
    write.close()
    used = cpu_s() - before
    client.close()
    return used / (PER_S * seconds) * 1e6


def drain(server: Influxd, directory: Path, points: int, name: str) -> tuple[float, float]:
    """Points a second from a full spool, by the wall's clock and by the twin's CPU."""
    path = directory / f"{name}.sqlite"
    encoder = Encoder([LINE])
    with closing(Spool(path)) as spool:
        for part in batches(points, PER_S // 5, time.time_ns() // 1000):
            found, refused = encoder.encode(part)
            assert not refused
            spool.put(found)
    with database(server, name) as address:
        before, began = cpu_s(), time.monotonic()
        with closing(SpooledInflux(address, path, [LINE])) as store:
            while store.status().points:
                time.sleep(0.01)
            wall, used = time.monotonic() - began, cpu_s() - before
        assert count(address) == points
    return points / wall, points / used


def outage(server: Influxd, directory: Path, minutes: float) -> None:
    """The server away for so long, and then what is lost and doubled."""
    with database(server, "outage") as address, closing(InfluxDoor(address)) as door:
        total = int((minutes * 60 + 20) * PER_S)
        made = batches(total, PER_S // 5, time.time_ns() // 1000)
        most = away_points = 0
        with closing(SpooledInflux(address, directory / "outage.sqlite", [LINE])) as store:
            began, away = time.monotonic(), False
            for number, part in enumerate(made):
                at = number / 5
                if not away and 10 <= at < 10 + minutes * 60:
                    server.kill()
                    away = True
                elif away and at >= 10 + minutes * 60:
                    away_points, most = store.status().points, path_size(directory)
                    server.start()
                    away = False
                time.sleep(max(0.0, began + at - time.monotonic()))
                store.write(part)
            back = time.monotonic()
            assert store.wait_until_empty(600.0)
            empty_s = time.monotonic() - back
        found = 0
        for measurement in {tag.signal.family.measurement for tag in TAGS}:
            fields = {t.signal.field for t in TAGS if t.signal.family.measurement == measurement}
            for field in fields:
                asked = f'SELECT count("{field}") FROM "{measurement}"'  # noqa: S608
                (answer,) = door.ask([asked], address.database)
                found += sum(part["values"][0][1] for part in answer)
    print(
        f"outage of {minutes:g} min at {PER_S:,} points/s: {total:,} made, {found:,} in the "
        f"database, {total - found} lost; {away_points:,} waited in {most / 1e6:.1f} MB; "
        f"empty {empty_s:.1f} s after the last was made"
    )


def path_size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.glob("outage.sqlite*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=500_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--outage", type=float, default=0.0, help="minutes")
    options = parser.parse_args()
    missing = [name for name in ("influxd", "victoria-metrics") if program(name) is None]
    if missing:
        print(f"no {' and '.join(missing)} here; make bench fetches them on Debian")
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = Influxd(directory / "influxd")
        takes_v2 = VictoriaMetrics(directory / "victoria-metrics")
        server.start()
        takes_v2.start()
        try:
            version = ".".join(map(str, server.version()))
            print(
                f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
                f"Python {platform.python_version()}, influxd {version}"
            )
            ours, theirs = [], []
            for run in range(options.runs):
                (directory / f"{run}").mkdir()
                ours.append(live_spooled(server, directory / f"{run}", options.seconds))
                theirs.append(live_client(takes_v2, options.seconds))
            us, them = statistics.median(ours), statistics.median(theirs)
            print(
                f"live at {PER_S:,} points/s, CPU a point: spool and drain {us:.1f} us "
                f"({', '.join(f'{x:.1f}' for x in ours)}); influxdb-client's Point and batching "
                f"{them:.1f} us ({', '.join(f'{x:.1f}' for x in theirs)}); {them / us:.1f} times"
            )
            for run in range(options.runs):
                wall, by_cpu = drain(server, directory, options.points, f"drain-{run}")
                print(
                    f"drain of {options.points:,} points: {wall:,.0f} points/s by the clock, "
                    f"{by_cpu:,.0f} a second of the twin's CPU; load {os.getloadavg()[0]:.1f}"
                )
            if options.outage:
                outage(server, directory, options.outage)
        finally:
            server.kill()
            takes_v2.kill()


if __name__ == "__main__":
    main()

"""What the live page costs and how quick it is, with real lines, a real twin and a real browser.

    python benchmarks/live_page.py history [--rows 5000000]
    python benchmarks/live_page.py pixel [--seconds 60]
    python benchmarks/live_page.py streams [--browsers 50] [--seconds 600]

`history` fills a day of the tube line's history and opens each page over it; `pixel` serves a line
whose PLC scans every 100 ms and takes the time from the instant that the PLC gives a change of a
machine's state to the frame in which the browser has painted it; `streams` follows the page with
many event streams and compares what the twin stores, and what memory it takes, before and while.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright

from lines.loader import load
from twin.cli.places import DataPlaces
from twin.historian.duckdb_store import DuckDBHistorian
from twin.historian.port import Point, Series
from twin.model.line import Line

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DEADLINE_S = 240.0
DAY_US = 86_400_000_000
SPEED = 60
SLACK_US = 1_000_000
"""A state that lasts longer than this must be seen."""
PAGES = ("", "line/TUBE1", "station/TUBE1/CUT", "alarms", "health")
READY = {
    "": ".shift .medium",
    "line": "svg.mimic a.station",
    "station": "section svg.chart",
    "alarms": "section table, section .fine",
    "health": "section table",
}
HEAR = """
  window.heard = [];
  const add = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (kind, take) {
    return add.call(this, kind, (event) => {
      const at = 1000 * (performance.timeOrigin + performance.now());
      if (event.data) window.heard.push([at, JSON.parse(event.data)]);
      take(event);
    });
  };
"""
WATCH = """() => {
  const painted = window.painted = [];
  for (const station of document.querySelectorAll('svg.mimic a.station'))
    for (const letter of station.querySelectorAll('text.letter')) {
      const tile = [...station.querySelectorAll('text.letter')].indexOf(letter);
      const id = station.querySelector('text.id').textContent;
      const paint = (now) =>
        painted.push([id, tile, now, 1000 * (performance.timeOrigin + performance.now())]);
      paint(letter.textContent);
      new MutationObserver(() => {
        const now = letter.textContent;
        requestAnimationFrame(() => setTimeout(() => paint(now)));
      }).observe(letter, { characterData: true, childList: true, subtree: true });
    }
}"""


@contextlib.contextmanager
def twin(directory: Path, name: str, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A `twin` command until the context ends, and the file of what it says."""
    said = directory / f"{name}.txt"
    with said.open("wb") as out:
        command = [sys.executable, "-m", "twin", *words, "--data", str(directory)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield process, said
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def found_in(said: Path, pattern: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while not (found := re.search(pattern, said.read_text())):
        if time.monotonic() > deadline or process.poll() is not None:
            sys.exit(said.read_text())
        time.sleep(0.2)
    return found[1]


def until_known(url: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        values = httpx.get(f"{url}/api/v1/now", timeout=30).json()["values"]
        letters = [value for key, value in values.items() if "|m/" in key]
        if letters and "?" not in letters:
            return
        time.sleep(0.2)
    sys.exit("the lines are not known in time")


@contextlib.contextmanager
def tab() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser.new_page(viewport={"width": 1366, "height": 768})
        browser.close()


def shown(what: str, found_ms: list[float]) -> None:
    p50, p99 = np.percentile(found_ms, [50, 99])
    print(
        f"{what:<40} median {p50:7.0f} ms, p99 {p99:7.0f} ms, most {max(found_ms):7.0f} ms, "
        f"{len(found_ms)} times"
    )


def series_of(line: Line) -> list[Series]:
    """What a twin stores of a line, near enough."""
    of_machine = ("state_current", "starved", "blocked", "cycle_time_s")
    found = [Series(line.id, "", s) for s in ("good_units", "scrap_units", "energy_kwh")]
    found += [Series(line.id, buffer.id, "level") for buffer in line.buffers]
    for station in line.stations:
        for m in range(station.machines):
            unit = station.machine_id(m)
            signals = (*of_machine, *(f"variable.{v.id}" for v in station.variables))
            found += [Series(line.id, unit, s) for s in signals]
            found += [Series(line.id, unit, f"alarm.{a.id}") for a in station.alarms]
    return found


def fill(path: Path, line: Line, rows: int) -> int:
    """Write a day of history up to now; return how many points there are."""
    series, now_us = series_of(line), time.time_ns() // 1000
    samples = -(-rows // len(series))
    drawn = np.random.default_rng(1)
    store = DuckDBHistorian(path)
    for first in range(0, samples, 200):
        many = min(200, samples - first)
        values = iter(drawn.uniform(0, 10, many * len(series)).round(1).tolist())
        store.write(
            [
                Point(
                    one,
                    now_us - DAY_US + (first + i) * DAY_US // samples,
                    drawn_for(one, next(values)),
                )
                for i in range(many)
                for one in series
            ]
        )
    store.close()
    return samples * len(series)


def drawn_for(series: Series, value: float) -> float:
    """An alarm stands now and then; everything else is any small number."""
    return float(value > 9.95) if series.signal.startswith("alarm.") else value // 1


def history(directory: Path, rows: int, times: int) -> None:
    """How soon each page is there over so many rows."""
    line = load("tube_line")
    held = fill(DataPlaces(directory).history, line, rows)
    print(f"{held:,} rows of history in a day")
    options = ("--speed", "1", "--ports-from", "0", "--page-port", "0", "--plain")
    with twin(directory, "run", "run", "tube_line", *options) as (process, said), tab() as page:
        url = found_in(said, r"the live page: (\S+)", process)
        until_known(url)
        for path in PAGES:
            took = []
            for _ in range(times):
                page.goto("about:blank")
                began = time.perf_counter()
                page.goto(f"{url}/#/{path}", wait_until="commit")
                page.wait_for_selector(READY[path.split("/")[0]])
                took.append((time.perf_counter() - began) * 1e3)
            shown(f"/{path}", took)


def pixel(directory: Path, seconds: float, name: str) -> None:
    """From a PLC's change to the frame that shows it, at a scan of 100 ms."""
    line = load(name)
    first = 47_000 + os.getpid() % 1000
    plc = ("plc", name, "--scan", "0.1", "--speed", "1", "--ports-from", str(first), "--json")
    with twin(directory, "plc", *plc) as (plcs, told):
        found_in(told, r'("listening")', plcs)
        run = ("run", name, "--plcs-are-there", "--speed", "1", "--ports-from", str(first))
        with (
            twin(directory, "run", *run, "--page-port", "0", "--plain") as (process, said),
            tab() as page,
        ):
            url = found_in(said, r"the live page: (\S+)", process)
            until_known(url)
            page.add_init_script(HEAR)
            page.goto(f"{url}/#/line/{line.id}")
            page.wait_for_selector("svg.mimic a.station")
            page.evaluate(WATCH)
            from_us = time.time_ns() // 1000
            page.wait_for_timeout(seconds * 1000)
            to_us = time.time_ns() // 1000 - SLACK_US
            painted = page.evaluate("window.painted")
            heard = page.evaluate("window.heard")
            time.sleep(3)  # until the history has it, too
            found = _latencies(url, line, painted, (from_us, to_us))
            arrived = [_arrival_us(line, heard, one) - one.at_us for one in found]
            whole = [one.painted_us - one.at_us for one in found]
            shown(f"{line.id}: change to browser", [us / 1e3 for us in arrived])
            shown(f"{line.id}: change to pixel", [us / 1e3 for us in whole])
            for one, us in sorted(zip(found, arrived, strict=True), key=lambda pair: -pair[1])[:5]:
                after_s = (one.at_us - from_us) / 1e6
                print(f"  among the slowest: {us / 1e3:.0f} ms to the browser, {after_s:.1f} s in")


class Seen(NamedTuple):
    """A change of a machine's state that was painted."""

    unit: str
    letter: str
    at_us: int
    painted_us: float


def _arrival_us(line: Line, heard: list[tuple[float, dict[str, Any]]], of: Seen) -> float:
    """When the browser had the event that made it paint this."""
    key = f"{line.id}|m/{of.unit}"
    return max(at for at, values in heard if values.get(key) == of.letter and at <= of.painted_us)


def _latencies(
    url: str, line: Line, painted: list[tuple[str, int, str, float]], within_us: tuple[int, int]
) -> list[Seen]:
    """Pairs each change that the PLC told with the first frame that shows it."""
    found, skipped, either = [], 0, 0
    from_us, to_us = within_us
    for station in line.stations:
        asked = f"{url}/api/v1/lines/{line.id}/stations/{station.id}/spells"
        span = {"from_us": from_us, "to_us": to_us}
        spells = httpx.get(asked, params=span, timeout=30).json()
        for m in range(station.machines):
            frames = [(at, now) for of, tile, now, at in painted if (of, tile) == (station.id, m)]
            changes = [(at, now) for at, now in spells[station.machine_id(m)]]
            ends = [*(at for at, _ in changes[1:]), to_us]
            for (at_us, letter), over_us in list(zip(changes, ends, strict=True))[1:]:
                shows = [now for at, now in frames if at < at_us]
                seen = [
                    at for at, now in frames if now == letter and at_us <= at < over_us + SLACK_US
                ]
                again = [at for at, now in changes if now == letter and at > at_us]
                if shows[-1:] == [letter]:
                    skipped += 1  # what was between was over before it could be drawn
                elif seen and again and again[0] < seen[0]:
                    either += 1
                elif seen:
                    found.append(Seen(station.machine_id(m), letter, at_us, seen[0]))
                elif over_us - at_us < SLACK_US:
                    skipped += 1
                else:
                    sys.exit(f"{station.id} {m}: {letter} of {at_us} was never shown")
    print(f"{skipped} changes more were over in less than {SLACK_US / 1e6:g} s and not drawn")
    print(f"{either} more came twice before a frame showed them: which of the two it shows is open")
    return found


def streams(directory: Path, browsers: int, seconds: float) -> None:
    """What many event streams cost the twin."""
    options = ("--speed", str(SPEED), "--ports-from", "0", "--page-port", "0", "--plain")
    with twin(directory, "run", "run", *options) as (process, said):
        url = found_in(said, r"the live page: (\S+)", process)
        until_known(url)
        time.sleep(20)
        alone, pace = _kept_up(url, min(60.0, seconds))
        before = memory_mb(process.pid)
        print(
            f"alone: {alone:,.0f} points/s stored, plants at {pace:.3f} of their speed, "
            f"{before:.0f} MB"
        )
        found = asyncio.run(_follow(url, process.pid, browsers, seconds))
        events, (stored, pace), memory = found
        print(
            f"{browsers} streams for {seconds:.0f} s: "
            f"{events / browsers / seconds:.2f} events/s each"
        )
        print(
            f"{stored:,.0f} points/s stored, plants at {pace:.3f} of their speed; "
            f"memory {', '.join(f'{mb:.0f}' for mb in memory)} MB"
        )


def _kept_up(url: str, seconds: float) -> tuple[float, float]:
    """Points stored a second, and how fast the twin's plants seem to go, as a share of `SPEED`."""

    def told() -> tuple[int, float]:
        values = httpx.get(f"{url}/api/v1/now", timeout=30).json()["values"]
        newest = [value["newest_us"] for key, value in values.items() if key.endswith("|line")]
        return int(values["health"]["stored"]), min(newest) / 1e6

    (stored, newest_s), began = told(), time.monotonic()
    time.sleep(seconds)
    (stored_then, newest_then_s), passed = told(), time.monotonic() - began
    return (stored_then - stored) / passed, (newest_then_s - newest_s) / passed / SPEED


async def _follow(
    url: str, pid: int, browsers: int, seconds: float
) -> tuple[int, tuple[float, float], list[float]]:
    count = 0

    async def follow(client: httpx.AsyncClient) -> None:
        nonlocal count
        async with client.stream("GET", f"{url}/api/v1/stream") as stream:
            async for line in stream.aiter_lines():
                count += line.startswith("event:")

    limits = httpx.Limits(max_connections=browsers + 10)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        tasks = [asyncio.create_task(follow(client)) for _ in range(browsers)]
        stored = asyncio.create_task(asyncio.to_thread(_kept_up, url, seconds))
        memory = []
        for _ in range(6):
            await asyncio.sleep(seconds / 6)
            memory.append(memory_mb(pid))
        found = await stored
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if ended:
        sys.exit(f"{len(ended)} streams ended by themselves")
    return count, found, memory


def memory_mb(pid: int) -> float:
    """Resident memory of the twin's own process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["history", "pixel", "streams"])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--browsers", type=int, default=50)
    parser.add_argument("--line", default="five_stations")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        if asked.what == "history":
            history(Path(directory), asked.rows, asked.times)
        elif asked.what == "pixel":
            pixel(Path(directory), asked.seconds or 60, asked.line)
        else:
            streams(Path(directory), asked.browsers, asked.seconds or 600)


if __name__ == "__main__":
    main()

"""The live page while both packaged lines run: served PLCs, the twin, and a real browser."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from a_browser import CHROMIUM, WHY_NOT, a_browser, a_tab, grave_findings
from playwright.sync_api import Browser, Locator, Page, expect
from real_servers import free_port

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.xdist_group("browser"),
]
DEADLINE_S = 180.0
SPEED = "60"
PLCS = {"storage_line": 5, "tube_line": 5}
PAGES = (
    "",
    "line/LDES1",
    "line/TUBE1",
    "station/LDES1/STK",
    "station/TUBE1/CUT",
    "alarms",
    "whatif",
    "health",
)


@dataclass(frozen=True)
class Both:
    """Both lines: the page's address, and where the tube line's PLCs are told to break."""

    url: str
    control: str


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    directory = tmp_path_factory.mktemp("both")
    first, control = ports_in_a_row(sum(PLCS.values())), free_port()
    with contextlib.ExitStack() as stack:
        said = {}
        for name, port in zip(PLCS, (first, first + PLCS["storage_line"]), strict=True):
            also = ("--control", str(control)) if name == "tube_line" else ()
            command = ("plc", name, "--speed", SPEED, "--ports-from", str(port), "--json", *also)
            said[name] = stack.enter_context(running(directory, name, *command))
        for told in said.values():
            until(lambda told=told: '"listening"' in told.read_text(), told)
        served = ("run", *PLCS, "--plcs-are-there", "--speed", SPEED, "--ports-from", str(first))
        told = stack.enter_context(running(directory, "run", *served, "--page-port", "0"))
        until(lambda: "the live page: " in told.read_text(), told)
        found = re.search(r"the live page: (\S+)", told.read_text())
        assert found is not None
        url = found[1]
        until(lambda: all_is_known(url), told)
        yield Both(url, f"http://127.0.0.1:{control}")


@contextlib.contextmanager
def running(directory: Path, name: str, *words: str) -> Iterator[Path]:
    """A `twin` command, until the context ends; gives the file of what it says."""
    said = directory / f"{name}.txt"
    with said.open("wb") as out:
        command = [sys.executable, "-m", "twin", *words, "--data", str(directory / "data")]
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=directory)
        try:
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            finally:
                process.kill()


def ports_in_a_row(many: int) -> int:
    """The first of so many free ports one after the other."""
    for _ in range(100):
        first = free_port()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + many):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError(f"no {many} free ports in a row")


def until(so: Callable[[], bool], said: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not so():
        assert time.monotonic() < deadline, said.read_text()[-2000:]
        time.sleep(0.2)


def all_is_known(url: str) -> bool:
    values = httpx.get(f"{url}/api/v1/now", timeout=30).json()["values"]
    machines = [value for key, value in values.items() if "|m/" in key]
    return len(machines) > 100 and "?" not in machines


def station(tab: Page, name: str) -> Locator:
    """A station in the drawing of a line."""
    return tab.locator(f"svg.mimic a.station[href$='/{name}']")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as started:
        yield started


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_each_page_shows_both_lines_without_a_fault(
    browser: Browser, both: Both, language: str, theme: str
) -> None:
    faults: list[str] = []
    with a_tab(browser, both.url, faults, color_scheme=theme) as tab:
        tab.add_init_script(f"localStorage.setItem('linetwin.language', '{language}')")
        for path in PAGES:
            tab.goto(f"{both.url}/#/{path}")
            expect(tab.locator("main")).to_have_attribute("data-page", path.split("/")[0] or "site")
            expect(tab.locator("#banner")).to_be_hidden()
            expect(tab.locator("main h1, main h2").first).to_be_attached()
            if path.startswith("station"):
                expect(tab.locator("svg.chart").first).to_be_visible()
            assert grave_findings(tab) == [], path
        word = {"en": "Connections to the PLCs", "zh": "PLC 连接"}[language]
        expect(tab.locator("main")).to_contain_text(word)
    assert faults == []


def test_a_plc_that_loses_its_power_is_unknown_until_it_is_back(
    browser: Browser, both: Both
) -> None:
    with a_tab(browser, both.url, []) as tab:
        tab.goto(f"{both.url}/#/line/TUBE1")
        wrap, cut = station(tab, "WRP"), station(tab, "CUT")
        expect(wrap).to_have_attribute("aria-label", re.compile("executes|starved|blocked|fault"))
        order = {"fault": "power_off", "plcs": "PLC-PCK"}
        begun = httpx.post(f"{both.control}/faults", json=order, timeout=30)
        assert begun.status_code < 300, begun.text
        expect(wrap).to_have_attribute("aria-label", re.compile(": 2 unknown"))
        expect(cut).not_to_have_attribute("aria-label", re.compile("unknown"))
        number = begun.json()["number"]
        httpx.delete(f"{both.control}/faults/{number}", timeout=30).raise_for_status()
        expect(wrap).not_to_have_attribute("aria-label", re.compile("unknown"))


def test_the_slider_shows_a_past_minute_and_goes_back(browser: Browser, both: Both) -> None:
    with a_tab(browser, both.url, []) as tab:
        tab.goto(f"{both.url}/#/line/LDES1")
        stack = station(tab, "STK")
        expect(stack).to_have_attribute("aria-label", re.compile("executes|fault|starved"))
        tab.locator("#slider").fill("-480")
        expect(tab.locator(".slider output")).to_contain_text("Past")
        # Eight hours ago nobody watched.
        expect(stack).to_have_attribute("aria-label", re.compile(": 5 unknown"))
        tab.get_by_role("button", name="Back to live").click()
        expect(stack).not_to_have_attribute("aria-label", re.compile("unknown"))


def test_a_question_about_a_real_line_is_answered_and_its_report_comes(
    browser: Browser, both: Both
) -> None:
    with a_tab(browser, both.url, []) as tab:
        tab.goto(f"{both.url}/#/whatif")
        tab.select_option("#wi-line", "TUBE1")
        tab.select_option("#wi-of", "WND")
        tab.select_option("#wi-knob", "stations.WND.machines")
        tab.get_by_role("button", name="Change this").click()
        tab.select_option("#wi-start", "empty")
        tab.fill("#wi-span", "1")
        tab.select_option("#wi-precision", "0.02")
        tab.get_by_role("button", name="Ask", exact=True).click()
        row = tab.locator("tr[data-state=done]")
        expect(row).to_contain_text("WND machines: 6 -> 7", timeout=120_000)
        link = row.get_by_role("link", name="Download the report").get_attribute("href")
        report = tab.request.get(f"{both.url}{link}")
        assert "WND machines: 6 -&gt; 7" in report.text()

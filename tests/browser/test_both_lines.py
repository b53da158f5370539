"""The live page while both packaged lines run: served PLCs, the twin, and a real browser."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from a_browser import CHROMIUM, WHY_NOT, a_browser, a_tab, grave_findings, held_back
from a_twin import all_is_known, page_of, running, until
from playwright.sync_api import Browser, Locator, Page, expect
from real_servers import free_port

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.xdist_group("browser"),
]
SPEED = "60"
PASSWORD = "a password for tests"  # noqa: S105 - nobody else has it
PLCS = {"storage_line": 5, "tube_line": 5}
MACHINES = 169
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
    """Both lines.

    Args:
        url: of the page.
        control: where the tube line's PLCs are told to break.
        data: where the twin keeps what it knows.
    """

    url: str
    control: str
    data: Path

    def users(self, *words: str) -> None:
        """Say who may use the page, as its administrator would."""
        command = [sys.executable, "-m", "twin", "users", *words, "--data", str(self.data)]
        subprocess.run(command, check=True, env=os.environ | {"LINETWIN_PASSWORD": PASSWORD})


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
        url = page_of(told)
        until(lambda: all_is_known(url, MACHINES), told)
        yield Both(url, f"http://127.0.0.1:{control}", directory / "data")


def ports_in_a_row(many: int) -> int:
    """The first of so many free ports one after the other."""
    for _ in range(100):
        first = free_port()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + many):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError(f"no {many} free ports in a row")


def station(tab: Page, name: str) -> Locator:
    """A station in the drawing of a line."""
    return tab.locator(f"svg.mimic a.station[href$='/{name}']")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as started:
        yield started


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """Errors in a console and requests to another host: none in any of these tests."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_each_page_shows_both_lines_without_a_fault(
    browser: Browser, both: Both, faults: list[str], language: str, theme: str
) -> None:
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


def test_language_and_theme_are_changed_by_their_buttons_and_remembered(
    browser: Browser, both: Both, faults: list[str]
) -> None:
    with a_tab(browser, both.url, faults, color_scheme="light") as tab:
        tab.goto(f"{both.url}/#/line/TUBE1")
        expect(tab.locator("h1")).to_have_text("TUBE1 Xinlianfeng, spandex paper tubes")
        tab.click("#language")
        tab.click("#theme")
        for again in (False, True):
            if again:
                tab.reload()
            expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
            expect(tab.locator("h1")).to_have_text("TUBE1 新联峰 氨纶纸管AI智能产线")
            expect(station(tab, "CUT")).to_have_attribute("aria-label", re.compile("运行"))


def test_a_plc_that_loses_its_power_is_unknown_until_it_is_back(
    browser: Browser, both: Both, faults: list[str]
) -> None:
    with a_tab(browser, both.url, faults) as tab:
        tab.goto(f"{both.url}/#/line/TUBE1")
        wrap, cut = station(tab, "WRP"), station(tab, "CUT")
        expect(wrap).to_have_attribute("aria-label", re.compile("executes|starved|blocked|fault"))
        order = {"fault": "power_off", "plcs": "PLC-PCK"}
        begun = httpx.post(f"{both.control}/faults", json=order, timeout=30)
        assert begun.status_code < 300, begun.text
        expect(wrap).to_have_attribute("aria-label", re.compile(": 2 unknown"))
        expect(cut).not_to_have_attribute("aria-label", re.compile("unknown"))
        tab.goto(f"{both.url}/#/")
        wrong = tab.locator("section.card", has_text="TUBE1").locator("ul.wrong")
        expect(wrong).to_contain_text(re.compile("PLC-PCK .*lost since"))
        tab.goto(f"{both.url}/#/health")
        row = tab.get_by_role("table", name="Connections to the PLCs").locator("tr")
        expect(row.filter(has_text="PLC-PCK")).to_contain_text("WRP: unknown since")
        tab.goto(f"{both.url}/#/line/TUBE1")
        number = begun.json()["number"]
        httpx.delete(f"{both.control}/faults/{number}", timeout=30).raise_for_status()
        expect(wrap).not_to_have_attribute("aria-label", re.compile("unknown"))


def test_the_slider_shows_a_past_minute_and_goes_back(
    browser: Browser, both: Both, faults: list[str]
) -> None:
    with a_tab(browser, both.url, faults) as tab:
        tab.goto(f"{both.url}/#/line/LDES1")
        stack = station(tab, "STK")
        expect(stack).to_have_attribute("aria-label", re.compile("executes|fault|starved"))
        with tab.expect_response(re.compile("/at[?]at_us=")) as answer:
            tab.locator("#slider").fill("-2")
        expect(tab.locator(".slider output")).to_contain_text("Past")
        # What is drawn is what the history says of that minute, machine by machine.
        then = answer.value.json()
        letters = "".join(then[f"m/STK{n:02d}"] for n in range(1, 6))
        expect(stack.locator("text.letter")).to_have_text(list(letters))
        assert "?" not in letters
        tab.locator("#slider").fill("-480")
        # Eight hours ago nobody watched.
        expect(stack).to_have_attribute("aria-label", re.compile(": 5 unknown"))
        tab.get_by_role("button", name="Back to live").click()
        expect(stack).not_to_have_attribute("aria-label", re.compile("unknown"))


@pytest.mark.parametrize("start", ["empty", "present"])
def test_a_question_about_a_real_line_is_answered_and_its_report_comes(
    browser: Browser, both: Both, faults: list[str], start: str
) -> None:
    with a_tab(browser, both.url, faults) as tab:
        late = held_back(tab, "**/lines/LDES1/knobs")
        tab.goto(f"{both.url}/#/whatif")
        tab.select_option("#wi-line", "TUBE1")
        tab.select_option("#wi-of", "WND")
        with tab.expect_response("**/lines/LDES1/knobs"):
            late[0].continue_()
        tab.select_option("#wi-knob", "stations.WND.machines")
        tab.get_by_role("button", name="Change this").click()
        tab.select_option("#wi-start", start)
        tab.fill("#wi-span", "1")
        tab.select_option("#wi-precision", "0.02")
        tab.get_by_role("button", name="Ask", exact=True).click()
        row = tab.locator("tr[data-state=done]")
        expect(row).to_contain_text("WND machines: 6 -> 7", timeout=120_000)
        expect(row.locator("td").nth(3)).to_have_text(
            re.compile(r"[0-9] % ± [0-9.]+ %|0[.]0 ± 0[.]0")
        )
        link = row.get_by_role("link", name="Download the report").get_attribute("href")
        report = tab.request.get(f"{both.url}{link}")
        assert "WND machines: 6 -&gt; 7" in report.text()


def test_with_users_each_may_do_what_their_role_allows(
    browser: Browser, both: Both, faults: list[str]
) -> None:
    for name, role in (("vera", "view"), ("olaf", "operate"), ("ada", "admin")):
        both.users("add", name, "--role", role)
    try:
        with a_tab(browser, both.url, faults) as tab:
            tab.goto(f"{both.url}/#/whatif")
            ask = tab.get_by_role("button", name="Ask", exact=True)
            for name, role in (("vera", "view"), ("olaf", "operate"), ("ada", "admin")):
                tab.fill("#name", name)
                tab.fill("#password", PASSWORD)
                tab.get_by_role("button", name="Log in").click()
                expect(tab.locator("#head")).to_contain_text(f"{name} ({role})")
                tab.goto(f"{both.url}/#/whatif")
                expect(ask).to_be_enabled() if role != "view" else expect(ask).to_be_disabled()
                tab.goto(f"{both.url}/#/health")
                expect(tab.get_by_role("heading", name="Connections")).to_be_visible()
                audit = tab.get_by_role("table", name="Who did what")
                expect(audit).to_have_count(1 if role == "admin" else 0)
                if role == "admin":
                    expect(audit.locator("tr", has_text="olaf").first).to_contain_text("log")
                tab.get_by_role("button", name="Log out").click()
                expect(tab.locator("#password")).to_be_visible()
    finally:
        for name in ("vera", "olaf", "ada"):
            both.users("remove", name)

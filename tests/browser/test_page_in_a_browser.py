"""The live page in a real browser: every page, both languages and themes, the past, a what-if."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from a_browser import CHROMIUM, WHY_NOT, a_browser, a_tab, grave_findings, held_back
from page_rig import PASSWORD, SECOND, T0, Rig, page_rig
from playwright.sync_api import Browser, Page, expect

from dashboards.live.users import Role, hashed, save_users
from twin.live.readings import ConnectionChanged

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.xdist_group("browser"),
]
PAGES = ("", "line/MADE", "station/MADE/CUT", "alarms", "whatif", "health")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as started:
        yield started


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with page_rig(tmp_path_factory.mktemp("page")) as served:
        served.made.say("FOLD01", "state_current", 2)
        for second, (state, level) in enumerate(((6, 1), (6, 3), (9, 3))):
            at_us = T0 + second * 60 * SECOND
            served.made.say("CUT01", "state_current", state, at_us)
            served.made.say("CUT02", "state_current", 6, at_us)
            served.made.say("CUT-out", "level", level, at_us)
        for up, at_s in ((1, 20), (0, 45), (1, 120)):
            served.made.say("CUT01", "alarm.EQP001", up, T0 + at_s * SECOND)
        yield served


@pytest.fixture
def faults() -> list[str]:
    return []


@pytest.fixture
def tab(browser: Browser, rig: Rig, faults: list[str]) -> Iterator[Page]:
    with a_tab(browser, rig.url, faults) as page:
        yield page


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_each_page_shows_a_made_up_line_without_a_fault(
    tab: Page, rig: Rig, faults: list[str], path: str, language: str, theme: str
) -> None:
    tab.emulate_media(color_scheme=theme)
    tab.goto(f"{rig.url}/#/{path}")
    expect(tab.locator("#head")).to_contain_text("MADE")
    if language == "zh":
        tab.click("#language")
        expect(tab.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(tab.locator("#head")).to_contain_text("报警")
    expect(tab.locator("#banner")).to_be_hidden()
    if path in ("", "line/MADE"):
        expect(tab.locator("main")).to_contain_text(
            "虚构产线" if language == "zh" else "A made-up line"
        )
    assert grave_findings(tab) == []
    assert faults == []


def test_the_mimic_tells_states_apart_and_goes_back_in_time(tab: Page, rig: Rig) -> None:
    tab.goto(f"{rig.url}/#/line/MADE")
    cut = tab.locator("svg.mimic a.station", has_text="CUT")
    expect(cut).to_have_attribute("aria-label", "CUT, Cutting: 1 executes, 1 fault")
    tab.locator("#slider").fill("-1")
    expect(tab.locator(".slider output")).to_contain_text("Past")
    expect(cut).to_have_attribute("aria-label", "CUT, Cutting: 2 executes")
    tab.get_by_role("button", name="Back to live").click()
    expect(cut).to_have_attribute("aria-label", "CUT, Cutting: 1 executes, 1 fault")
    cut.click()
    expect(tab.locator("h1")).to_contain_text("CUT Cutting")


def test_what_is_past_is_not_called_live_while_its_answer_is_on_its_way(
    tab: Page, rig: Rig
) -> None:
    held = held_back(tab, "**/at?at_us=*")
    tab.goto(f"{rig.url}/#/line/MADE")
    time, fold = tab.locator(".slider output"), tab.locator("svg.mimic a.station", has_text="FOLD")
    expect(time).to_contain_text("Live")
    tab.locator("#slider").fill("-1")
    expect(time).to_contain_text("Past")
    rig.made.say("FOLD01", "state_current", 9, T0 + 125 * SECOND)
    expect(fold).to_have_attribute("aria-label", "FOLD, FOLD: 1 fault")
    expect(time).to_contain_text("Past")
    held[0].continue_()
    expect(fold).to_have_attribute("aria-label", "FOLD, FOLD: 1 stopped, planned")
    expect(time).to_contain_text("Past")


LEVELS = """async (known) => {
  const { drawMimic } = await import('/static/mimic.js');
  const { lines } = await import('/static/twin.js');
  const mimic = drawMimic(lines[0], 800, 600, () => '#/');
  mimic.changed((key) => known[key] ?? null);
  const bar = [...mimic.root.querySelectorAll('g.buffer')].at(-1);
  return ['class', 'aria-label'].map((name) => bar.getAttribute(name))
    .concat(bar.querySelector('text').textContent);
}"""
KEY = "FOLD-out"


@pytest.mark.parametrize(
    ("known", "basis", "said", "shown"),
    [
        ({f"b/{KEY}": 4}, "", "4 / 10", "4"),
        (
            {f"b/{KEY}": 4, f"k/{KEY}": {"basis": "inferred", "low": 4, "high": 4}},
            "inferred",
            "≈4 (worked out) / 10",
            "≈4",
        ),
        (
            {f"k/{KEY}": {"basis": "inferred", "low": 2, "high": 5}},
            "inferred",
            "2–5 (worked out) / 10",
            "2–5",
        ),
        (
            {f"k/{KEY}": {"basis": "unknown", "said_us": T0, "last": 3}},
            "unknown",
            "unknown, last known 3 Mon 00:00:00 / 10",
            "?",
        ),
        ({}, "unknown", "unknown / 10", "?"),
    ],
)
def test_what_a_level_rests_on_is_seen_at_its_bar(
    tab: Page, rig: Rig, known: dict[str, object], basis: str, said: str, shown: str
) -> None:
    tab.goto(f"{rig.url}/#/line/MADE")
    expect(tab.locator("svg.mimic g.buffer")).to_have_count(2)
    assert tab.evaluate(LEVELS, known) == [f"buffer {basis}", f"{KEY}, FOLD-out: {said}", shown]


def test_a_question_is_asked_and_answered(tab: Page, rig: Rig) -> None:
    tab.goto(f"{rig.url}/#/whatif")
    tab.select_option("#wi-of", "FOLD")
    tab.select_option("#wi-knob", "stations.FOLD.cycle_time")
    tab.get_by_role("button", name="Change this").click()
    tab.select_option("#wi-start", "empty")
    tab.select_option("#wi-precision", "0.02")
    tab.get_by_role("button", name="Ask").click()
    row = tab.locator("tr[data-state=done]")
    expect(row).to_contain_text("FOLD cycle time: 3 s -> 2.4 s", timeout=60_000)
    with tab.expect_download() as coming:
        row.get_by_role("link", name="Download the report").click()
    assert coming.value.failure() is None
    assert "compare=" in tab.url


def test_an_alarm_is_acknowledged(tab: Page, rig: Rig) -> None:
    tab.goto(f"{rig.url}/#/alarms")
    tab.get_by_role("button", name="Acknowledge").first.click()
    tab.fill("#ack-comment", "on my way")
    tab.locator("dialog").get_by_role("button", name="Acknowledge").click()
    expect(tab.locator("main")).to_contain_text("local: on my way")


def test_a_station_shows_its_alarms_those_that_are_over_too(tab: Page, rig: Rig) -> None:
    tab.goto(f"{rig.url}/#/station/MADE/CUT")
    active = tab.locator("ul.wrong li")
    expect(active).to_have_count(1)
    expect(active).to_contain_text("CUT01 EQP001 Down")
    past = tab.get_by_role("table", name="Past, in the hours shown").locator("tbody tr")
    expect(past).to_have_count(1)
    # The plant's Monday begins at midnight UTC; the line's own zone is UTC, too.
    expect(past).to_have_text("▲ highCUT01EQP001 Down05/01/2026, 00:00:2005/01/2026, 00:00:45")
    tab.goto(f"{rig.url}/#/station/MADE/PACK")
    expect(tab.locator("ul.wrong li")).to_have_text("✓ No alarms")
    expect(tab.locator("h3:has-text('Past') + div")).to_have_text("✓ No alarms")


def test_a_lost_plc_is_unknown_until_it_is_back(tab: Page, rig: Rig) -> None:
    tab.goto(f"{rig.url}/#/line/MADE")
    pack = tab.locator("svg.mimic a.station", has_text="PACK")
    rig.made.say("PACK01", "state_current", 6, T0 + 130 * SECOND)
    expect(pack).to_have_attribute("aria-label", "PACK, PACK: 1 executes")
    rig.made.take(ConnectionChanged("PLC-B", False, T0 + 140 * SECOND, "killed"))
    expect(pack).to_have_attribute("aria-label", "PACK, PACK: 1 unknown")
    rig.made.connect("PLC-B", at_us=T0 + 150 * SECOND)
    rig.made.say("PACK01", "state_current", 6, T0 + 151 * SECOND)
    expect(pack).to_have_attribute("aria-label", "PACK, PACK: 1 executes")


def test_a_page_that_has_lost_the_twin_says_so(tab: Page, rig: Rig) -> None:
    tab.goto(f"{rig.url}/#/")
    expect(tab.locator(".strip span").first).to_be_visible()
    expect(tab.locator("#banner")).to_be_hidden()
    tab.context.set_offline(True)
    tab.evaluate("window.stop()")
    expect(tab.locator("#banner")).to_contain_text("Connection to the twin lost", timeout=40_000)
    tab.context.set_offline(False)
    expect(tab.locator("#banner")).to_be_hidden(timeout=40_000)


def test_who_may_only_look_can_look_and_not_ask(
    browser: Browser, tmp_path: Path, faults: list[str]
) -> None:
    users = {
        "vera": hashed("vera", Role.VIEW, PASSWORD),
        "olaf": hashed("olaf", Role.OPERATE, PASSWORD),
    }
    save_users(tmp_path / "users.json", users)
    with page_rig(tmp_path) as guarded, a_tab(browser, guarded.url, faults) as tab:
        tab.goto(f"{guarded.url}/#/whatif")
        _log_in(tab, "vera", "not the password of hers")
        expect(tab.get_by_role("alert").filter(has_text="wrong")).to_be_visible()
        _log_in(tab, "vera", PASSWORD)
        expect(tab.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
        expect(tab.locator("#head")).to_contain_text("vera (view)")
        tab.get_by_role("button", name="Log out").click()
        _log_in(tab, "olaf", PASSWORD)
        expect(tab.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    # The browser itself says that the wrong password was refused.
    assert [fault for fault in faults if "401" not in fault] == []


def _log_in(tab: Page, name: str, password: str) -> None:
    tab.fill("#name", name)
    tab.fill("#password", password)
    tab.get_by_role("button", name="Log in").click()

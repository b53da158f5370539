"""Take a picture of each page of the live page: the real command, both lines, a real browser.

    .venv/bin/python tools/screenshots.py

Needs a Chromium. Writes docs/images/page-*.png.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SPEED = 120
START_S, RUN_S = 240.0, 60.0
DESK, WALL, PHONE = (1366, 768), (3840, 2160), (390, 844)
SHOTS = (
    ("site", "", DESK, "light", "en"),
    ("line", "line/LDES1", DESK, "light", "en"),
    ("lanes", "line/TUBE1", DESK, "dark", "zh"),
    ("station", "station/TUBE1/CUT", DESK, "light", "en"),
    ("alarms", "alarms", DESK, "light", "en"),
    ("what-if", "whatif", DESK, "light", "en"),
    ("health", "health", DESK, "light", "en"),
    ("wall", "", WALL, "dark", "zh"),
    ("phone", "", PHONE, "dark", "en"),
)


def _address(twin: subprocess.Popen[bytes], said: Path) -> str:
    """Where the page is, once both lines have an output."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and twin.poll() is None:
        found = re.search(r"the live page: (\S+)", said.read_text())
        if found and _lines_have_an_output(found[1]):
            return found[1]
        time.sleep(1)
    sys.exit(f"the lines did not start in time:\n{said.read_text()}")


def _lines_have_an_output(url: str) -> bool:
    values = httpx.get(f"{url}/api/v1/now", timeout=30).json()["values"]
    leads = [value for key, value in values.items() if key.endswith("|line")]
    return bool(leads) and all(lead["good_per_h"] is not None for lead in leads)


def _ask(page: Page) -> None:
    """Ask what faster stacking would give, as somebody at the page would."""
    page.select_option("#wi-of", "STK")
    page.select_option("#wi-knob", "stations.STK.machines")
    page.fill("#wi-title", "one more stacker")
    page.click(".whatif fieldset button")
    page.click(".whatif button.primary")
    page.wait_for_selector("tr[data-state=done]", timeout=300_000)


def _shoot(browser: Browser, url: str, shot: tuple[str, str, tuple[int, int], str, str]) -> None:
    name, path, (width, height), theme, language = shot
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(
        f"localStorage.setItem('linetwin.language', '{language}');"
        f"localStorage.setItem('linetwin.theme', '{theme}')"
    )
    page = context.new_page()
    page.goto(f"{url}/#/{path}")
    page.wait_for_selector("#banner", state="hidden")
    if name == "what-if":
        _ask(page)
    page.wait_for_function("!document.querySelector('main').innerText.includes('Loading')")
    time.sleep(4)
    whole = name in ("station", "phone")
    page.screenshot(path=IMAGES / f"page-{name}.png", full_page=whole)
    context.close()


def main() -> None:
    """Run both lines, wait until both have an output, and take the pictures."""
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        sys.exit(f"needs one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "twin", "run", "--plain", "--data", data]
        command += ["--page-port", "0", "--ports-from", "0", "--speed", str(SPEED)]
        said = Path(data) / "said"
        with (
            said.open("wb") as told,
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told) as twin,  # noqa: S603
            sync_playwright() as playwright,
        ):
            try:
                url = _address(twin, said)
                time.sleep(RUN_S)
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
                )
                for shot in SHOTS:
                    _shoot(browser, url, shot)
                browser.close()
            finally:
                twin.terminate()


if __name__ == "__main__":
    main()

"""A real browser, and what went wrong in it that nobody looked at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WHY_NOT = "no chromium here; on Debian, make test gets it"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DEADLINE_MS = 60_000
expect.set_options(timeout=DEADLINE_MS)


@contextmanager
def a_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@contextmanager
def a_tab(browser: Browser, url: str, faults: list[str], **options: Any) -> Iterator[Page]:
    """A tab that writes down errors in its console and requests to any other host."""
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="en-GB", **options
    )
    context.set_default_timeout(DEADLINE_MS)
    page = context.new_page()
    page.on("console", lambda m: m.type == "error" and faults.append(m.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: r.url.startswith(url) or faults.append(r.url))
    yield page
    context.close()


def held_back(page: Page, pattern: str) -> list[Route]:
    """Requests that wait until a test lets them go with `continue_`."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(pattern, hold)
    return held


def grave_findings(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds serious or critical: the rule, and where."""
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]

"""A browser asks for all modules of the page at once, not one level of imports after another."""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path("dashboards/live/static")


def test_every_module_is_asked_for_in_advance() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    asked = re.findall(r'<link rel="modulepreload" href="/static/([^"]+)">', page)
    modules = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js")}
    assert sorted(asked) == sorted(modules - {"main.js"})

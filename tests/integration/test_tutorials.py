"""The Python of tutorials and pages runs as it stands, and prints what they say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TUTORIALS = sorted((DOCS / "tutorial").glob("*.md"))
PAGES = (*TUTORIALS, DOCS / "how-to/bottleneck.md", DOCS / "explanation/supply.md")


def test_there_are_tutorials() -> None:
    assert [page.name for page in TUTORIALS] == ["what-if.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_prints_what_it_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", text, flags=re.DOTALL)
    assert len(blocks) > (3 if page in TUTORIALS else 0)
    names: dict[str, Any] = {}
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(page), "exec"), names)  # noqa: S102 - it is our own page
        assert printed.getvalue() == expected, code

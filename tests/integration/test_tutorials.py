"""Every tutorial runs as it stands, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "docs/tutorial").glob("*.md"))


def test_there_are_tutorials() -> None:
    assert [page.name for page in TUTORIALS] == ["what-if.md"]


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_prints_what_it_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", text, flags=re.DOTALL)
    assert len(blocks) > 3
    names: dict[str, Any] = {}
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(page), "exec"), names)  # noqa: S102 - it is our own page
        assert printed.getvalue() == expected, code

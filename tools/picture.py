"""Take the README's picture: the real command in a real terminal, after it has run for a while.

    .venv/bin/python tools/picture.py

Needs tmux. Writes docs/images/twin-run.svg.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "twin-run.svg"
COLUMNS, ROWS = 176, 50
START_S, RUN_S = 240.0, 90.0


def _tmux(*words: str) -> str:
    command = ["tmux", "-L", "linetwin-picture", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def _screen() -> str:
    return _tmux("capture-pane", "-e", "-p", "-t", "picture")


def main() -> None:
    """Run both lines, wait until both have an output, and draw what the terminal shows."""
    with tempfile.TemporaryDirectory() as data:
        twin = f"{sys.executable} -m twin run --data {data}"
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        _tmux("new-session", "-d", "-s", "picture", *size, twin)
        try:
            deadline = time.monotonic() + START_S
            while _screen().count("of target") < 2:
                if time.monotonic() > deadline:
                    sys.exit("the lines did not start in time")
                time.sleep(1)
            time.sleep(RUN_S)
            screen = _screen()
        finally:
            _tmux("kill-session", "-t", "picture")
    console = Console(width=COLUMNS, record=True, file=StringIO())
    console.print(Text.from_ansi(screen.rstrip("\n")))
    PICTURE.parent.mkdir(exist_ok=True)
    drawn = console.export_svg(title="twin run")
    # A picture of ours asks no other host for a font.
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<!-- Generated with Rich.*?-->", "", drawn)
    PICTURE.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()

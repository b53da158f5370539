"""`twin` commands beside a test, and waiting for what they say."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

DEADLINE_S = 180.0


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


def until(so: Callable[[], bool], said: Path) -> None:
    """Wait until something holds; what a command says tells why it does not."""
    deadline = time.monotonic() + DEADLINE_S
    while not so():
        assert time.monotonic() < deadline, said.read_text()[-2000:]
        time.sleep(0.2)


def page_of(said: Path) -> str:
    """Where a `twin run` serves its page."""
    until(lambda: "the live page: " in said.read_text(), said)
    found = re.search(r"the live page: (\S+)", said.read_text())
    assert found is not None
    return found[1]


def now(url: str) -> dict[str, Any]:
    """All live values."""
    values: dict[str, Any] = httpx.get(f"{url}/api/v1/now", timeout=30).json()["values"]
    return values


def all_is_known(url: str, machines: int) -> bool:
    """Whether the states of so many machines are known."""
    letters = [value for key, value in now(url).items() if "|m/" in key]
    return len(letters) == machines and "?" not in letters

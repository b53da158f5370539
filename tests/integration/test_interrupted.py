"""Ctrl-C, as a real signal to a real process: what it was doing, exit code 130, no traceback."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twin.engine.kernel import kernel_library

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="draws on a pseudo-terminal")

LINE = """
linetwin: 1
id: MINI
warm_up: 2000 d
stations:
  - {id: MAKE, machines: 2, cycle_time: {distribution: exponential, mean: 4 s}}
  - {id: PACK, cycle_time: 2 s}
buffers:
  - {id: MADE, from: MAKE, to: PACK, capacity: 9}
"""
DEADLINE_S = 120.0


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    path = tmp_path / "mini.yaml"
    path.write_text(LINE, encoding="utf-8")
    return path


def interrupt_at(pattern: str, *args: str | Path) -> tuple[int, str]:
    """Run a command on a terminal, interrupt it when it shows something: exit code, all said."""
    terminal, its_end = pty.openpty()
    twin = subprocess.Popen(
        [sys.executable, "-m", "twin", *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=its_end,
        stderr=its_end,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(its_end)
    seen, pressed, deadline = "", False, time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], deadline - time.monotonic())[0]:
                break
            try:
                seen += os.read(terminal, 4096).decode(errors="replace")
            except OSError:  # nobody holds the other end any more
                return twin.wait(DEADLINE_S), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
            if not pressed and re.search(pattern, seen):
                pressed = True
                twin.send_signal(signal.SIGINT)
        pytest.fail(f"it did not end; it showed {seen!r}")
    finally:
        twin.kill()
        twin.wait()
        os.close(terminal)


@pytest.mark.parametrize("runs", ["1", "4"])
@pytest.mark.parametrize("engine", ["simpy", "auto"])
def test_simulate_before_anything_is_counted(mini, engine, runs) -> None:
    args = ("--days", "30000", "--engine", engine, "--replications", runs)
    code, said = interrupt_at("simulating MINI", "simulate", mini, *args)
    assert code == 130
    assert re.search(r"twin: interrupted while simulating MINI, \d+% done\r?\n$", said)
    assert "Traceback" not in said


@pytest.mark.parametrize("runs", ["1", "3"])
@pytest.mark.parametrize(("engine", "days"), [("simpy", 60), ("kernel", 36_000)])
def test_simulate_gives_the_answer_so_far(mini, engine, days, runs) -> None:
    if engine == "kernel" and kernel_library() is None:
        pytest.skip("the compiled engine is not installed")
    args = ("--days", days, "--warmup", "1 min", "--engine", engine, "--replications", runs)
    code, said = interrupt_at(" [1-9] %", "simulate", mini, *args)
    assert code == 0
    assert "The answer so far: fewer days or replications than asked for." in said
    counted = re.search(r"MINI: ([0-9.e+]+) days", said)
    assert counted
    assert 0 < float(counted[1]) < days
    rate = re.search(r"output +([0-9,.]+)", said)
    assert rate
    assert float(rate[1].replace(",", "")) == pytest.approx(1600, rel=0.2)
    assert "Traceback" not in said


def test_plc_while_it_fills_the_line(mini, tmp_path) -> None:
    code, said = interrupt_at("filling MINI", "plc", mini, "--data", tmp_path / "data")
    assert code == 130
    assert re.search(
        r"twin: interrupted while filling MINI with work in process, \d+% done\r?\n$", said
    )
    assert "Traceback" not in said


def test_plc_that_serves_ends_in_order(mini, tmp_path) -> None:
    mini.write_text(LINE.replace("2000 d", "1 min"))
    code, said = interrupt_at("Ctrl-C ends it", "plc", mini, "--data", tmp_path / "data")
    assert code == 0
    assert "Traceback" not in said


def test_run_while_it_fills_the_lines(mini, tmp_path) -> None:
    code, said = interrupt_at("filling the line", "run", mini, "--data", tmp_path / "data")
    assert code == 130
    assert re.search(
        r"twin: interrupted while filling the lines with work in process \(.*%\)\r?\n$", said
    )
    assert "Traceback" not in said

"""Clients that nobody here wrote do with a PLC what a client does; one of them in each test run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from opcua.security import make_pki

FOLDER = Path(__file__).parents[1] / "interop"
sys.path.append(str(FOLDER))

from checks import STEPS, failures  # noqa: E402 -- of that folder
from run import node_opcua, saw  # noqa: E402

NODE = shutil.which("node")


@pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "node-opcua-client").is_dir(),
    reason="node-opcua's client is not installed: make tests/interop/node_modules, where npm is",
)
async def test_node_opcua_browses_subscribes_calls_and_writes(tmp_path) -> None:
    make_pki(tmp_path / "pki")
    seen = await saw(node_opcua(), tmp_path / "pki")
    assert failures(seen) == {}
    assert seen["countsStatus"] == "Good"


def test_the_table_of_clients_says_why_one_is_left_out(tmp_path) -> None:
    ran = subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), "gopcua", "asyncua"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "gopcua (Go): go is not installed" in ran.stdout
    (row,) = [line for line in ran.stdout.splitlines() if "asyncua (Python)" in line]
    assert row.count("yes") == 1 + len(STEPS)


def test_what_a_client_should_not_have_seen_is_a_failure() -> None:
    assert set(failures({})) == set(STEPS)
    seen = {"stop": "BadNotImplemented", "start": "BadInvalidState"}
    assert "BadNotImplemented" in failures(seen)["call"]

"""`twin tags` and `twin command` against a PLC in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """An S7-1500 that serves five stations, without encryption: its URL, and a place to work."""
    here = tmp_path_factory.mktemp("tags")
    process = subprocess.Popen(
        [sys.executable, "-m", "twin", "plc", "five_stations", "--as", "s7-1500", "--port", "PLC=0",
         "--no-security", "--json", "--data", str(here / "data")],
        stdout=subprocess.PIPE, text=True, cwd=here,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "listening":
                yield event["endpoints"]["PLC"], here
                break
    finally:
        process.terminate()
        process.communicate(timeout=30)


def twin(here: Path, *args: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "twin", *args], cwd=here, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_from_a_server_to_a_map_that_is_right(served) -> None:
    url, here = served
    code, out, err = twin(here, "tags", "suggest", "five_stations", url, "--no-security")
    assert code == 0, err
    assert "73 signals found" in err
    assert "nothing is lacking" in err
    (here / "draft.yaml").write_text(out, encoding="utf-8")
    code, out, _ = twin(here, "tags", "check", "draft.yaml", "--for", "8", "--json")
    checked = json.loads(out)
    assert code == 0
    assert len(checked) == 73
    assert sum(one["changes"] > 0 for one in checked) > 5
    code, out, _ = twin(here, "tags", "check", "draft.yaml", "--offline")
    assert (code, out) == (0, "draft.yaml: the map of FIVE is right: 1 PLC, 73 tags\n")


def test_what_a_server_has(served) -> None:
    url, here = served
    code, out, _ = twin(
        here, "tags", "browse", url, "--no-security", "--line", "five_stations",
        "--match", "*M101/Status/StateCurrent", "--json",
    )  # fmt: skip
    assert code == 0
    (state,) = json.loads(out)
    assert state["type"] == "Int32"
    assert state["may_be"] == "M101.state_current (type)"
    assert state["node"].endswith('"M1"."M101"."Status"."StateCurrent"')
    code, out, _ = twin(here, "tags", "browse", url, "--no-security", "--match", "*M201*Count")
    assert code == 0
    assert "ProdConsumedCount" in out


def test_a_map_that_is_wrong_says_where(served) -> None:
    url, here = served
    text = (ROOT / "opcua/tagmap/examples/s7-1500.yaml").read_text(encoding="utf-8")
    text = text.replace("opc.tcp://127.0.0.1:4841", url)
    text = text.replace("    namespace:", "    security: {policy: none}\n    namespace:")
    (here / "bad.yaml").write_text(text.replace("FailureCount", "Failures"), encoding="utf-8")
    code, out, err = twin(here, "tags", "check", "bad.yaml", "--for", "1")
    assert code == 1
    assert "M101.failures" in out
    assert "5 tags of the map must be mended" in err
    (here / "worse.yaml").write_text(text.replace("  state:", "  stat:"), encoding="utf-8")
    code, _, err = twin(here, "tags", "check", "worse.yaml")
    assert code == 1
    assert "worse.yaml:14:17:" in err
    assert "did you mean 'state'?" in err
    code, _, err = twin(here, "tags", "browse", "opc.tcp://127.0.0.1:1", "--no-security")
    assert code == 1
    assert "opc.tcp://127.0.0.1:1" in err
    code, _, err = twin(here, "tags", "suggest", "storage_line", url, "--no-security")
    assert code == 2
    assert "--plc must be one of" in err


def test_commands_are_off_dry_and_written_down(served) -> None:
    url, here = served
    text = (ROOT / "opcua/tagmap/examples/s7-1500.yaml").read_text(encoding="utf-8")
    text = text.replace("opc.tcp://127.0.0.1:4841", url)
    text = text.replace("    namespace:", "    security: {policy: none}\n    namespace:")
    (here / "off.yaml").write_text(text, encoding="utf-8")
    give = ("M101", "pace", "1.5", "--role", "lead")
    code, _, err = twin(here, "command", "off.yaml", *give)
    assert code == 1
    assert "commands are off by default" in err
    node = '{node: \'"Setpoints"."CycleTimeFactor"\', low: 1, high: 2, role: lead, every: 1 h}'
    entry = f"        commands:\n          pace: {node}\n      - match: B*"
    (here / "on.yaml").write_text(text.replace("      - match: B*", entry, 1), encoding="utf-8")
    code, out, err = twin(here, "command", "on.yaml", *give)
    assert code == 0, err
    assert "dry run: it would have been done (it shows 1.0)" in out
    code, out, _ = twin(here, "command", "on.yaml", *give, "--really")
    assert code == 0
    assert "done: 1.0 before, 1.5 read back" in out
    code, _, err = twin(here, "command", "on.yaml", *give, "--really")
    assert code == 1
    assert "must be 3600 s after the last one" in err
    code, out, _ = twin(here, "command", "on.yaml", "--log", "--json")
    assert [entry["outcome"].partition(":")[0] for entry in json.loads(out)] == [
        "dry run", "done", "M101 pace",
    ]  # fmt: skip
    code, _, err = twin(here, "command", "on.yaml", "M101")
    assert code == 2


def test_a_line_whose_plcs_are_there_is_watched_by_its_map(served) -> None:
    url, here = served
    text = (ROOT / "opcua/tagmap/examples/s7-1500.yaml").read_text(encoding="utf-8")
    text = text.replace("opc.tcp://127.0.0.1:4841", url)
    text = text.replace("    namespace:", "    security: {policy: none}\n    namespace:")
    (here / "there.yaml").write_text(text, encoding="utf-8")
    code, out, err = twin(
        here, "run", "five_stations", "--tags", "there.yaml", "--plain", "--for", "4 s",
        "--data", str(here / "watched"),
    )  # fmt: skip
    assert code == 0, err
    assert "FIVE: PLC connected: M1, M2, M3, M4, M5" in err
    assert "FIVE" in out
    assert "is lost" not in err
    code, out, _ = twin(
        here, "history", "--data", str(here / "watched"), "--unit", "M101", "--json"
    )
    assert code == 0
    assert "state_current" in out
    code, _, err = twin(here, "run", "tube_line", "--tags", "there.yaml", "--plain")
    assert code == 2
    assert "must be for a line that is run, got 'FIVE'" in err

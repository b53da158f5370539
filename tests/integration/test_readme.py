"""Every command of the README and the how-tos runs as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from fixed_ports import turn

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "docs/how-to/describe-a-line.md",
    "docs/how-to/connect-a-client.md",
    "docs/how-to/connect-a-real-plc.md",
    "docs/how-to/work-with-alarms.md",
    "docs/how-to/secure-a-plc.md",
    "docs/how-to/trace.md",
    "docs/how-to/what-if.md",
    "docs/how-to/bottleneck.md",
    "docs/how-to/forecast.md",
    "docs/how-to/live-at.md",
    "docs/how-to/supply.md",
    "docs/how-to/energy.md",
    "docs/how-to/labour.md",
    "docs/how-to/calibrate.md",
)
DEADLINE_S = 120


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def _commands(page: str) -> list[str]:
    return [line for block in _blocks(page, "sh") for line in block.splitlines() if line.strip()]


ALL = [(page, command) for page in PAGES for command in _commands(page)]
MAKE = [pair for pair in ALL if pair[1].startswith("make ")]
TWIN = [pair for pair in ALL if pair not in MAKE]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place like the root of a clone, so that what commands leave behind isn't left in ours."""
    here = tmp_path_factory.mktemp("readme")
    (here / ".venv").symlink_to(ROOT / ".venv")
    shutil.copytree(ROOT / "lines", here / "lines")
    shutil.copytree(ROOT / "opcua/tagmap/examples", here / "opcua/tagmap/examples")
    demo = _blocks("docs/how-to/describe-a-line.md", "yaml")[0]
    (here / "demo.yaml").write_text(demo, encoding="utf-8")
    scenarios = _blocks("docs/how-to/what-if.md", "yaml")[0]
    (here / "scenarios.yaml").write_text(scenarios, encoding="utf-8")
    bread = _blocks("docs/how-to/supply.md", "yaml")
    for name, text in zip(("bread.yaml", "bread.supply.yaml"), bread, strict=True):
        (here / name).write_text(text, encoding="utf-8")
    with turn(tmp_path_factory):
        _run(".venv/bin/twin run tube_line --speed 60 --plain --for '3 s'", here)
    return here


def _run(command: str, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command),
        cwd=where,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def _run_until_it_listens(command: str, where: Path) -> tuple[int, str]:
    """Start a command that goes on for ever, wait for its PLCs, and end it as Ctrl-C does.

    Returns its exit code and what it said of errors.
    """
    with subprocess.Popen(
        shlex.split(command), cwd=where, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "Ctrl-C" in line:
                process.send_signal(signal.SIGINT)
                break
        said += process.stderr.readlines()
        return process.wait(DEADLINE_S), "".join(said)


def test_the_pages_have_commands() -> None:
    assert {page for page, _ in ALL} == set(PAGES)
    assert [command for _, command in MAKE] == ["make run", "make test"]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", PAGES)
def test_a_pages_commands_run_as_they_stand(
    page: str, elsewhere: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not (ROOT / ".venv/bin/twin").exists():
        pytest.skip("no .venv/bin/twin: the tests don't run from the environment that make builds")
    for command in (command for its, command in TWIN if its == page):
        serves = shlex.split(command)[1] in {"plc", "run"}
        with turn(tmp_path_factory) if serves else nullcontext():
            _runs(page, command, elsewhere)


def _runs(page: str, command: str, where: Path) -> None:
    words = shlex.split(command)
    if words[1] == "plc":
        code, said = _run_until_it_listens(command, where)
        assert code == 0, f"{page}: {command}\n{said}"
        return
    if words[1] == "run":
        command += " --plain --for '3 s'"
    done = _run(command, where)
    assert done.returncode == 0, f"{page}: {command}\n{done.stderr}"
    assert done.stdout or done.stderr


def test_the_python_of_the_page_runs() -> None:
    blocks = _blocks("docs/how-to/simulate-from-python.md", "python")
    assert blocks
    done = subprocess.run(
        [sys.executable, "-c", "".join(blocks)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nan" not in done.stdout


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("fixed_ports")
def test_make_run_runs_the_main_job() -> None:
    """`make run` on a line that starts quickly; `make test` is what runs this test."""
    if not shutil.which("make") or not (ROOT / ".venv/.runs").exists():
        pytest.skip("needs make, and the environment that it builds")
    arguments = "lines/examples/five_stations.yaml --plain --for '2 s' --data {}"
    done = subprocess.run(
        ["make", "run", f"ARGS={arguments.format(ROOT / '.pytest_cache' / 'make-run')}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "FIVE" in done.stdout

"""Imports point one way, every module has its layer, every library its home."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("twin", "opcua", "lines", "dashboards")
CONTRACT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"][0]

HOMES = {
    "asyncua": ("opcua/",),
    "distributed": ("twin/whatif/workers.py",),
    "cryptography": ("opcua/",),
    "fastapi": ("dashboards/live/",),
    "duckdb": (
        "twin/historian/duckdb_store/",
        "twin/historian/recording.py",
        "twin/engine/trace_file.py",
    ),
    "grafana_api": ("dashboards/grafana/push.py",),
    "influxdb_client": ("twin/historian/influx.py",),
    "loky": ("twin/whatif/workers.py",),
    "optuna": ("twin/whatif/search.py",),
    "pyarrow": ("twin/historian/tables.py",),
    "pydantic": (
        "twin/model/",
        "twin/engine/snapshot.py",
        "twin/engine/line_mark.py",
        "twin/engine/trace_header.py",
        "lines/",
        "dashboards/live/",
        "opcua/tagmap/",
        "twin/whatif/amount.py",
        "twin/whatif/result.py",
    ),
    "pytest": ("opcua/pytest_plugin.py",),
    "requests": ("dashboards/grafana/push.py",),
    "rich": ("twin/cli/",),
    "ruamel": ("dashboards/grafana/files.py", "lines/yaml_events.py", "opcua/tag_map.py"),
    "scipy": (
        "twin/calibration/families.py",
        "twin/calibration/fitting.py",
        "twin/calibration/judging.py",
        "twin/calibration/rates.py",
        "twin/calibration/together.py",
        "twin/engine/quantiles.py",
        "twin/engine/results.py",
        "twin/whatif/estimates.py",
        "twin/whatif/markov.py",
    ),
    "starlette": ("dashboards/live/",),
    "uvicorn": ("dashboards/live/serve.py",),
    "simpy": ("twin/engine/agenda.py",),
    "typer": ("twin/cli/",),
    "urllib3": ("twin/historian/influx.py",),
    "yaml": ("lines/yaml_events.py",),
}
"""Which files may import a library; numpy is everybody's."""


def _files() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_imports_point_one_way() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_has_its_layer() -> None:
    layers = {name.strip() for layer in CONTRACT["layers"] for name in layer.split("|")}

    def has_layer(module: str) -> bool:
        return any(module == layer or module.startswith(f"{layer}.") for layer in layers)

    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts) for p in _files()}
    free = {"twin.__init__", "twin.__main__", "twin.historian.__init__"}
    assert sorted(m for m in modules - free if not has_layer(m)) == []


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_at_home_only(library: str) -> None:
    users = {str(p.relative_to(ROOT)) for p in _files() if library in _imported(p)}
    assert users
    assert sorted(user for user in users if not user.startswith(HOMES[library])) == []


def test_every_library_has_a_home() -> None:
    ours = {*PACKAGES, "numpy", *sys.stdlib_module_names}
    used = {name for path in _files() for name in _imported(path)}
    assert sorted(used - ours - set(HOMES)) == []


def test_the_dead_opcua_of_pypi_is_not_installed_beside_ours() -> None:
    import opcua

    assert Path(opcua.__file__).parent == ROOT / "opcua"


def test_no_conflict_is_left_in_a_text() -> None:
    marks = ("<" * 7 + " ", ">" * 7 + " ")
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "lines").rglob("*.yaml")]
    left = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in texts
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(marks)
    ]
    assert len(texts) > 40
    assert left == []

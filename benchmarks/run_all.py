"""All benchmarks that need nothing extra, one after the other, with a table of their figures.

    python benchmarks/run_all.py [--markdown FILE] [NAME ...]

A NAME is a script's path under `benchmarks/`; without one, all. Exit code 1 if one failed; a figure
that misses what is wanted is marked, and fails nothing, as the machine may be busy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import TABLE, Figure, machine

HERE = Path(__file__).parent
NO_BENCHMARKS = {"figures.py", "plain_line.py", "run_all.py"}
IN_FOLDERS = ("systemc/compare.py", "peers/compare.py")
"""They say so themselves where what they compare with is not installed."""


def scripts() -> list[str]:
    """Every benchmark, by its path under this folder."""
    beside = sorted(path.name for path in HERE.glob("*.py"))
    return [name for name in beside if name not in NO_BENCHMARKS] + list(IN_FOLDERS)


def markdown(figures: list[Figure]) -> str:
    """The table as a page."""
    rows = [
        "# Speed: the figures",
        "",
        f"*Written by `make bench` on {machine()}; [what they are](speed.md).*",
        "",
        "| what | median | unit | lowest to highest | wanted |",
        "|---|---:|---|---|---|",
        *(f"| {' | '.join(figure.cells())} |".replace("|  |", "| |") for figure in figures),
    ]
    return "\n".join(rows) + "\n"


def main() -> int:
    """Run them, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(scripts())}")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    arguments = parser.parse_args()
    names = arguments.names or scripts()
    if unknown := [name for name in names if name not in scripts()]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(scripts())}")
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "figures"
        table.touch()
        for name in names:
            print(f"== {name}", flush=True)
            began = time.monotonic()
            command = [sys.executable, str(HERE / name)]
            done = subprocess.run(command, check=False, env={**os.environ, TABLE: str(table)})
            if done.returncode:
                failed.append(name)
            print(f"   {time.monotonic() - began:.0f} s", flush=True)
        figures = [Figure(**json.loads(row)) for row in table.read_text().splitlines()]
    print(f"\n== {machine()}")
    print("  {:50} {:>9} {:8} {:19} wanted".format("what", "median", "unit", "lowest to highest"))
    for figure in figures:
        print(figure.row())
    if arguments.markdown:
        arguments.markdown.write_text(markdown(figures), encoding="utf-8")
    missed = [figure.what for figure in figures if "NO" in figure.wanted]
    print(f"{len(figures)} figures; {len(missed)} of them miss what is wanted")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

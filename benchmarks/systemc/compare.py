"""The compiled engine beside SystemC on the plain line, in one run, turns alternating.

    python benchmarks/systemc/compare.py

SystemC (Debian, Ubuntu: `apt-get install g++ libsystemc-dev`) runs `line.cpp`, which keeps no
statistics, in two ways: with a process for each station and an `sc_fifo` for each buffer, as such a
model is written, and without coroutines and delta cycles, as one that must be fast is written. The
compiled engine runs in two ways as well, without a log: as it is installed, with all its
statistics, and compiled anew without them (`-DSTATISTICS=0`), as SystemC runs. Counted are
operations completed for each second of CPU. All must find the same throughput: exit code 1 if they
don't.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from figures import machine, show  # noqa: E402
from plain_line import CAPACITY, STATIONS, plain_line  # noqa: E402

import twin.engine  # noqa: E402
from twin.engine import Estimate  # noqa: E402
from twin.engine.kernel import KernelEngine  # noqa: E402

TURNS = 15
WARM_UP_US = 5_000_000_000
SPAN_US = 40_000_000_000
DEVIATIONS = 4.0
"""Two estimates of one throughput lie farther apart than this once in 16,000 runs or so."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did in its span, after the warm-up."""

    operations: int
    parts_out: int
    cpu_s: float

    @property
    def operations_per_s(self) -> float:
        """Operations completed for each second of CPU."""
        return self.operations / self.cpu_s

    @property
    def parts_per_s(self) -> float:
        """Throughput, parts for each simulated second."""
        return self.parts_out / (SPAN_US / 1e6)


def compiled(folder: Path) -> Path | None:
    """Compile `line.cpp`; None where there is no SystemC or no compiler for it."""
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        return None
    flags = ["-std=c++17", "-O3", "-DNDEBUG"]
    probe = [compiler, *flags, "-fsyntax-only", "-include", "systemc", "-x", "c++", "/dev/null"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return None
    program = folder / "line"
    subprocess.run(
        [compiler, *flags, str(HERE / "line.cpp"), "-lsystemc", "-o", str(program)], check=True
    )
    return program


def bare_kernel(folder: Path) -> Path:
    """Compile the engine without statistics, as the package compiles it otherwise."""
    library = folder / "bare.so"
    source = Path(twin.engine.__file__).with_name("kernel.c")
    flags = ["-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden", "-DSTATISTICS=0"]
    command = ["cc", *flags, str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    return library


def by_systemc(program: Path, how: str, seed: int) -> Run:
    """Run the plain line in SystemC."""
    numbers = [STATIONS, CAPACITY, seed, WARM_UP_US, SPAN_US]
    done = subprocess.run(
        [str(program), how, *map(str, numbers)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMC_DISABLE_COPYRIGHT_MESSAGE": "1"},
    )
    operations, parts_out, cpu_s = done.stdout.split()
    return Run(int(operations), int(parts_out), float(cpu_s))


def by_kernel(seed: int, library: Path | None = None) -> Run:
    """Run it in the compiled engine: the installed one, or another."""
    engine = KernelEngine(plain_line(), seed=seed, library=library)
    engine.advance(WARM_UP_US)
    before, began = engine.counters(), time.process_time()
    engine.advance(WARM_UP_US + SPAN_US)
    spent, made = time.process_time() - began, engine.counters().since(before)
    return Run(int(made.completed.sum()), int(made.completed[-1]), spent)


def agree(name: str, one: list[Run], other: list[Run]) -> bool:
    """Whether two found the same throughput; prints both."""
    rates = [[run.parts_per_s for run in runs] for runs in (one, other)]
    a, b = map(Estimate.of, rates)
    error = sum(statistics.variance(values) / len(values) for values in rates) ** 0.5
    same = abs(a.mean - b.mean) <= DEVIATIONS * error
    print(
        f"  throughput, parts/s: kernel {a.mean:.5f} +- {a.half_width_95:.5f}, "
        f"{name} {b.mean:.5f} +- {b.half_width_95:.5f}: {'the same' if same else 'DIFFERENT'}"
    )
    return same


def main() -> int:
    """Take turns, print the figures and both throughputs."""
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(Path(folder))
        if program is None:
            print("SystemC is not installed (Debian, Ubuntu: apt-get install g++ libsystemc-dev)")
            return 0
        print(f"{machine()}; median of {TURNS} turns, lowest to highest, what is wanted")
        bare = bare_kernel(Path(folder))
        kernel: list[Run] = []
        counting: list[Run] = []
        threads: list[Run] = []
        methods: list[Run] = []
        for seed in range(1, TURNS + 1):
            kernel.append(by_kernel(seed, bare))
            counting.append(by_kernel(seed))
            threads.append(by_systemc(program, "threads", seed))
            methods.append(by_systemc(program, "methods", seed))
    for how, runs in (("kernel without statistics", kernel), ("kernel", counting)):
        show(f"PLAIN: {how}, operations/s", [r.operations_per_s for r in runs], "M", scale=1e6)
    for name, runs, least in (
        ("SystemC processes", threads, 5.0),
        ("SystemC methods", methods, None),
    ):
        speeds = [run.operations_per_s for run in runs]
        show(f"PLAIN: {name}, operations/s", speeds, "M", scale=1e6)
        for how, ours, wanted in (("without statistics", kernel, least), ("with", counting, None)):
            ratios = [k.operations_per_s / s for k, s in zip(ours, speeds, strict=True)]
            show(f"PLAIN: kernel {how} / {name}", ratios, "times", least=wanted)
    same = [agree("SystemC processes", kernel, threads), agree("SystemC methods", kernel, methods)]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Compiles the engine's C file when the package is built or installed.

The system's compiler does it (`CC`, or cc, gcc, clang); where there is none, the one that comes as
the wheel `ziglang`. Where neither works the package installs all the same, without it.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("twin", "engine", "kernel.c")
LIBRARY = Path("twin", "engine", "libkernel.dll" if os.name == "nt" else "libkernel.so")
FLAGS = ("-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden")


def _system_compiler() -> list[str] | None:
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    return [found] if found else None


class KernelBuildHook(BuildHookInterface[Any]):
    """Adds the compiled engine to a wheel, or puts it beside its source for an editable install."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling."""
        return [] if _system_compiler() else ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        compiler = _system_compiler()
        if compiler is None and importlib.util.find_spec("ziglang"):
            compiler = [sys.executable, "-m", "ziglang", "cc"]
        if compiler is None:
            self.app.display_warning("linetwin: no C compiler; the compiled engine is left out")
            return
        command = [*compiler, *FLAGS, str(root / SOURCE), "-o", str(root / LIBRARY)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", "") or str(error)
            self.app.display_warning(f"linetwin: the compiled engine is left out: {reason}")
            return
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["artifacts"].append(LIBRARY.as_posix())

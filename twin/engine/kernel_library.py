"""The compiled engine's library: where it is, what it takes and gives, and that it fits."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from twin.engine.identity import Same
from twin.engine.kernel_rows import saved_fields
from twin.engine.kernel_stop import StopPlan
from twin.engine.program import LAYOUT, Program
from twin.engine.program_check import check_program
from twin.errors import EngineError

__all__ = [
    "LOG_IS_FULL",
    "OUT_OF_MEMORY",
    "STOPPED",
    "ProgramTables",
    "as_struct",
    "kernel_library",
    "load_kernel",
]

OK, OUT_OF_MEMORY, LOG_IS_FULL, STOPPED = range(4)


def kernel_library() -> Path | None:
    """Where the compiled engine is installed; None if it is not."""
    beside = [Path(__file__).with_name(name) for name in ("libkernel.so", "libkernel.dll")]
    return next((path for path in beside if path.exists()), None)


class _Table(ctypes.Structure):
    _fields_ = [("rows", ctypes.c_void_p), ("count", ctypes.c_int64)]


class ProgramTables(ctypes.Structure):
    """The kernel's `Program`: it points into the arrays of a `Program`, which must outlive it."""

    _fields_ = [(name, _Table) for name in LAYOUT]


@lru_cache(maxsize=4)
def load_kernel(path: Path) -> ctypes.CDLL:
    """Load the kernel's library and check that it means the same tables as `program.py`.

    Raises:
        EngineError: the library was built from other sources.
    """
    library = ctypes.CDLL(str(path))
    i64, pointer, text = ctypes.c_int64, ctypes.c_void_p, ctypes.c_char_p
    out = ctypes.POINTER(ctypes.c_int64)
    program = ctypes.POINTER(ProgramTables)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "linetwin_empty": (pointer, [program, i64]),
        "linetwin_load": (pointer, [program, pointer, i64, i64, i64, ctypes.c_int]),
        "linetwin_begin": (pointer, [pointer, text, i64, pointer, i64, ctypes.c_int]),
        "linetwin_fork": (pointer, [pointer, ctypes.c_int]),
        "linetwin_close": (None, [pointer]),
        "linetwin_advance": (ctypes.c_int, [pointer, i64, i64, ctypes.POINTER(StopPlan)]),
        "linetwin_counted": (i64, [pointer]),
        "linetwin_count": (None, [pointer, pointer]),
        "linetwin_take_log": (pointer, [pointer, out]),
        "linetwin_hourly": (pointer, [pointer, out]),
        "linetwin_now": (i64, [pointer]),
        "linetwin_plan_row": (i64, [text]),
        "linetwin_saved_fields": (text, []),
        "linetwin_parts": (i64, [pointer]),
        "linetwin_save": (None, [pointer, pointer]),
        "linetwin_key": (None, [pointer, i64, pointer]),
    }
    try:
        for name, (result, arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise EngineError(f"{path} is of another version; build the kernel anew") from error
    for name in LAYOUT:
        if library.linetwin_plan_row(name.encode()) != 8 * len(LAYOUT[name]):
            raise EngineError(f"{path} has another layout of {name}; build the kernel anew")
    if library.linetwin_saved_fields().decode() != saved_fields():
        raise EngineError(f"{path} has another layout of snapshots; build the kernel anew")
    return library


def as_struct(program: Program) -> ProgramTables:
    """A program as the kernel reads it, once it is known that it can; checked once each.

    Raises:
        EngineError: it contradicts itself.
    """
    return _checked(Same(program))


@lru_cache(maxsize=32)
def _checked(same: Same[Program]) -> ProgramTables:
    check_program(same.value)
    struct = ProgramTables()
    for name, table in same.value.tables.items():
        setattr(struct, name, _Table(table.ctypes.data, len(table)))
    return struct

"""The rows of a snapshot as the compiled engine writes and reads them: one block of int64.

The kernel numbers places by their rank (most downstream first), a snapshot by the line file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.engine.program import LAYOUT, Program
from twin.engine.snapshot import SAVED, Tables

__all__ = ["buffer_size", "kernel_place_of", "pack", "saved_fields", "unpack"]

Ints = NDArray[np.int64]
HELD_IN, HOLDER = (SAVED["parts"].index(name) for name in ("held_in", "holder"))


def saved_fields() -> str:
    """What the kernel takes of a snapshot: a flag, and the tables and their columns."""
    tables = (f"{name}: {' '.join(columns)}\n" for name, columns in SAVED.items())
    return "snapshot: settled\n" + "".join(tables)


def _rows(program: Program, name: str, parts: int) -> int:
    return parts if name == "parts" else len(program.tables[name])


def buffer_size(program: Program, parts: int) -> int:
    """How many words the rows take with so many parts."""
    return sum(_rows(program, name, parts) * len(columns) for name, columns in SAVED.items())


def kernel_place_of(program: Program) -> Ints:
    """For each place in the order of the file its number in the kernel."""
    machine = program.tables["places"][:, LAYOUT["places"].index("machine")]
    return np.argsort(machine, kind="stable")


def unpack(program: Program, words: Ints, parts: int) -> Tables:
    """The tables of a block, in the order of the file."""
    tables: Tables = {}
    start = 0
    for name, columns in SAVED.items():
        end = start + _rows(program, name, parts) * len(columns)
        tables[name] = words[start:end].reshape(-1, len(columns))
        start = end
    kernel_place = kernel_place_of(program)
    tables["places"] = tables["places"][kernel_place]
    rows = tables["parts"]
    on_place = rows[:, HELD_IN] > 0
    rows[on_place, HOLDER] = np.argsort(kernel_place)[rows[on_place, HOLDER]]
    tables["parts"] = rows[np.lexsort((rows[:, HOLDER], rows[:, HELD_IN]))]
    return tables


def pack(program: Program, tables: Tables) -> Ints:
    """The block of checked tables in the order of the file."""
    kernel_place = kernel_place_of(program)
    places = np.empty_like(tables["places"])
    places[kernel_place] = tables["places"]
    parts = tables["parts"].copy()
    on_place = parts[:, HELD_IN] > 0
    parts[on_place, HOLDER] = kernel_place[parts[on_place, HOLDER]]
    changed = {**tables, "places": places, "parts": parts}
    return np.concatenate([changed[name].ravel() for name in SAVED])

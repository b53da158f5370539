"""DuckDB's and the system's errors in words: what, where, and the remedy."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from twin.errors import LinetwinError, NotConnected

__all__ = ["explained", "is_locked"]

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
_AWAY: Final = (errno.ENOENT, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT)


def is_locked(error: duckdb.Error) -> bool:
    """Whether another process holds the file; DuckDB says so in words only."""
    return "Could not set lock" in str(error) or "used by another process" in str(error)


def explained(error: duckdb.Error | OSError, path: Path) -> LinetwinError:
    """Turn DuckDB's or the system's error into one that says what, where and the remedy."""
    said = str(error)
    cause = said.splitlines()[0] if said else type(error).__name__

    def names(codes: Sequence[int]) -> bool:
        return any(os.strerror(code) in said for code in codes)

    if isinstance(error, duckdb.Error) and is_locked(error):
        return NotConnected(f"{path}: another process has it now; try again when it is done")
    if names(_FULL):
        return LinetwinError(f"{path}: the disk is full; make room and retry ({cause})")
    if names(_FORBIDDEN):
        return LinetwinError(
            f"{path}: the file and its directory must be writable for the user that runs this; "
            f"change their permissions or choose another path ({cause})"
        )
    if names(_AWAY):
        return NotConnected(f"{path}: the store is away; it is tried again ({cause})")
    if "not a valid DuckDB database file" in said or names((errno.EISDIR,)):
        return LinetwinError(
            f"{path}: must be a DuckDB file, but is something else; choose another path"
        )
    if "database file with version number" in said:
        return LinetwinError(
            f"{path}: is of another DuckDB than the installed {duckdb.__version__}; "
            f"install the one that wrote it ({cause})"
        )
    if "Corrupt" in said or "Could not read enough bytes" in said:
        return LinetwinError(
            f"{path}: is damaged; move it away, with its .wal, and put a copy back ({cause})"
        )
    return LinetwinError(f"{path}: DuckDB failed; nothing was changed, try again ({cause})")

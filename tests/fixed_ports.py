"""Tests that serve the packaged lines at their fixed ports take turns, in any process."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["turn"]


@contextmanager
def turn(factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hold the ports of the packaged lines; wait while another worker of this run holds them."""
    lock = factory.getbasetemp().parent / "fixed_ports.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

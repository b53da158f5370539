"""The examples in the docstrings of every module run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import lines
import opcua
import twin

MODULES = [
    name
    for package in (lines, opcua, twin)
    for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    # What runs on import, and the compiled engine, which looks like an extension module.
    if name not in {"twin.__main__", "twin.engine.libkernel"}
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

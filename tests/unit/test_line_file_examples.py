"""The examples in the docstrings of the line files' and the model's modules run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import lines
import twin.model

MODULES = [
    name
    for package in (lines, twin.model)
    for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

"""Expressions over several tags: a small part of Python's own, checked before it is ever run.

Numbers, names, `+ - * / // %`, `& | ^ >>`, comparisons, `and or not`, `A if C else B`, and the
functions below. No attribute, no index, no text, no power: nothing that reaches anything but the
inputs, and nothing that takes long.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType, MappingProxyType
from typing import Any

from twin.errors import QuantityError
from twin.model.nearest import did_you_mean

__all__ = ["FUNCTIONS", "Expression", "expression"]

LONGEST = 500
_BIGGEST = 2**64


def _bit(value: int, number: int) -> bool:
    """One bit, 0 the lowest."""
    return bool(int(value) >> min(max(int(number), 0), 64) & 1)


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"abs": abs, "bit": _bit, "int": int, "max": max, "min": min, "round": round}
)
"""What may be called; `bit(word, 3)` is true where bit 3 is set, 0 the lowest."""

_ALLOWED = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Load,
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod),
    *(ast.BitAnd, ast.BitOr, ast.BitXor, ast.RShift),
    *(ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression.

    Args:
        text: as it was written.
        names: its inputs, in the order in which they are given to it.
    """

    text: str
    names: tuple[str, ...]
    _code: CodeType = field(repr=False, compare=False)

    def value(self, inputs: Iterable[Any]) -> Any:
        """Work it out.

        Args:
            inputs: a value for each name, in their order.

        Raises:
            ArithmeticError, TypeError, ValueError: it can't be worked out of these.

        >>> expression("good + scrap", ("good", "scrap")).value((90, 10))
        100
        """
        space = {"__builtins__": {}, **FUNCTIONS, **dict(zip(self.names, inputs, strict=True))}
        return eval(self._code, space)  # noqa: S307 -- every node of it has been checked


def expression(text: str, names: Iterable[str]) -> Expression:
    """Check an expression.

    Args:
        text: as `(a - b) * 0.1 if running else 0`.
        names: the inputs that it may name.

    Raises:
        QuantityError: it is none; the text says what must hold.

    >>> expression("open(1)", ("a",))
    Traceback (most recent call last):
    ...
    twin.errors.QuantityError: must call one of abs, bit, int, max, min, round, got open
    """
    known = tuple(names)
    if len(text) > LONGEST:
        raise QuantityError(f"must have at most {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else "too deep"
        raise QuantityError(f"must be an expression, as 'good + scrap' ({why})") from None
    for node in ast.walk(tree):
        _check(node, known)
    return Expression(text, known, compile(tree, "<expression>", "eval"))


def _check(node: ast.AST, names: tuple[str, ...]) -> None:
    if not isinstance(node, _ALLOWED):
        what = type(node).__name__
        raise QuantityError(
            f"must be made of numbers, names, + - * / // % & | ^ >>, comparisons, and, or, not, "
            f"if-else and {', '.join(FUNCTIONS)}; {what} is not allowed"
        )
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else "something else"
        if called not in FUNCTIONS or node.keywords:
            raise QuantityError(f"must call one of {', '.join(FUNCTIONS)}, got {called}")
    if isinstance(node, ast.Constant) and (
        not isinstance(node.value, bool | int | float) or abs(node.value) > _BIGGEST
    ):
        raise QuantityError(f"must hold plain numbers, got {str(node.value)[:20]!r}")
    if isinstance(node, ast.Name) and node.id not in names and node.id not in FUNCTIONS:
        raise QuantityError(
            f"must name its inputs, got {node.id}; {did_you_mean(node.id, names, 'it has none')}"
        )

"""What is wrong with a call, gathered: all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand

from twin.errors import LineFileError, UsageError

__all__ = ["Faults", "GatheredCommand", "refused"]

Value = TypeVar("Value")
_noting: ContextVar[bool] = ContextVar("noting", default=False)
_noted: ContextVar[tuple[str, ...]] = ContextVar("noted", default=())


def refused(message: str, instead: Value) -> Value:
    """Refuse an option's value: at once, or with all else where the command gathers.

    Args:
        message: where, what must hold and what was found.
        instead: what the command gets to see until it tells its faults.

    Raises:
        UsageError: the command does not gather.
    """
    if not _noting.get():
        raise UsageError(message)
    _noted.set((*_noted.get(), message))
    return instead


class GatheredCommand(TyperCommand):
    """A command whose refused options wait for its `Faults`, which it must make and tell."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; what one of ours refuses is noted."""
        _noted.set(())
        token = _noting.set(True)
        try:
            return list(super().parse_args(ctx, args))
        except typer.BadParameter as error:
            # Typer's own refusal, as of an argument that is missing, ends the reading of the call.
            said = error.format_message().replace("\n\t", " ")
            _tell([*_taken(), f"{said} See 'twin {ctx.info_name} --help'."])
            raise
        finally:
            _noting.reset(token)


def _taken() -> list[str]:
    said = list(_noted.get())
    _noted.set(())
    return said


def _tell(said: list[str]) -> None:
    if len(said) == 1:
        raise UsageError(said[0])
    if said:
        raise UsageError("\n".join([f"{len(said)} things are wrong:", *said]))


class Faults:
    """What is wrong with a call; of a `GatheredCommand`, its refused options first.

    >>> faults = Faults()
    >>> with faults.noted():
    ...     raise UsageError("--span must be greater than 0, got '0 h'")
    >>> with faults.noted():
    ...     raise UsageError("--precision must be a share, got 'x'")
    >>> faults.tell()
    Traceback (most recent call last):
    twin.errors.UsageError: 2 things are wrong:
    --span must be greater than 0, got '0 h'
    --precision must be a share, got 'x'
    """

    def __init__(self) -> None:
        self._said = _taken()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what a block refuses; what it would have made is not there then."""
        try:
            yield
        except (UsageError, LineFileError) as error:
            self._said += str(error).splitlines()

    @contextmanager
    def needed(self) -> Iterator[None]:
        """A block that the rest can't do without: what it refuses is told with all before it."""
        try:
            yield
        except (UsageError, LineFileError) as error:
            if not self._said:
                raise
            _tell([*self._said, *str(error).splitlines()])

    def tell(self) -> None:
        """Refuse the call if anything was noted.

        Raises:
            UsageError: names everything.
        """
        _tell(self._said)

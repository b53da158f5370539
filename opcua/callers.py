"""Who calls: asyncua tells a method its object and arguments, but not whose session it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = ["NOBODY", "Caller", "caller", "calling"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A session that asks for something.

    Args:
        user: who it is of; empty: nobody.
        session: asyncua's id of it.
    """

    user: str = ""
    session: Any = None


NOBODY = Caller()
_CALLER: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


def caller() -> Caller:
    """Return who calls.

    >>> caller() == NOBODY
    True
    """
    return _CALLER.get()


@contextmanager
def calling(who: Caller) -> Iterator[None]:
    """Say who calls while the context lasts.

    >>> with calling(Caller("eve")):
    ...     caller().user
    'eve'
    """
    token = _CALLER.set(who)
    try:
        yield
    finally:
        _CALLER.reset(token)

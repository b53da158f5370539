"""Ctrl-C while something is being done: what it was, how far it was, no traceback."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twin.errors import LinetwinError

__all__ = ["Interrupted", "ended_in_order", "interruptible"]


class Interrupted(LinetwinError):
    """Somebody pressed Ctrl-C; says what was being done."""


@contextmanager
def interruptible(doing: Callable[[], str]) -> Iterator[Callable[[], None]]:
    """Turn Ctrl-C within the block into `Interrupted`, whatever it looks like from inside.

    Args:
        doing: says what is being done, and how far it is.

    Yields:
        What a thread that the block waits for calls now and then: it raises once Ctrl-C has come.
        Only the main thread hears of it by itself.

    Raises:
        Interrupted: Ctrl-C has come.
    """
    pressed = False

    def note(_number: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def stop_if_pressed() -> None:
        if pressed:
            raise Interrupted(f"interrupted while {doing()}")

    if threading.current_thread() is not threading.main_thread():
        yield stop_if_pressed
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield stop_if_pressed
    except BaseException:
        if not pressed:
            raise
        raise Interrupted(f"interrupted while {doing()}") from None
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def ended_in_order() -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C within the block as a wish to have the answer so far.

    The next one does what it did before.

    Yields:
        Says, to any thread, whether it has come.
    """
    pressed = False

    def note(_number: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)

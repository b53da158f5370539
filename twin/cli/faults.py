"""What is wrong with a call, gathered: all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twin.errors import LineFileError, UsageError

__all__ = ["Faults"]


class Faults:
    """What is wrong with a call.

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
        self._said: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what a block refuses; what it would have made is not there then."""
        try:
            yield
        except (UsageError, LineFileError) as error:
            self._said += str(error).splitlines()

    def tell(self) -> None:
        """Refuse the call if anything was noted.

        Raises:
            UsageError: names everything.
        """
        if len(self._said) == 1:
            raise UsageError(self._said[0])
        if self._said:
            raise UsageError("\n".join([f"{len(self._said)} things are wrong:", *self._said]))

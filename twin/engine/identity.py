"""Values told by who they are, as keys of what has been worked out from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Same"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Same(Generic[T]):
    """A value that is equal to itself alone: comparing what it holds would take longer.

    >>> Same([]) == Same([]), (lambda one: Same(one) == Same(one))([])
    (False, True)
    """

    value: T

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

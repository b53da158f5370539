"""A buffer: where parts wait between stations, first in, first out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from twin.model.base import FileText, Frozen, Id
from twin.model.quantity import Probability

__all__ = ["Buffer"]


def _one_is_a_list_of_one(raw: Any) -> Any:
    if isinstance(raw, str):
        return (raw,)
    return tuple(raw) if isinstance(raw, list) else raw


_SomeIds = Annotated[tuple[Id, ...], Field(min_length=1)]
Ids = Annotated[
    _SomeIds,
    BeforeValidator(_one_is_a_list_of_one, json_schema_input_type=Id | _SomeIds),
    Field(description="the id of a station, or a list of ids"),
]


class Buffer(Frozen):
    """A buffer of a line.

    Args:
        id: its name.
        sources: the stations that put parts in (`from` in the file): one, or several that merge.
        sinks: the stations that take parts out (`to`): one, or several that share it.
        capacity: parts it holds, in each lane; 0: they go from machine to machine; absent:
            no limit.
        lanes: parallel queues, each with its own capacity.
        share: probability that a part of its source station takes this way; absent on all the
            source's buffers: the part goes where the level is lowest.
    """

    id: Id
    name: FileText | None = None
    sources: Ids = Field(alias="from")
    sinks: Ids = Field(alias="to")
    capacity: int | None = Field(default=None, ge=0, le=1_000_000_000)
    lanes: int = Field(default=1, ge=1, le=10_000)
    share: Probability | None = None

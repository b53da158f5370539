"""A line whose PLCs are real, or served by somebody else: a tag map says where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opcua.tagmap.file import LoadedTagMap, line_named_in, load_tag_map
from twin.cli.watch import LiveLine
from twin.errors import UsageError
from twin.model.line import Line
from twin.model.nearest import did_you_mean

__all__ = ["MappedPlant", "maps_of"]


@dataclass(slots=True)
class MappedPlant:
    """What `LineProcess` is to a twin, where the plant is there already.

    Args:
        line: file or packaged name.
        map: where its tags are.
        speed: times real speed; a real plant has 1.
    """

    line: str
    map: LoadedTagMap
    speed: float = 1.0
    endpoints: dict[str, str] = field(init=False)
    listening: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.endpoints = {plc.plc: plc.url for plc in self.map.map.plcs}
        self.listening.set()

    async def run(self) -> None:
        """Do nothing until cancelled."""
        await asyncio.Event().wait()

    async def watch(self, twin: LiveLine, pki: Path) -> None:
        """Watch the line by the map until cancelled.

        Args:
            twin: takes what comes.
            pki: the twin's own keys, for PLCs of which the map says nothing.
        """
        await twin.watch(self.map.map, self.map.access(pki))


def maps_of(files: Sequence[Path], lines: Sequence[Line]) -> dict[str, LoadedTagMap]:
    """Read tag maps, each for the line that it names.

    Args:
        files: the maps.
        lines: the lines that are run.

    Returns:
        By line's id its map.

    Raises:
        UsageError: a map is for another line, or two are for one.
        LineFileError: a map is wrong.
    """
    by_id = {line.id: line for line in lines}
    found: dict[str, LoadedTagMap] = {}
    for file in files:
        named = line_named_in(file)
        if named not in by_id:
            hint = did_you_mean(named, by_id)
            raise UsageError(
                f"--tags {file}: must be for a line that is run, got {named!r}; {hint}"
            )
        if named in found:
            raise UsageError(f"--tags {file}: must be the only map of {named}")
        found[named] = load_tag_map(file, by_id[named])
    return found

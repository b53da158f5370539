"""Reading a tag map: the map, or every fault of it with its file, line and column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from lines.place import place
from lines.structural import structural_faults
from lines.yaml_tree import MAX_BYTES, Unreadable, decode, plain, read_tree, too_large
from opcua.security import ClientSecurity
from opcua.tag_map import TagMap
from opcua.tagmap.access import access_to
from opcua.tagmap.expand import expand
from opcua.tagmap.model import TagMapFile
from twin.errors import Fault, LineFileError
from twin.model.base import FROM_FILE
from twin.model.line import Line

__all__ = ["EXAMPLES", "LoadedTagMap", "line_named_in", "load_tag_map", "tag_map_from_text"]

EXAMPLES = Path(__file__).parent / "examples"
"""The packaged examples of tag maps."""
_OF_LINES, _OF_MAPS = "from 'linetwin: 1' on", "from 'tags: 1' on"


@dataclass(frozen=True, slots=True)
class LoadedTagMap:
    """A tag map, and the file that it was written in.

    Args:
        map: what a subscriber works by.
        file: what a person wrote.
    """

    map: TagMap
    file: TagMapFile

    def access(self, pki: Path) -> dict[str, Callable[[], ClientSecurity | None]]:
        """Say by PLC who we are there, each time that it is asked.

        Args:
            pki: the twin's own keys, for PLCs of which the map says nothing.
        """
        return {plc.plc: access_to(plc.plc, plc.security, pki) for plc in self.file.plcs}


def line_named_in(path: Path) -> str:
    """Read which line a tag map says that it is for; empty where it does not say.

    Raises:
        LineFileError: there is no such file, or it is not YAML.
    """
    text = _read(path)
    try:
        tree, _ = read_tree(text)
    except Unreadable as error:
        raise LineFileError(_in_order(error.faults, str(path))) from None
    return str(plain(tree).get("line", ""))


def load_tag_map(path: Path, line: Line) -> LoadedTagMap:
    """Read a tag map's file.

    Args:
        path: where it is.
        line: the line that it is for.

    Raises:
        LineFileError: there is no such file, or it is no map of this line; names every fault.
    """
    return tag_map_from_text(_read(path), line, str(path))


def tag_map_from_text(text: str, line: Line, file: str = "tags.yaml") -> LoadedTagMap:
    """Read a tag map.

    Args:
        text: YAML.
        line: the line that it is for.
        file: what faults call it.

    Raises:
        LineFileError: it is no map of this line; names every fault, in the order of the text.

    >>> from lines.loader import load
    >>> text = '''
    ... line: FIVE
    ... plcs:
    ... - {plc: PLC, endpoint: "opc.tcp://127.0.0.1:4840", namespace: "http://vendor/",
    ...    units: [{match: "M*", signals: {stat: "{unit}.State"}}]}
    ... '''
    >>> try:
    ...     tag_map_from_text(text, load("five_stations"))
    ... except LineFileError as error:
    ...     print(str(error).partition("; did")[0])
    tags.yaml:5:42: plcs[0].units[0].signals.stat: must be a signal of these units, got stat
    """
    try:
        tree, faults = read_tree(text)
    except Unreadable as error:
        raise LineFileError(_in_order(error.faults, file)) from None
    document = plain(tree)
    try:
        written = TagMapFile.model_validate(
            document, context=FROM_FILE, by_alias=True, by_name=False
        )
    except ValidationError as error:
        faults += structural_faults(error, tree, document, TagMapFile)
        raise LineFileError(_in_order(faults, file)) from None
    made, wrong = expand(written, line)
    faults += [place(tree, fault) for fault in wrong]
    if faults:
        raise LineFileError(_in_order(faults, file))
    return LoadedTagMap(made, written)


def _read(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable([too_large(size)])
        return decode(path.read_bytes())
    except Unreadable as error:
        raise LineFileError([replace(f, file=str(path)) for f in error.faults]) from None
    except OSError as error:
        must = "must be a tag map that can be read"
        raise LineFileError([Fault(str(path), must, str(error.strerror))]) from None


def _in_order(faults: list[Fault], file: str) -> list[Fault]:
    named = [replace(f, file=file, must=f.must.replace(_OF_LINES, _OF_MAPS)) for f in faults]
    return sorted(dict.fromkeys(named), key=lambda f: (f.line, f.column, f.path, f.must))

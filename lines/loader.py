"""Reading a line file: the line, or every fault with its file, line and column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lines.place import place
from lines.provenance import strip
from lines.standins import draft_of
from lines.structural import structural_faults
from lines.yaml_tree import MAX_BYTES, Mapping, Unreadable, decode, plain, read_tree, too_large
from twin.errors import Fault, LineFileError
from twin.model.base import FROM_FILE
from twin.model.checks import Draft, check
from twin.model.line import Line
from twin.model.nearest import did_you_mean

__all__ = ["find", "load", "load_text", "packaged", "plants", "read_text", "shown_path"]

HERE = Path(__file__).parent


def packaged() -> dict[str, Path]:
    """Return the packaged line files by name.

    >>> "five_stations" in packaged()
    True
    """
    files = (path for path in sorted(HERE.rglob("*.yaml")) if ".supply" not in path.suffixes)
    return {path.stem: path for path in files}


def plants() -> tuple[str, ...]:
    """The names of the packaged lines that are plants, not examples."""
    return tuple(name for name, path in packaged().items() if path.parent.name != "examples")


def load(path_or_name: str | Path) -> Line:
    """Read a line file, or a packaged one by its name.

    Args:
        path_or_name: a path, or a name as `storage_line` (see `packaged`).

    Returns:
        The line, checked.

    Raises:
        LineFileError: there is no such file, or it is no line; names every fault.

    >>> load("five_stations").id
    'FIVE'
    """
    path = find(path_or_name)
    return load_text(_read(path), file=shown_path(path))


def read_text(path_or_name: str | Path) -> tuple[Path, str]:
    """Find a line file, or a packaged one by its name, and read its text.

    Raises:
        LineFileError: there is no such file, or it can't be read as a text.

    >>> read_text("five_stations")[0].name
    'five_stations.yaml'
    """
    path = find(path_or_name)
    return path, _read(path)


def find(path_or_name: str | Path) -> Path:
    """Find a line file, or a packaged one by its name.

    Raises:
        LineFileError: there is no such file.
    """
    path = Path(path_or_name)
    files = packaged()
    if not path.exists() and str(path_or_name) in files:
        path = files[str(path_or_name)]
    if not path.is_file():
        must = "must be a line file, or the name of a packaged one"
        found = "a folder" if path.is_dir() else "no such file"
        raise LineFileError([Fault(str(path_or_name), must, found, did_you_mean(path.stem, files))])
    return path


def load_text(text: str, file: str = "line.yaml") -> Line:
    """Read a line from a text in YAML.

    Args:
        text: the whole text.
        file: what faults call it.

    Returns:
        The line, checked.

    Raises:
        LineFileError: it is no line; names every fault, in the order of the text.

    >>> text = "id: L\\nstations: [{id: A, cycle_time: 1 s, machines: 0}]\\n"
    >>> try:
    ...     load_text(text)
    ... except LineFileError as error:
    ...     print(error)
    line.yaml:2:47: stations[0].machines: must be at least 1, got 0
    """
    return _checked(text, file)


@lru_cache(maxsize=4)
def _checked(text: str, file: str) -> Line:
    """Read a text; again at no cost, as the parser takes its time and a line never changes."""
    try:
        tree, faults = read_tree(text)
    except Unreadable as error:
        raise LineFileError(_in_order(error.faults, file)) from None
    stripped = strip(tree)
    faults += [*stripped.faults, *_not_for_files(stripped.tree)]
    document: dict[str, Any] = plain(stripped.tree)
    line = None
    try:
        line = Line.model_validate(
            {**document, "provenance": stripped.provenance},
            context=FROM_FILE,
            by_alias=True,
            by_name=False,
        )
        draft = Draft(line)
    except ValidationError as error:
        faults += structural_faults(error, stripped.tree, document)
        draft = draft_of(document)
    faults += [place(stripped.tree, fault) for fault in check(draft)]
    if line is None or faults:
        raise LineFileError(_in_order(faults, file))
    return line


def _not_for_files(tree: Mapping) -> list[Fault]:
    """Refuse the one field of a line that the loader itself fills."""
    if "provenance" not in tree.keys:
        return []
    line, column = tree.keys["provenance"]
    remedy = "a source stands beside the value it is for"
    return [Fault("provenance", "must be a known key", "", remedy, line=line, column=column)]


def _read(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable([too_large(size)])
        return decode(path.read_bytes())
    except Unreadable as error:
        raise LineFileError(_in_order(error.faults, shown_path(path))) from None
    except OSError as error:
        must = "must be a file that can be read"
        raise LineFileError([Fault(str(path), must, str(error.strerror))]) from None


def shown_path(path: Path) -> str:
    """Return a path as short as it can be named from here."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _in_order(faults: Iterable[Fault], file: str) -> list[Fault]:
    """Sort faults by position, each once."""
    named = dict.fromkeys(replace(fault, file=file) for fault in faults)
    return sorted(named, key=lambda fault: (fault.line, fault.column, fault.path, fault.must))

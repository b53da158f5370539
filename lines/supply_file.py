"""Supply files: who supplies a line and whom it delivers to, beside the line file.

`my_line.supply.yaml` lies beside `my_line.yaml`; the packaged lines have theirs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from lines.loader import packaged
from lines.place import place
from lines.provenance import strip
from lines.structural import structural_faults
from lines.yaml_tree import MAX_BYTES, Unreadable, decode, plain, read_tree, too_large
from twin.errors import Fault, LineFileError, UsageError
from twin.model.base import FROM_FILE
from twin.model.line import Line
from twin.model.supply import Supply
from twin.model.supply_checks import check_supply

__all__ = ["SUFFIX", "load_supply", "supply_file_of", "supply_from_text"]

SUFFIX = ".supply.yaml"


def supply_file_of(line_name: str) -> Path:
    """Where the supply of a line is kept.

    Args:
        line_name: a line file, or the name of a packaged line.

    >>> supply_file_of("tube_line").name, supply_file_of("plant/a.yaml").as_posix()
    ('tube_line.supply.yaml', 'plant/a.supply.yaml')
    """
    path = Path(line_name)
    if not path.exists():
        path = packaged().get(line_name, path)
    return path.with_name(f"{path.stem}{SUFFIX}")


def load_supply(line: Line, file: Path) -> Supply:
    """Read and check the supply of a line.

    Args:
        line: the line.
        file: its supply file, see `supply_file_of`.

    Raises:
        UsageError: there is no such file.
        LineFileError: it is none, or does not fit the line; names every fault.
    """
    if not file.is_file():
        raise UsageError(
            f"{line.id} has no supply file: must be a file, got {str(file)!r}; write one as "
            "docs/how-to/supply.md says, or name another with --supply FILE"
        )
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable([too_large(size)])
        text = decode(file.read_bytes())
    except Unreadable as error:
        raise LineFileError([replace(f, file=str(file)) for f in error.faults]) from None
    except OSError as error:
        raise UsageError(f"can't read {str(file)!r}: {error.strerror}") from None
    return supply_from_text(text, line, str(file))


def supply_from_text(text: str, line: Line, file: str = "supply.yaml") -> Supply:
    """Read the supply of a line from a text in YAML.

    Args:
        text: the whole text; `source` and `note` may stand anywhere, as in line files.
        line: the line.
        file: what faults call it.

    Raises:
        LineFileError: it is none, or does not fit the line; names every fault.
    """
    try:
        tree, faults = read_tree(text)
    except Unreadable as error:
        raise LineFileError([replace(fault, file=file) for fault in error.faults]) from None
    stripped = strip(tree)
    faults += stripped.faults
    document = plain(stripped.tree)
    supply = None
    try:
        supply = Supply.model_validate(document, context=FROM_FILE, by_alias=True, by_name=False)
    except ValidationError as error:
        faults += structural_faults(error, stripped.tree, document, Supply)
    if supply is not None:
        faults += [place(stripped.tree, fault) for fault in check_supply(supply, line)]
    if supply is None or faults:
        named = {replace(fault, file=file): None for fault in faults}
        ordered = sorted(named, key=lambda fault: (fault.line, fault.column, fault.path))
        raise LineFileError(_spoken(ordered))
    return supply


def _spoken(faults: list[Fault]) -> list[Fault]:
    """The YAML reader speaks of line files."""
    of_lines, of_supply = "from 'linetwin: 1' on", "as 'line: LDES1'"
    return [replace(fault, must=fault.must.replace(of_lines, of_supply)) for fault in faults]

"""`twin plc LINE --export FILE`: write what the PLCs would serve, and serve nothing."""

from __future__ import annotations

from pathlib import Path

from lines.loader import load
from opcua.export import nodeset_xml, tags_csv
from opcua.personality import GENERIC, Personality
from twin.cli.screen import STDERR
from twin.errors import UsageError

__all__ = ["export_address_space"]

_WRITERS = {".xml": nodeset_xml, ".csv": tags_csv}


def export_address_space(line: str, file: Path, make: Personality = GENERIC) -> None:
    """Write a line's address space to a file, by its ending.

    Raises:
        UsageError: another ending, or the file can't be written.
    """
    writer = _WRITERS.get(file.suffix.lower())
    if writer is None:
        raise UsageError(
            f"--export must be a file that ends in .xml (NodeSet2) or .csv (tag list), got {file}"
        )
    text = writer(load(line), make)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--export: {file} must be a file that can be written, {error.strerror or error}"
        ) from error
    STDERR.print(f"wrote {file}", highlight=False)
